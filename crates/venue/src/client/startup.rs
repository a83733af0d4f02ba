//! Step machine: what must hold before the first order.
//!
//! In this order: the clock; symbols, filters and limits; margin brackets; what the key may do; the
//! account's mode, one-way; margin types and leverages as they are. A read that fails is repeated;
//! what the exchange refuses for good ends the start with a sentence.

use super::facts::{decimal, text, whole};
use super::ledger::Limits;
use super::request::Purpose;
use aegis_types::{Filters, Money, Nanos, Px, Qty, SymbolId, SymbolTable};
use aegis_wire::errors::Class;
use serde_json::Value;

/// Pause before a read that failed goes again.
const AGAIN: Nanos = Nanos::SECOND;

/// What the key may do, as the exchange says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restrictions {
    /// Not asked yet.
    Unread,
    /// This environment does not answer the question.
    Absent,
    /// It may trade, and move nothing out.
    TradeOnly {
        /// Only from known addresses.
        by_address: bool,
    },
    /// It may move money out.
    MayWithdraw,
}

/// Where the start is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for that answer.
    Reading(Purpose),
    /// All holds.
    Done,
    /// It cannot be begun: why, and what to do.
    Failed(String),
}

/// What happens during the start.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// The clock is set.
    ClockSet,
    /// An answer.
    Answer(Purpose, &'a Value),
    /// A refusal, with its HTTP status, class and words.
    Refused(Purpose, u16, Class, &'a str),
    /// No answer.
    Lost(Purpose),
}

/// The start.
#[derive(Clone, Debug)]
pub struct Startup {
    stage: Stage,
    live: bool,
    again_at: Nanos,
    asked: bool,
    restrictions: Restrictions,
    limits: Limits,
    filters: Vec<Option<Filters>>,
    leverages: Vec<(SymbolId, u16, bool)>,
}

impl Startup {
    /// Not begun. `live` when real money is at stake.
    pub fn new(live: bool, symbols: usize) -> Self {
        Self {
            stage: Stage::Reading(Purpose::Time),
            live,
            again_at: Nanos(i64::MIN),
            asked: false,
            restrictions: Restrictions::Unread,
            limits: Limits::default(),
            filters: vec![None; symbols],
            leverages: Vec::new(),
        }
    }

    /// Where it is.
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// What the key may do.
    pub const fn restrictions(&self) -> Restrictions {
        self.restrictions
    }

    /// Limits as the exchange publishes them.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The filters of a symbol, as last read.
    pub fn filters(&self, symbol: SymbolId) -> Option<Filters> {
        self.filters.get(symbol.index()).copied().flatten()
    }

    /// Leverage and isolated margin of symbols, as they were at the start.
    pub fn leverages(&self) -> &[(SymbolId, u16, bool)] {
        &self.leverages
    }

    /// Takes an input; what is to be asked goes into `out`.
    pub fn step(
        &mut self,
        now: Nanos,
        input: Input<'_>,
        symbols: &SymbolTable,
        out: &mut Vec<Purpose>,
    ) {
        match input {
            Input::Tick => {}
            Input::ClockSet if self.stage == Stage::Reading(Purpose::Time) => {
                self.go(Purpose::ExchangeInfo);
            }
            Input::ClockSet => {}
            Input::Answer(Purpose::ExchangeInfo, value) => {
                // Also read again while trading, when filters have changed.
                self.exchange_info(value, symbols);
                self.advance(Purpose::ExchangeInfo, Purpose::Brackets);
            }
            Input::Answer(purpose, value) if self.stage == Stage::Reading(purpose) => {
                self.answer(purpose, value, symbols);
            }
            Input::Refused(purpose, status, class, words)
                if self.stage == Stage::Reading(purpose) =>
            {
                self.refused(now, purpose, status, class, words);
            }
            Input::Lost(purpose) if self.stage == Stage::Reading(purpose) => {
                (self.asked, self.again_at) = (false, now.after(AGAIN));
            }
            Input::Answer(..) | Input::Refused(..) | Input::Lost(_) => {}
        }
        if let Stage::Reading(purpose) = self.stage
            && purpose != Purpose::Time
            && !self.asked
            && now >= self.again_at
        {
            self.asked = true;
            out.push(purpose);
        }
    }

    fn go(&mut self, next: Purpose) {
        (self.stage, self.asked) = (Stage::Reading(next), false);
        self.again_at = Nanos(i64::MIN);
    }

    fn advance(&mut self, from: Purpose, to: Purpose) {
        if self.stage == Stage::Reading(from) {
            self.go(to);
        }
    }

    fn fail(&mut self, why: impl Into<String>) {
        self.stage = Stage::Failed(why.into());
    }

    fn answer(&mut self, purpose: Purpose, value: &Value, symbols: &SymbolTable) {
        match purpose {
            Purpose::Brackets => self.go(Purpose::Restrictions),
            Purpose::Restrictions => self.restricted(value),
            Purpose::AccountConfig => self.account(value),
            Purpose::OneWay => self.go(Purpose::AccountConfig),
            Purpose::SymbolConfig(None) => {
                self.leverages.extend(symbol_configs(value, symbols));
                self.stage = Stage::Done;
            }
            _ => {}
        }
    }

    fn restricted(&mut self, value: &Value) {
        let may = |name: &str| value.get(name).and_then(Value::as_bool);
        let out = may("enableWithdrawals") == Some(true)
            || may("enableInternalTransfer") == Some(true)
            || may("permitsUniversalTransfer") == Some(true);
        self.restrictions = if out {
            Restrictions::MayWithdraw
        } else {
            Restrictions::TradeOnly { by_address: may("ipRestrict") == Some(true) }
        };
        if out && self.live {
            return self.fail(
                "this key may withdraw or transfer; make one that may only trade futures, and use \
                 that",
            );
        }
        if self.live && may("enableFutures") == Some(false) {
            return self.fail("this key may not trade futures; enable that for it");
        }
        self.go(Purpose::AccountConfig);
    }

    fn account(&mut self, value: &Value) {
        let flag = |name: &str| value.get(name).and_then(Value::as_bool);
        if flag("canTrade") == Some(false) {
            self.fail("the exchange says that this account may not trade; ask it why");
        } else if flag("multiAssetsMargin") == Some(true) {
            self.fail(
                "the account is in multi-assets mode, in which margin cannot be isolated; switch \
                 to single-asset mode",
            );
        } else if flag("dualSidePosition") == Some(true) {
            self.go(Purpose::OneWay);
        } else {
            self.go(Purpose::SymbolConfig(None));
        }
    }

    fn refused(&mut self, now: Nanos, purpose: Purpose, status: u16, class: Class, words: &str) {
        let missing = matches!(status, 403 | 404);
        match (purpose, class) {
            (Purpose::Restrictions, Class::Stop | Class::Defect | Class::Denied)
                if missing && !self.live =>
            {
                self.restrictions = Restrictions::Absent;
                self.go(Purpose::AccountConfig);
            }
            // It is so already.
            (Purpose::OneWay, Class::Done) => self.go(Purpose::SymbolConfig(None)),
            (Purpose::OneWay, Class::Denied) => self.fail(format!(
                "the account is in hedge mode and cannot be switched ({words}); close positions \
                 and orders, then start again"
            )),
            (_, Class::Stop | Class::Defect | Class::Denied) => self.fail(format!(
                "{} is refused: status {status}, {words}; check key, permissions and address",
                name_of(purpose)
            )),
            _ => (self.asked, self.again_at) = (false, now.after(AGAIN)),
        }
    }

    fn exchange_info(&mut self, value: &Value, symbols: &SymbolTable) {
        for limit in value.get("rateLimits").and_then(Value::as_array).into_iter().flatten() {
            self.limit(limit);
        }
        for row in value.get("symbols").and_then(Value::as_array).into_iter().flatten() {
            let Some(symbol) = text(row, "symbol").and_then(|name| symbols.id(name)) else {
                continue;
            };
            if let Some(slot) = self.filters.get_mut(symbol.index()) {
                *slot = filters_of(row).filter(Filters::usable).or(*slot);
            }
        }
    }

    fn limit(&mut self, row: &Value) {
        let figure = whole(row, "limit").and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let Some(figure) = figure else { return };
        let kind = (text(row, "rateLimitType"), text(row, "interval"), whole(row, "intervalNum"));
        match kind {
            (Some("REQUEST_WEIGHT"), Some("MINUTE"), Some(1)) => self.limits.weight_1m = figure,
            (Some("ORDERS"), Some("MINUTE"), Some(1)) => self.limits.orders_1m = figure,
            (Some("ORDERS"), Some("SECOND"), Some(10)) => self.limits.orders_10s = figure,
            _ => {}
        }
    }

    /// When it has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let waits = matches!(self.stage, Stage::Reading(purpose) if purpose != Purpose::Time);
        if waits && !self.asked { self.again_at } else { Nanos::MAX }
    }
}

