//! Step machine: the payloads of market streams, field by field as the exchange orders them.

use crate::server::derived::TradeRow;
use crate::server::exchange_info;
use crate::server::history::Bar;
use crate::server::market::{Market, Touch};
use crate::server::streams::Aggregate;
use crate::server::text::{push_amount, push_fixed, push_int};
use aegis_types::{Px, Qty};
use aegis_wire::Level;
use aegis_wire::intervals::Interval;

/// Writes JSON fields one behind the other.
pub struct Fields {
    out: String,
    px: u8,
    qty: u8,
}

impl Fields {
    /// Begins an object with decimals as the market writes them.
    pub fn new(market: &Market) -> Self {
        let mut out = String::with_capacity(320);
        out.push('{');
        Self { out, px: market.px_places, qty: market.qty_places }
    }

    fn key(&mut self, key: &str) {
        if !self.out.ends_with(['{', '[']) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    /// A text without anything to escape.
    pub fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        self.out.push('"');
        self.out.push_str(value);
        self.out.push('"');
        self
    }

    /// A whole number.
    pub fn int(mut self, key: &str, value: i64) -> Self {
        self.key(key);
        push_int(&mut self.out, value);
        self
    }

    /// True or false.
    pub fn flag(mut self, key: &str, value: bool) -> Self {
        self.key(key);
        self.out.push_str(if value { "true" } else { "false" });
        self
    }

    /// A decimal text of units of 1e-8.
    pub fn decimal(mut self, key: &str, raw: i64, places: u8) -> Self {
        self.key(key);
        self.out.push('"');
        push_fixed(&mut self.out, raw, places);
        self.out.push('"');
        self
    }

    /// A price.
    pub fn px(self, key: &str, px: Px) -> Self {
        let places = self.px;
        self.decimal(key, px.raw(), places)
    }

    /// A quantity.
    pub fn qty(self, key: &str, qty: Qty) -> Self {
        let places = self.qty;
        self.decimal(key, qty.raw(), places)
    }

    /// A float that is an amount.
    pub fn amount(mut self, key: &str, value: f64, places: u8) -> Self {
        self.key(key);
        self.out.push('"');
        push_amount(&mut self.out, value, places);
        self.out.push('"');
        self
    }

    /// A volume in base units.
    pub fn volume(self, key: &str, value: f64) -> Self {
        let places = self.qty;
        self.amount(key, value, places)
    }

    /// Price levels: `[["price","quantity"],…]`.
    pub fn levels(mut self, key: &str, levels: impl Iterator<Item = Level>) -> Self {
        self.key(key);
        self.out.push('[');
        for level in levels {
            self.out.push_str(if self.out.ends_with('[') { "[\"" } else { ",[\"" });
            push_fixed(&mut self.out, level.px.raw(), self.px);
            self.out.push_str("\",\"");
            push_fixed(&mut self.out, level.qty.raw(), self.qty);
            self.out.push_str("\"]");
        }
        self.out.push(']');
        self
    }

    /// An object inside.
    pub fn object(mut self, key: &str, inside: impl FnOnce(Self) -> Self) -> Self {
        self.key(key);
        self.out.push('{');
        let mut inner = inside(self);
        inner.out.push('}');
        inner
    }

    /// The object.
    pub fn done(mut self) -> String {
        self.out.push('}');
        self.out
    }

    /// Pair and contract family, which end most payloads since COIN-M joined.
    pub fn pair(self, market: &Market) -> Self {
        self.text("ps", &market.instrument.name).int("st", 1)
    }
}

/// `aggTrade`.
pub fn agg_trade(market: &Market, event_ms: i64, aggregate: &Aggregate) -> String {
    Fields::new(market)
        .text("e", "aggTrade")
        .int("E", event_ms)
        .text("s", &market.instrument.name)
        .int("a", aggregate.first_id as i64)
        .px("p", aggregate.px)
        .qty("q", aggregate.qty)
        .qty("nq", aggregate.qty)
        .int("f", aggregate.first_id as i64)
        .int("l", aggregate.last_id as i64)
        .int("T", aggregate.time_ms)
        .flag("m", aggregate.buyer_is_maker)
        .int("st", 1)
        .done()
}

/// `trade`.
pub fn trade(market: &Market, event_ms: i64, row: &TradeRow) -> String {
    Fields::new(market)
        .text("e", "trade")
        .int("E", event_ms)
        .int("T", row.time_ms)
        .text("s", &market.instrument.name)
        .int("t", row.id as i64)
        .px("p", row.px)
        .qty("q", row.qty)
        .text("X", "MARKET")
        .flag("m", row.buyer_is_maker)
        .done()
}

/// `kline`.
pub fn kline(
    market: &Market,
    event_ms: i64,
    interval: Interval,
    bar: &Bar,
    closed: bool,
) -> String {
    let name = &market.instrument.name;
    Fields::new(market)
        .text("e", "kline")
        .int("E", event_ms)
        .text("s", name)
        .object("k", |k| candle(k, Some(name), interval, bar, closed))
        .done()
}

/// `continuous_kline`.
pub fn continuous(
    market: &Market,
    event_ms: i64,
    interval: Interval,
    bar: &Bar,
    closed: bool,
) -> String {
    Fields::new(market)
        .text("e", "continuous_kline")
        .int("E", event_ms)
        .text("ps", &market.instrument.name)
        .text("ct", "PERPETUAL")
        .object("k", |k| candle(k, None, interval, bar, closed))
        .done()
}

