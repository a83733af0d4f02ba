//! The table itself.

use super::Effect::{self, Once, Read, Repeatable};
use super::Method::{self, Delete, Get, Post, Put};
use super::Security::{self, MarketData, Trade, UserData, UserStream};
use super::Weight::{self, Fixed, Funding};
use super::{Endpoint, OrderCount};

/// Without a symbol a call looks at all of them.
const fn symbol(with: u16, without: u16) -> Weight {
    Weight::Param { name: "symbol", with, without }
}

const KLINES: Weight =
    Weight::Limit { default: 500, steps: &[(99, 1), (499, 2), (1_000, 5), (u32::MAX, 10)] };
const DEPTH: Weight =
    Weight::Limit { default: 500, steps: &[(50, 2), (100, 5), (500, 10), (u32::MAX, 20)] };

const OPEN: Security = Security::None;
const NONE: OrderCount = OrderCount::NONE;
const ONE: OrderCount = OrderCount::ONE;
const BATCH: OrderCount = OrderCount::BATCH;

macro_rules! endpoints {
    ($($(#[$doc:meta])* $call:ident: $method:ident $path:literal, $security:ident, $weight:expr,
       $orders:ident, $effect:ident;)*) => {
        /// The REST calls that this program makes or serves.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Call {
            $($(#[$doc])* $call,)*
        }

        /// Every call, in the order of [`Call`].
        pub const ENDPOINTS: &[Endpoint] = &[$({
            const METHOD: Method = $method;
            const EFFECT: Effect = $effect;
            Endpoint {
                call: Call::$call,
                method: METHOD,
                path: $path,
                security: $security,
                weight: $weight,
                orders: $orders,
                effect: EFFECT,
            }
        },)*];
    };
}

impl Call {
    /// Its line of the table.
    pub const fn endpoint(self) -> &'static Endpoint {
        &ENDPOINTS[self as usize]
    }
}

endpoints! {
    /// Is it there?
    Ping: Get "/fapi/v1/ping", OPEN, Fixed(1), NONE, Read;
    /// The server's clock.
    Time: Get "/fapi/v1/time", OPEN, Fixed(1), NONE, Read;
    /// Symbols, filters, limits.
    ExchangeInfo: Get "/fapi/v1/exchangeInfo", OPEN, Fixed(1), NONE, Read;
    /// The order book.
    Depth: Get "/fapi/v1/depth", OPEN, DEPTH, NONE, Read;
    /// The order book with retail price improvement orders.
    RpiDepth: Get "/fapi/v1/rpiDepth", OPEN, Fixed(20), NONE, Read;
    /// Newest trades.
    Trades: Get "/fapi/v1/trades", OPEN, Fixed(5), NONE, Read;
    /// Older trades.
    HistoricalTrades: Get "/fapi/v1/historicalTrades", MarketData, Fixed(200), NONE, Read;
    /// Trades by taker order and price.
    AggTrades: Get "/fapi/v1/aggTrades", OPEN, Fixed(20), NONE, Read;
    /// Candles.
    Klines: Get "/fapi/v1/klines", OPEN, KLINES, NONE, Read;
    /// Candles of a pair and contract type.
    ContinuousKlines: Get "/fapi/v1/continuousKlines", OPEN, KLINES, NONE, Read;
    /// Candles of the index price.
    IndexPriceKlines: Get "/fapi/v1/indexPriceKlines", OPEN, KLINES, NONE, Read;
    /// Candles of the mark price.
    MarkPriceKlines: Get "/fapi/v1/markPriceKlines", OPEN, KLINES, NONE, Read;
    /// Candles of the premium index.
    PremiumIndexKlines: Get "/fapi/v1/premiumIndexKlines", OPEN, KLINES, NONE, Read;
    /// Mark price and funding.
    PremiumIndex: Get "/fapi/v1/premiumIndex", OPEN, symbol(1, 10), NONE, Read;
    /// Past funding rates.
    FundingRate: Get "/fapi/v1/fundingRate", OPEN, Funding, NONE, Read;
    /// Funding intervals that are not eight hours.
    FundingInfo: Get "/fapi/v1/fundingInfo", OPEN, Funding, NONE, Read;
    /// The last 24 hours.
    Ticker24h: Get "/fapi/v1/ticker/24hr", OPEN, symbol(1, 40), NONE, Read;
    /// Last prices, the old way.
    TickerPriceV1: Get "/fapi/v1/ticker/price", OPEN, symbol(1, 2), NONE, Read;
    /// Last prices.
    TickerPrice: Get "/fapi/v2/ticker/price", OPEN, symbol(1, 2), NONE, Read;
    /// Best bid and ask.
    BookTicker: Get "/fapi/v1/ticker/bookTicker", OPEN, symbol(2, 5), NONE, Read;
    /// Risk of deleveraging by symbol.
    SymbolAdlRisk: Get "/fapi/v1/symbolAdlRisk", OPEN, Fixed(1), NONE, Read;
    /// Open interest over time. Calls of this path have limits of their own.
    OpenInterestHistory: Get "/futures/data/openInterestHist", OPEN, Fixed(0), NONE, Read;
    /// Long and short positions of the largest accounts.
    TopPositionRatio:
        Get "/futures/data/topLongShortPositionRatio", OPEN, Fixed(0), NONE, Read;
    /// Long and short among the largest accounts.
    TopAccountRatio: Get "/futures/data/topLongShortAccountRatio", OPEN, Fixed(0), NONE, Read;
    /// Long and short among all accounts.
    GlobalAccountRatio:
        Get "/futures/data/globalLongShortAccountRatio", OPEN, Fixed(0), NONE, Read;
    /// Volume bought and sold by takers.
    TakerRatio: Get "/futures/data/takerlongshortRatio", OPEN, Fixed(0), NONE, Read;
    /// Future against index.
    Basis: Get "/futures/data/basis", OPEN, Fixed(0), NONE, Read;
    /// Open interest.
    OpenInterest: Get "/fapi/v1/openInterest", OPEN, Fixed(1), NONE, Read;

    /// Places an order.
    NewOrder: Post "/fapi/v1/order", Trade, Fixed(0), ONE, Once;
    /// Changes a limit order.
    AmendOrder: Put "/fapi/v1/order", Trade, Fixed(0), ONE, Once;
    /// Cancels an order.
    CancelOrder: Delete "/fapi/v1/order", Trade, Fixed(1), NONE, Repeatable;
    /// Asks for an order.
    QueryOrder: Get "/fapi/v1/order", UserData, Fixed(1), NONE, Read;
    /// Checks an order without placing it.
    TestOrder: Post "/fapi/v1/order/test", Trade, Fixed(0), NONE, Read;
    /// Places several orders.
    NewBatch: Post "/fapi/v1/batchOrders", Trade, Fixed(5), BATCH, Once;
    /// Changes several orders.
    AmendBatch: Put "/fapi/v1/batchOrders", Trade, Fixed(5), BATCH, Once;
    /// Cancels several orders.
    CancelBatch: Delete "/fapi/v1/batchOrders", Trade, Fixed(1), NONE, Repeatable;
    /// The changes of an order.
    OrderAmendments: Get "/fapi/v1/orderAmendment", UserData, Fixed(1), NONE, Read;
    /// Cancels all orders of a symbol; not the algo orders.
    CancelAll: Delete "/fapi/v1/allOpenOrders", Trade, Fixed(1), NONE, Repeatable;
    /// Cancels all orders of a symbol when it is not renewed.
    CountdownCancelAll: Post "/fapi/v1/countdownCancelAll", Trade, Fixed(10), NONE, Repeatable;
    /// One open order.
    OpenOrder: Get "/fapi/v1/openOrder", UserData, Fixed(1), NONE, Read;
    /// Open orders.
    OpenOrders: Get "/fapi/v1/openOrders", UserData, symbol(1, 40), NONE, Read;
    /// Orders of all states.
    AllOrders: Get "/fapi/v1/allOrders", UserData, Fixed(5), NONE, Read;
    /// Own trades.
    UserTrades: Get "/fapi/v1/userTrades", UserData, Fixed(5), NONE, Read;
    /// Own liquidations and deleveragings.
    ForceOrders: Get "/fapi/v1/forceOrders", UserData, symbol(20, 50), NONE, Read;

    /// Places a conditional order.
    NewAlgoOrder: Post "/fapi/v1/algoOrder", Trade, Fixed(0), ONE, Once;
    /// Cancels a conditional order.
    CancelAlgoOrder: Delete "/fapi/v1/algoOrder", Trade, Fixed(1), NONE, Repeatable;
    /// Asks for a conditional order.
    QueryAlgoOrder: Get "/fapi/v1/algoOrder", UserData, Fixed(1), NONE, Read;
    /// Cancels all conditional orders of a symbol.
    CancelAllAlgo: Delete "/fapi/v1/algoOpenOrders", Trade, Fixed(1), NONE, Repeatable;
    /// Open conditional orders.
    OpenAlgoOrders: Get "/fapi/v1/openAlgoOrders", UserData, symbol(1, 40), NONE, Read;
    /// Conditional orders of all states.
    AllAlgoOrders: Get "/fapi/v1/allAlgoOrders", UserData, Fixed(5), NONE, Read;

    /// Sets the leverage of a symbol.
    SetLeverage: Post "/fapi/v1/leverage", Trade, Fixed(1), NONE, Repeatable;
    /// Sets the margin type of a symbol.
    SetMarginType: Post "/fapi/v1/marginType", Trade, Fixed(1), NONE, Repeatable;
    /// Sets one-way or hedge mode.
    SetPositionMode: Post "/fapi/v1/positionSide/dual", Trade, Fixed(1), NONE, Repeatable;
    /// One-way or hedge mode?
    PositionMode: Get "/fapi/v1/positionSide/dual", UserData, Fixed(30), NONE, Read;
    /// Sets single-asset or multi-assets mode.
    SetAssetMode: Post "/fapi/v1/multiAssetsMargin", Trade, Fixed(1), NONE, Repeatable;
    /// Single-asset or multi-assets mode?
    AssetMode: Get "/fapi/v1/multiAssetsMargin", UserData, Fixed(30), NONE, Read;
    /// Adds or takes margin of an isolated position.
    ChangeMargin: Post "/fapi/v1/positionMargin", Trade, Fixed(1), NONE, Once;
    /// The changes of isolated margin.
    MarginHistory: Get "/fapi/v1/positionMargin/history", Trade, Fixed(1), NONE, Read;
    /// Sets whether fees are paid in BNB.
    SetFeeBurn: Post "/fapi/v1/feeBurn", Trade, Fixed(1), NONE, Repeatable;
    /// Are fees paid in BNB?
    FeeBurn: Get "/fapi/v1/feeBurn", UserData, Fixed(30), NONE, Read;
    /// Places in the queue of deleveraging.
    AdlQuantile: Get "/fapi/v1/adlQuantile", UserData, Fixed(5), NONE, Read;
    /// Margin brackets.
    LeverageBracket: Get "/fapi/v1/leverageBracket", UserData, Fixed(1), NONE, Read;
    /// Balances, second version.
    BalanceV2: Get "/fapi/v2/balance", UserData, Fixed(5), NONE, Read;
    /// Balances.
    Balance: Get "/fapi/v3/balance", UserData, Fixed(5), NONE, Read;
    /// The account, first version.
    AccountV1: Get "/fapi/v1/account", UserData, Fixed(5), NONE, Read;
    /// The account, second version.
    AccountV2: Get "/fapi/v2/account", UserData, Fixed(5), NONE, Read;
    /// The account.
    Account: Get "/fapi/v3/account", UserData, Fixed(5), NONE, Read;
    /// Positions, second version.
    PositionRiskV2: Get "/fapi/v2/positionRisk", UserData, Fixed(5), NONE, Read;
    /// Positions.
    PositionRisk: Get "/fapi/v3/positionRisk", UserData, Fixed(5), NONE, Read;
    /// Leverage and margin type by symbol.
    SymbolConfig: Get "/fapi/v1/symbolConfig", UserData, Fixed(5), NONE, Read;
    /// Permissions and modes.
    AccountConfig: Get "/fapi/v1/accountConfig", UserData, Fixed(5), NONE, Read;
    /// Fees of a symbol.
    CommissionRate: Get "/fapi/v1/commissionRate", UserData, Fixed(20), NONE, Read;
    /// What changed the wallet.
    Income: Get "/fapi/v1/income", UserData, Fixed(30), NONE, Read;
    /// The account's order limits.
    OrderLimits: Get "/fapi/v1/rateLimit/order", UserData, Fixed(1), NONE, Read;

    /// Opens or renews the user stream.
    StartUserStream: Post "/fapi/v1/listenKey", UserStream, Fixed(1), NONE, Repeatable;
    /// Keeps the user stream open.
    KeepUserStream: Put "/fapi/v1/listenKey", UserStream, Fixed(1), NONE, Repeatable;
    /// Closes the user stream.
    CloseUserStream: Delete "/fapi/v1/listenKey", UserStream, Fixed(1), NONE, Repeatable;

    /// What a key may do. The calls of the spot host are counted there, not here.
    KeyRestrictions: Get "/sapi/v1/account/apiRestrictions", UserData, Fixed(0), NONE, Read;
    /// Coins and networks; libraries ask for it when they load markets.
    Coins: Get "/sapi/v1/capital/config/getall", UserData, Fixed(0), NONE, Read;
    /// Margin pairs; libraries ask for it when they load markets.
    MarginPairs: Get "/sapi/v1/margin/allPairs", MarketData, Fixed(0), NONE, Read;
    /// Isolated margin pairs; libraries ask for it when they load markets.
    IsolatedPairs: Get "/sapi/v1/margin/isolated/allPairs", MarketData, Fixed(0), NONE, Read;
    /// Is there maintenance?
    SystemStatus: Get "/sapi/v1/system/status", OPEN, Fixed(0), NONE, Read;
    /// Is anyone there? Libraries ask the spot host when they start.
    SpotPing: Get "/api/v3/ping", OPEN, Fixed(0), NONE, Read;
    /// The spot host's clock; libraries ask for it when they start.
    SpotTime: Get "/api/v3/time", OPEN, Fixed(0), NONE, Read;
}
