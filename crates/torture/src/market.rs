//! The market: generated candles, with a book update a second and a mark price every three inside
//! each minute, so that prices move between candles as they do in earnest.

use aegis_markets::{MarketSpec, MarketTicks};
use aegis_types::{Instrument, Nanos, Px, Qty, Rate, SymbolId, SymbolTable, Tick, TickBody};
use aegis_venue::server::Fact;
use std::collections::VecDeque;

/// Symbols of the workload.
pub const SYMBOLS: u16 = 5;

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;

/// Milliseconds between two funding times.
const FUNDING_MS: i64 = 8 * 3_600_000;

/// What is traded, and from when on.
#[derive(Clone, Debug)]
pub struct Workload {
    spec: MarketSpec,
    /// Where the market begins, ms.
    pub start_ms: i64,
}

/// One minute of a symbol.
#[derive(Clone, Copy, Debug)]
struct Minute {
    open: Px,
    high: Px,
    low: Px,
    close: Px,
    volume: f64,
}

impl Workload {
    /// The workload of a seed: its history begins so many minutes before the market does.
    pub fn new(seed: u64, history_minutes: i64, hours: f64) -> Self {
        let draw = crate::draw::Draw::new(seed, 1).word();
        // Some runs see a funding time, most of one day's hours are begun at.
        let shift = (draw % 24) as i64;
        let start = Nanos::from_civil(2025, 1, 6).after(Nanos::HOUR.times(shift));
        let minutes = history_minutes + (hours * 60.0).ceil() as i64 + 240;
        let days = u32::try_from(minutes / 1_440 + 1).unwrap_or(u32::MAX);
        let spec = MarketSpec { seed: draw, symbols: SYMBOLS, days, start, ..Default::default() };
        let start_ms = start.as_millis() + history_minutes * MINUTE_MS;
        Self { spec, start_ms }
    }

    /// Where its history begins, ms.
    pub const fn history_ms(&self) -> i64 {
        self.spec.start.as_millis()
    }

    /// The names.
    pub fn symbols(&self) -> SymbolTable {
        self.spec.symbol_table()
    }

    /// Grids, fees and brackets, as an exchange would give them.
    pub fn instruments(&self) -> Vec<Instrument> {
        self.spec.instruments()
    }

    /// All facts in order.
    pub fn facts(&self) -> Facts {
        let instruments = self.instruments();
        Facts {
            ticks: self.spec.ticks(),
            grids: instruments.iter().map(|i| (i.tick, i.step)).collect(),
            minutes: Vec::with_capacity(usize::from(SYMBOLS)),
            open_ms: self.history_ms(),
            start_ms: self.start_ms,
            ready: VecDeque::with_capacity(1_024),
            scratch: Vec::with_capacity(1_024),
            updates: 0,
        }
    }
}

/// The facts of a workload, minute by minute.
#[derive(Clone, Debug)]
pub struct Facts {
    ticks: MarketTicks,
    grids: Vec<(Px, Qty)>,
    minutes: Vec<Minute>,
    open_ms: i64,
    start_ms: i64,
    ready: VecDeque<Fact>,
    scratch: Vec<Fact>,
    updates: u64,
}

impl Facts {
    /// The candles of the next minute; false at the end.
    fn read(&mut self) -> bool {
        self.minutes.clear();
        let mut opens = 0;
        while opens < usize::from(SYMBOLS) {
            match self.ticks.next() {
                Some(Tick { body: TickBody::Open { .. }, .. }) => opens += 1,
                Some(_) => {}
                None => return false,
            }
        }
        while self.minutes.len() < usize::from(SYMBOLS) {
            match self.ticks.next() {
                Some(Tick {
                    body: TickBody::Candle { open, high, low, close, volume }, ..
                }) => {
                    self.minutes.push(Minute { open, high, low, close, volume });
                }
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    fn fill(&mut self) -> bool {
        if !self.read() {
            return false;
        }
        let (open_ms, live) = (self.open_ms, self.open_ms >= self.start_ms);
        self.scratch.clear();
        for index in 0..self.minutes.len() {
            let (symbol, minute) = (SymbolId(index as u16), self.minutes[index]);
            let mut put = |at_ms: i64, body: TickBody| {
                let at = Nanos::from_millis(at_ms);
                let tick = Tick { symbol, derived: false, at, received_us: 0, body };
                self.scratch.push(Fact::of(tick));
            };
            put(open_ms, TickBody::Open { px: minute.open, funding: None });
            if live {
                let (tick, step) = self.grids[index];
                let apart = 37 + 150 * index as i64;
                for second in 0..60 {
                    self.updates += 1;
                    let body = book(&minute, second, tick, step, self.updates);
                    put(open_ms + second * 1_000 + apart, body);
                    if second % 3 == 1 {
                        put(open_ms + second * 1_000 + apart + 61, mark(&minute, second, open_ms));
                    }
                }
            }
            let Minute { open, high, low, close, volume } = minute;
            put(open_ms + MINUTE_MS, TickBody::Candle { open, high, low, close, volume });
        }
        self.scratch.sort_by_key(|fact| fact.at_ms);
        self.ready.extend(self.scratch.drain(..));
        self.open_ms += MINUTE_MS;
        true
    }
}

impl Iterator for Facts {
    type Item = Result<Fact, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && !self.fill() {
            return None;
        }
        self.ready.pop_front().map(Ok)
    }
}

impl Minute {
    /// The price in a second: from the open to one extreme, to the other, to the close.
    fn price(&self, second: i64) -> i64 {
        let rising = self.close >= self.open;
        let (first, then) = if rising { (self.low, self.high) } else { (self.high, self.low) };
        let stops = [self.open.raw(), first.raw(), then.raw(), self.close.raw()];
        let leg = (second / 20).clamp(0, 2);
        let (from, to) = (stops[leg as usize], stops[leg as usize + 1]);
        from + (to - from) * (second - leg * 20) / 20
    }
}

fn book(minute: &Minute, second: i64, tick: Px, step: Qty, update_id: u64) -> TickBody {
    let raw = tick.raw().max(1);
    let bid = (minute.price(second) / raw * raw).max(raw);
    // About a hundred thousand on each side: no order of ours walks through it.
    let units = (100_000.0 / Px::from_raw(bid).to_f64() / step.to_f64()).ceil() as i64;
    let qty = Qty::from_raw(units.max(1) * step.raw());
    let (bid, ask) = (Px::from_raw(bid), Px::from_raw(bid + raw));
    TickBody::Book { bid, bid_qty: qty, ask, ask_qty: qty, update_id }
}

fn mark(minute: &Minute, second: i64, open_ms: i64) -> TickBody {
    let px = Px::from_raw(minute.price(second).max(1));
    let next = (open_ms.div_euclid(FUNDING_MS) + 1) * FUNDING_MS;
    let rate = Rate::from_raw(10_000);
    TickBody::Mark { mark: px, index: px, rate, next_funding: Nanos::from_millis(next) }
}
