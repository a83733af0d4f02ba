//! Replies about balances, positions, modes and permissions.

use super::loose::{Entries, body};
use aegis_types::{Money, Px, Qty};
use alloc::string::String;

body! {
    /// One entry of `positionRisk`, second or third version.
    PositionRisk {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "positionSide";
        /// Base quantity, below zero for short; zero when flat.
        amount: Qty = "positionAmt";
        /// Average entry price.
        entry: Px = "entryPrice";
        /// Price at which fees are earned back.
        break_even: Px = "breakEvenPrice";
        /// Mark price.
        mark: Px = "markPrice";
        /// Profit at the mark price.
        unrealized: Money = "unRealizedProfit" | "unrealizedProfit";
        /// Where it would be liquidated; 0 for nowhere.
        liquidation: Px = "liquidationPrice";
        /// Isolated margin with the profit in it; 0 for cross.
        isolated_margin: Money = "isolatedMargin";
        /// Isolated margin without the profit.
        isolated_wallet: Money = "isolatedWallet";
        /// Notional at the mark price, below zero for short.
        notional: Money = "notional";
        /// Maintenance margin; not in the second version.
        maintenance: Money = "maintMargin";
        /// Initial margin; not in the second version.
        initial: Money = "initialMargin";
        /// Place in the queue of deleveraging, 0 to 4.
        adl: u8 = "adl";
        /// Leverage; second version only.
        leverage: u16 = "leverage";
        /// `cross` or `isolated`; second version only.
        margin_type: String = "marginType";
        /// When it last changed, in milliseconds.
        update_ms: i64 = "updateTime";
    }
}

impl PositionRisk {
    /// Isolated margin? The third version says so only by the margin that is there.
    pub fn is_isolated(&self) -> Option<bool> {
        match (&self.margin_type, self.isolated_margin) {
            (Some(kind), _) => Some(kind.eq_ignore_ascii_case("isolated")),
            (None, Some(margin)) => Some(!margin.is_zero()),
            (None, None) => None,
        }
    }
}

body! {
    /// One entry of `balance`.
    Balance {
        [ids]
        /// Asset.
        asset: String = "asset";
        [fields]
        /// Wallet balance.
        balance: Money = "balance" | "walletBalance";
        /// Wallet balance that cross positions share.
        cross_wallet: Money = "crossWalletBalance";
        /// Profit of cross positions.
        cross_unrealized: Money = "crossUnPnl";
        /// Free for new positions.
        available: Money = "availableBalance";
        /// Free to be taken out.
        withdrawable: Money = "maxWithdrawAmount";
        /// When it last changed, in milliseconds.
        update_ms: i64 = "updateTime";
    }
}

body! {
    /// The answer of `account`.
    AccountInfo {
        [fields]
        /// Wallet balance of all assets, in USD.
        wallet: Money = "totalWalletBalance";
        /// Profit of all positions.
        unrealized: Money = "totalUnrealizedProfit";
        /// Wallet and profit.
        margin_balance: Money = "totalMarginBalance";
        /// Initial margin of positions and orders.
        initial: Money = "totalInitialMargin";
        /// Maintenance margin.
        maintenance: Money = "totalMaintMargin";
        /// Free for new positions.
        available: Money = "availableBalance";
        [nested]
        /// Balances by asset.
        assets: Entries<Balance> = "assets";
        /// Positions; in the third version only with a position or an open order.
        positions: Entries<PositionRisk> = "positions";
    }
}

body! {
    /// One entry of `symbolConfig`.
    SymbolConfig {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// `CROSSED` or `ISOLATED`.
        margin_type: String = "marginType";
        /// Margin is added by itself.
        auto_add: bool = "isAutoAddMargin";
        /// Leverage.
        leverage: u16 = "leverage";
        /// Largest notional at this leverage.
        notional_max: Money = "maxNotionalValue";
    }
}

impl SymbolConfig {
    /// Isolated margin?
    pub fn is_isolated(&self) -> Option<bool> {
        self.margin_type.as_ref().map(|kind| kind.eq_ignore_ascii_case("isolated"))
    }
}

body! {
    /// The answer of `accountConfig`.
    AccountConfig {
        [fields]
        /// Trading is allowed.
        can_trade: bool = "canTrade";
        /// Taking money out is allowed.
        can_withdraw: bool = "canWithdraw";
        /// Hedge mode.
        hedge: bool = "dualSidePosition";
        /// Multi-assets mode.
        multi_assets: bool = "multiAssetsMargin";
        /// Fee tier.
        fee_tier: u32 = "feeTier";
    }
}

body! {
    /// The answer of `positionSide/dual`.
    PositionMode {
        [ids]
        /// Hedge mode; else one-way.
        hedge: bool = "dualSidePosition";
    }
}

body! {
    /// The answer of `apiRestrictions`: what the key may do.
    KeyRestrictions {
        [fields]
        /// Bound to addresses.
        ip_restricted: bool = "ipRestrict";
        /// May read.
        reading: bool = "enableReading";
        /// May trade futures.
        futures: bool = "enableFutures";
        /// May take money out. A key that may is refused.
        withdrawals: bool = "enableWithdrawals";
        /// May move money between accounts.
        internal_transfer: bool = "enableInternalTransfer";
        /// May move money to other wallets.
        universal_transfer: bool = "permitsUniversalTransfer";
        /// When trading ends for a key without addresses, in milliseconds.
        trading_ends_ms: i64 = "tradingAuthorityExpirationTime";
    }
}
