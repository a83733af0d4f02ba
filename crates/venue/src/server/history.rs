//! Step machine: the minutes of one symbol, and the longer candles made of them.

use aegis_types::Px;
use aegis_wire::intervals::Interval;

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// A candle: of one minute, or of several put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// First instant, ms.
    pub open_ms: i64,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Volume in base units.
    pub volume: f64,
    /// Volume in quote units.
    pub quote: f64,
    /// Base volume bought by takers.
    pub buy: f64,
    /// Quote volume bought by takers.
    pub buy_quote: f64,
    /// First trade id.
    pub first_id: u64,
    /// Number of trades.
    pub trades: u64,
}

impl Bar {
    /// A candle in which nothing has happened yet.
    pub const fn flat(open_ms: i64, px: Px, first_id: u64) -> Self {
        Self {
            open_ms,
            open: px,
            high: px,
            low: px,
            close: px,
            volume: 0.0,
            quote: 0.0,
            buy: 0.0,
            buy_quote: 0.0,
            first_id,
            trades: 0,
        }
    }

    /// Takes a trade in.
    pub fn trade(&mut self, px: Px, qty: f64, buyer_is_maker: bool) {
        self.high = self.high.max(px);
        self.low = self.low.min(px);
        self.close = px;
        self.amount(px, qty, buyer_is_maker);
    }

    /// Counts a trade without moving prices.
    pub fn amount(&mut self, px: Px, qty: f64, buyer_is_maker: bool) {
        let quote = qty * px.to_f64();
        self.volume += qty;
        self.quote += quote;
        if !buyer_is_maker {
            self.buy += qty;
            self.buy_quote += quote;
        }
        self.trades += 1;
    }

    /// Takes the candle that follows in.
    pub fn extend(&mut self, next: &Self) {
        self.high = self.high.max(next.high);
        self.low = self.low.min(next.low);
        self.close = next.close;
        self.volume += next.volume;
        self.quote += next.quote;
        self.buy += next.buy;
        self.buy_quote += next.buy_quote;
        self.trades += next.trades;
    }
}

/// A longer candle under way: what closed minutes have put into it so far.
#[derive(Clone, Copy, Debug)]
pub struct Roll {
    bar: Option<Bar>,
    next: usize,
}

/// All minutes of one symbol in time order, and the one that is open.
#[derive(Clone, Debug, Default)]
pub struct History {
    closed: Vec<Bar>,
    open: Option<Bar>,
}

impl History {
    /// Closed minutes, oldest first.
    pub fn closed(&self) -> &[Bar] {
        &self.closed
    }

    /// The minute under way.
    pub const fn open(&self) -> Option<&Bar> {
        self.open.as_ref()
    }

    /// The minute under way, to put trades in.
    pub const fn open_mut(&mut self) -> Option<&mut Bar> {
        self.open.as_mut()
    }

    /// Begins a minute.
    pub fn begin(&mut self, bar: Bar) {
        self.open = Some(bar);
    }

    /// Ends the minute under way with the numbers given, or as it stands.
    pub fn close(&mut self, bar: Option<Bar>) -> Option<Bar> {
        let bar = bar.or(self.open);
        self.open = None;
        let bar = bar?;
        // A source that repeats itself is judged before it comes here; time never goes back.
        if self.closed.last().is_none_or(|last| last.open_ms < bar.open_ms) {
            self.closed.push(bar);
        }
        Some(bar)
    }

    /// Index of the first closed minute that begins at `from_ms` or later.
    pub fn index_at(&self, from_ms: i64) -> usize {
        self.closed.partition_point(|bar| bar.open_ms < from_ms)
    }

    /// The minute under way at `now_ms`: as told, or flat at the last price when nothing has been
    /// told of it yet.
    pub fn current(&self, now_ms: i64) -> Option<Bar> {
        if let Some(open) = self.open {
            return Some(open);
        }
        let last = self.closed.last()?;
        let open_ms = Interval::M1.open_of(now_ms);
        let first_id = last.first_id + last.trades;
        (open_ms > last.open_ms).then(|| Bar::flat(open_ms, last.close, first_id))
    }

    /// Candles of an interval whose open times lie in `from_ms..=to_ms`, oldest first; with
    /// `latest` the last `limit` of them, else the first. The candle under way is among them.
    pub fn bars(
        &self,
        interval: Interval,
        (from_ms, to_ms): (i64, i64),
        (limit, latest): (usize, bool),
        now_ms: i64,
    ) -> Vec<Bar> {
        let mut found: Vec<Bar> = Vec::new();
        if limit == 0 || from_ms > to_ms {
            return found;
        }
        // A candle may begin before its first minute that there is, so opens decide, not minutes.
        let first = if from_ms == i64::MIN { 0 } else { self.index_at(interval.open_of(from_ms)) };
        let first = match latest {
            true => first.max(self.latest_start(interval, to_ms, limit)),
            false => first,
        };
        let current = self.current(now_ms);
        for bar in self.closed[first..].iter().chain(current.as_ref()) {
            let open_ms = interval.open_of(bar.open_ms);
            if open_ms < from_ms {
                continue;
            }
            if open_ms > to_ms {
                break;
            }
            let full = !latest && found.len() == limit;
            match found.last_mut().filter(|last| last.open_ms == open_ms) {
                Some(last) => last.extend(bar),
                None if full => break,
                None => found.push(Bar { open_ms, ..*bar }),
            }
        }
        let extra = found.len().saturating_sub(limit);
        found.drain(..extra);
        found
    }

    /// From which minute on to look for the last `limit` candles.
    fn latest_start(&self, interval: Interval, to_ms: i64, limit: usize) -> usize {
        let Some(length) = interval.millis() else { return 0 };
        let newest = self.open.or(self.closed.last().copied()).map_or(0, |bar| bar.open_ms);
        let back = length.saturating_mul(limit as i64 + 1);
        // Minutes may be missing: then fewer candles lie in the span, so it is widened until enough
        // minutes are in it or all are.
        let start = interval.open_of(newest.min(to_ms)).saturating_sub(back);
        let index = self.index_at(start);
        let minutes = (length / MINUTE_MS).max(1) as usize;
        let ending = self.closed.partition_point(|bar| bar.open_ms <= to_ms);
        index.min(ending.saturating_sub(minutes.saturating_mul(limit + 1)))
    }

    /// The candle of an interval under way, the open minute included. `roll` remembers what closed
    /// minutes gave, so that each of them is added once.
    pub fn rolled(&self, interval: Interval, roll: &mut Roll, at_ms: i64) -> Option<Bar> {
        let open_ms = interval.open_of(at_ms);
        if roll.bar.is_none_or(|bar| bar.open_ms != open_ms) {
            *roll = Roll { bar: None, next: self.index_at(open_ms) };
        }
        let open = self.open.filter(|bar| bar.open_ms >= open_ms && bar.open_ms <= at_ms);
        while let Some(bar) = self.closed.get(roll.next).filter(|bar| bar.open_ms <= at_ms) {
            roll.add(bar, open_ms);
            roll.next += 1;
        }
        let mut with_open = *roll;
        if let Some(open) = open {
            with_open.add(&open, open_ms);
        }
        with_open.bar
    }
}

impl Roll {
    /// Before the first candle.
    pub const fn new() -> Self {
        Self { bar: None, next: 0 }
    }

    fn add(&mut self, bar: &Bar, open_ms: i64) {
        match &mut self.bar {
            Some(longer) => longer.extend(bar),
            none => *none = Some(Bar { open_ms, ..*bar }),
        }
    }
}