fn candle(k: Fields, symbol: Option<&str>, interval: Interval, bar: &Bar, closed: bool) -> Fields {
    let k = k.int("t", bar.open_ms).int("T", interval.next_open(bar.open_ms) - 1);
    let k = match symbol {
        Some(symbol) => k.text("s", symbol),
        None => k,
    };
    let (first, last) = match bar.trades {
        0 => (-1, -1),
        n => (bar.first_id as i64, (bar.first_id + n - 1) as i64),
    };
    k.text("i", interval.name())
        .int("f", first)
        .int("L", last)
        .px("o", bar.open)
        .px("c", bar.close)
        .px("h", bar.high)
        .px("l", bar.low)
        .volume("v", bar.volume)
        .int("n", bar.trades as i64)
        .flag("x", closed)
        .amount("q", bar.quote, 5)
        .volume("V", bar.buy)
        .amount("Q", bar.buy_quote, 5)
        .text("B", "0")
}

/// `bookTicker`.
pub fn book_ticker(market: &Market, event_ms: i64, touch: &Touch) -> String {
    Fields::new(market)
        .text("e", "bookTicker")
        .int("u", touch.id as i64)
        .int("E", event_ms)
        .int("T", touch.time_ms)
        .text("s", &market.instrument.name)
        .px("b", touch.bid)
        .qty("B", touch.bid_qty)
        .px("a", touch.ask)
        .qty("A", touch.ask_qty)
        .pair(market)
        .done()
}

/// Ids of a `depthUpdate`: `U`, `u`, `pu`, and `T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthIds {
    /// First update id.
    pub first: u64,
    /// Last update id.
    pub last: u64,
    /// Last update id of the event before.
    pub previous: u64,
    /// Transaction time, ms.
    pub time_ms: i64,
}

/// `depthUpdate`.
pub fn depth(
    market: &Market,
    event_ms: i64,
    ids: DepthIds,
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
) -> String {
    Fields::new(market)
        .text("e", "depthUpdate")
        .int("E", event_ms)
        .int("T", ids.time_ms)
        .text("s", &market.instrument.name)
        .int("U", ids.first as i64)
        .int("u", ids.last as i64)
        .int("pu", ids.previous as i64)
        .levels("b", bids)
        .levels("a", asks)
        .pair(market)
        .done()
}

/// `markPriceUpdate`; none before the first price.
pub fn mark_price(market: &Market, event_ms: i64) -> Option<String> {
    let mark = market.mark(event_ms)?;
    let fields = Fields::new(market)
        .text("e", "markPriceUpdate")
        .int("E", event_ms)
        .text("s", &market.instrument.name)
        .decimal("p", mark.mark.raw(), 8)
        .decimal("ap", mark.mark.raw(), 8)
        .decimal("i", mark.index.raw(), 8)
        .decimal("P", mark.index.raw(), 8)
        .decimal("r", mark.rate.raw(), 8)
        .int("T", mark.next_ms)
        .int("st", 1);
    Some(fields.done())
}

/// `24hrTicker`; none before the first minute.
pub fn ticker(market: &Market, event_ms: i64) -> Option<String> {
    let day = market.day(event_ms)?;
    let fields = Fields::new(market)
        .text("e", "24hrTicker")
        .int("E", event_ms)
        .text("s", &market.instrument.name)
        .px("p", day.change)
        .amount("P", day.change_percent, 2)
        .amount("w", day.average, market.px_places + 2)
        .px("c", day.bar.close)
        .qty("Q", day.last_qty)
        .px("o", day.bar.open)
        .px("h", day.bar.high)
        .px("l", day.bar.low)
        .volume("v", day.bar.volume)
        .amount("q", day.bar.quote, 2)
        .int("O", day.bar.open_ms)
        .int("C", day.close_ms)
        .int("F", day.bar.first_id as i64)
        .int("L", day.last_id)
        .int("n", day.bar.trades as i64)
        .pair(market);
    Some(fields.done())
}

/// `24hrMiniTicker`; none before the first minute.
pub fn mini_ticker(market: &Market, event_ms: i64) -> Option<String> {
    let day = market.day(event_ms)?;
    let fields = Fields::new(market)
        .text("e", "24hrMiniTicker")
        .int("E", event_ms)
        .text("s", &market.instrument.name)
        .px("c", day.bar.close)
        .px("o", day.bar.open)
        .px("h", day.bar.high)
        .px("l", day.bar.low)
        .volume("v", day.bar.volume)
        .amount("q", day.bar.quote, 2)
        .pair(market);
    Some(fields.done())
}

/// `forceOrder`.
pub fn force_order(market: &Market, event_ms: i64, side: &str, px: Px, qty: Qty) -> String {
    Fields::new(market)
        .text("e", "forceOrder")
        .int("E", event_ms)
        .object("o", |o| {
            o.text("s", &market.instrument.name)
                .text("S", side)
                .text("o", "LIMIT")
                .text("f", "IOC")
                .qty("q", qty)
                .px("p", px)
                .px("ap", px)
                .text("X", "FILLED")
                .qty("l", qty)
                .qty("z", qty)
                .int("T", event_ms)
        })
        .pair(market)
        .done()
}

/// `contractInfo`.
pub fn contract_info(market: &Market, event_ms: i64) -> String {
    let name = &market.instrument.name;
    let mut out = Fields::new(market)
        .text("e", "contractInfo")
        .int("E", event_ms)
        .text("s", name)
        .text("ps", name)
        .text("ct", "PERPETUAL")
        .int("dt", exchange_info::DELIVERY_MS)
        .int("ot", exchange_info::ONBOARD_MS)
        .text("cs", market.rules.status.name())
        .int("st", 1)
        .done();
    out.pop();
    let brackets: Vec<serde_json::Value> = exchange_info::brackets(market);
    out.push_str(",\"bks\":");
    out.push_str(&serde_json::Value::from(brackets).to_string());
    out.push('}');
    out
}