fn name_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::ExchangeInfo => "the list of symbols",
        Purpose::Brackets => "the margin brackets",
        Purpose::Restrictions => "the question what the key may do",
        Purpose::AccountConfig => "the account's configuration",
        Purpose::OneWay => "one-way mode",
        _ => "the symbols' configuration",
    }
}

/// The filters of a row of `exchangeInfo`. Entries go by market and exits by trigger, so of the two
/// grids and ranges of quantities the narrower holds.
fn filters_of(row: &Value) -> Option<Filters> {
    let rows = row.get("filters").and_then(Value::as_array)?;
    let filter = |kind: &str| rows.iter().find(|row| text(row, "filterType") == Some(kind));
    let lot = filter("LOT_SIZE")?;
    let market = filter("MARKET_LOT_SIZE").unwrap_or(lot);
    let both = |field: &str| Some((decimal(lot, field)?, decimal(market, field)?));
    let ((step, market_step), (least, market_least)) = (both("stepSize")?, both("minQty")?);
    let (most, market_most) = both("maxQty")?;
    let notional = filter("MIN_NOTIONAL")?;
    let notional = decimal(notional, "notional").or_else(|| decimal(notional, "minNotional"))?;
    Some(Filters {
        tick: Px::from_raw(decimal(filter("PRICE_FILTER")?, "tickSize")?),
        step: Qty::from_raw(step.max(market_step)),
        qty_min: Qty::from_raw(least.max(market_least)),
        qty_max: Qty::from_raw(most.min(market_most)),
        notional_min: Money::from_raw(notional),
    })
}

/// Rows of `symbolConfig`: symbol, leverage, isolated.
pub fn symbol_configs(value: &Value, symbols: &SymbolTable) -> Vec<(SymbolId, u16, bool)> {
    let rows = match value {
        Value::Array(rows) => rows.as_slice(),
        row => core::slice::from_ref(row),
    };
    let read = |row: &Value| {
        let symbol = symbols.id(text(row, "symbol")?)?;
        let leverage = whole(row, "leverage").and_then(|n| u16::try_from(n).ok())?;
        let isolated = text(row, "marginType")?.eq_ignore_ascii_case("isolated");
        Some((symbol, leverage, isolated))
    };
    rows.iter().filter_map(read).collect()
}
