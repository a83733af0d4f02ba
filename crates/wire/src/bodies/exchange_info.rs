//! `exchangeInfo`: symbols with their filters, and the limits.

use super::loose::{Entries, body};
use aegis_types::{Bracket, Instrument, InstrumentOrigin, Money, Nanos, Px, Qty, Rate, SymbolId};
use alloc::string::String;
use core::fmt;

body! {
    /// The answer. Its `serverTime` is days old and is not read.
    ExchangeInfo {
        [nested]
        /// Limits.
        rate_limits: Entries<RateLimit> = "rateLimits";
        /// Symbols in the order sent.
        symbols: Entries<SymbolInfo> = "symbols";
    }
}

body! {
    /// One limit.
    RateLimit {
        [ids]
        /// `REQUEST_WEIGHT` or `ORDERS`.
        kind: String = "rateLimitType";
        /// `SECOND`, `MINUTE`, `DAY`.
        interval: String = "interval";
        /// How many of those.
        intervals: u32 = "intervalNum";
        /// How much in that time.
        limit: u32 = "limit";
    }
}

impl RateLimit {
    /// The length of its window in seconds.
    pub fn window_s(&self) -> Option<u32> {
        let unit: u32 = match self.interval.as_str() {
            "SECOND" => 1,
            "MINUTE" => 60,
            "HOUR" => 3_600,
            "DAY" => 86_400,
            _ => return None,
        };
        unit.checked_mul(self.intervals)
    }
}

body! {
    /// One symbol.
    SymbolInfo {
        [ids]
        /// Its name.
        symbol: String = "symbol";
        [fields]
        /// Its pair.
        pair: String = "pair";
        /// `PERPETUAL`, `CURRENT_QUARTER`, `TRADIFI_PERPETUAL`, …
        contract: String = "contractType";
        /// `TRADING`, `SETTLING`, …
        status: String = "status" | "contractStatus";
        /// What is traded.
        base: String = "baseAsset";
        /// What it is priced in.
        quote: String = "quoteAsset";
        /// What margin is posted in.
        margin: String = "marginAsset";
        /// `COIN`, `INDEX`, …
        underlying: String = "underlyingType";
        /// First trading, in milliseconds.
        onboard_ms: i64 = "onboardDate";
        /// End of trading, in milliseconds; far away for perpetuals.
        delivery_ms: i64 = "deliveryDate";
        /// Fee on the notional of a liquidation.
        liquidation_fee: Rate = "liquidationFee";
        /// How far a market order may go from the mark price.
        market_bound: Rate = "marketTakeBound";
        /// How far mark and last may differ for a trigger with price protection.
        trigger_protect: Rate = "triggerProtect";
        [nested]
        /// Its filters; an open set.
        filters: Entries<Filter> = "filters";
        /// Order types that it takes.
        order_types: Entries<String> = "orderTypes";
    }
}

body! {
    /// One filter with the fields of all of them.
    Filter {
        [ids]
        /// Which one.
        kind: String = "filterType";
        [fields]
        /// Least price.
        price_min: Px = "minPrice";
        /// Largest price; 0 is no limit.
        price_max: Px = "maxPrice";
        /// Price grid.
        tick: Px = "tickSize";
        /// Least quantity.
        qty_min: Qty = "minQty";
        /// Largest quantity.
        qty_max: Qty = "maxQty";
        /// Quantity grid.
        step: Qty = "stepSize";
        /// Least notional.
        notional: Money = "notional" | "minNotional";
        /// How many.
        limit: u32 = "limit" | "maxNumOrders";
        /// Highest price of a buy, as a multiple of the mark.
        up: Rate = "multiplierUp";
        /// Lowest price of a sell, as a multiple of the mark.
        down: Rate = "multiplierDown";
    }
}

/// Why a symbol's numbers do not make an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentFault {
    /// Without this filter, or without a number in it.
    Missing(&'static str),
    /// A grid or minimum that is not above zero, or a range turned around.
    Nonsense(&'static str),
    /// Without margin brackets.
    NoBrackets,
}

impl fmt::Display for InstrumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "the exchange sent no {what}"),
            Self::Nonsense(what) => write!(f, "the exchange sent a {what} that no order can meet"),
            Self::NoBrackets => f.write_str("the exchange sent no margin brackets"),
        }
    }
}

impl core::error::Error for InstrumentFault {}

impl SymbolInfo {
    /// The filter of a kind.
    pub fn filter(&self, kind: &str) -> Option<&Filter> {
        self.filters.0.iter().find(|filter| filter.kind == kind)
    }

    /// The instrument: one grid and range for orders by price and at market, the narrower of the
    /// two. Fees and brackets come from other calls.
    ///
    /// # Errors
    /// [`InstrumentFault`] names what is missing.
    pub fn instrument(
        &self,
        id: SymbolId,
        fees: (Rate, Rate),
        brackets: &[Bracket],
        funding_interval: Nanos,
    ) -> Result<Instrument, InstrumentFault> {
        use InstrumentFault::{Missing, NoBrackets, Nonsense};
        let price = self.filter("PRICE_FILTER").ok_or(Missing("PRICE_FILTER"))?;
        let lot = self.filter("LOT_SIZE").ok_or(Missing("LOT_SIZE"))?;
        let market = self.filter("MARKET_LOT_SIZE").unwrap_or(lot);
        let notional = self.filter("MIN_NOTIONAL").ok_or(Missing("MIN_NOTIONAL"))?;
        let tick = price.tick.ok_or(Missing("tickSize"))?;
        let step = lot.step.max(market.step).ok_or(Missing("stepSize"))?;
        let qty_min = lot.qty_min.max(market.qty_min).ok_or(Missing("minQty"))?;
        let most = [lot.qty_max, market.qty_max].into_iter().flatten();
        let qty_max = most.filter(|qty| qty.is_positive()).min().ok_or(Missing("maxQty"))?;
        let notional_min = notional.notional.ok_or(Missing("MIN_NOTIONAL"))?;
        if !tick.is_positive() {
            return Err(Nonsense("tickSize"));
        }
        if !step.is_positive() {
            return Err(Nonsense("stepSize"));
        }
        if !qty_min.is_positive() || qty_max < qty_min {
            return Err(Nonsense("minQty"));
        }
        if brackets.is_empty() {
            return Err(NoBrackets);
        }
        let (taker_fee, maker_fee) = fees;
        Ok(Instrument {
            symbol: id,
            name: self.symbol.clone(),
            tick,
            step,
            qty_min,
            qty_max,
            notional_min,
            taker_fee,
            maker_fee,
            liquidation_fee: self.liquidation_fee.unwrap_or_default(),
            funding_interval,
            brackets: brackets.to_vec(),
            origin: InstrumentOrigin::File,
        })
    }
}
