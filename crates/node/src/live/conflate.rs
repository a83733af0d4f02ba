//! Step machine: of each symbol the newest book, mark and trades a window; no price extreme and no
//! volume of the trades is lost.
//!
//! The first fact of a kind in a window goes at once; what comes after it in that window waits for
//! its end, and newer ones take its place. Trades that wait become at most three: the one that made
//! the high, the one that made the low, the last. Each carries the volume since the one before, so
//! that candles made of what is told equal candles made of everything: price for price and to the
//! last unit of volume. The first trade of a minute is always told.

use aegis_types::{Nanos, Px, Qty, SymbolId, Tick, TickBody};

const MINUTE: i64 = Nanos::MINUTE.0;

/// A trade that may be told, and the volume of its symbol's waiting trades up to and with it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    tick: Tick,
    px: Px,
    volume: i64,
    number: u32,
}

/// Trades that wait.
#[derive(Clone, Copy, Debug)]
struct Trades {
    high: Kept,
    low: Kept,
    last: Kept,
}

/// One symbol.
#[derive(Clone, Copy, Debug)]
struct Cell {
    book: Option<Tick>,
    mark: Option<Tick>,
    trades: Option<Trades>,
    /// Windows in which each kind was told last.
    told: [i64; 3],
    /// The price of the last trade told, and its minute.
    told_px: Px,
    told_minute: i64,
    waiting: bool,
}

const NEVER: i64 = i64::MIN;
const BOOK: usize = 0;
const MARK: usize = 1;
const TRADE: usize = 2;

impl Cell {
    const EMPTY: Self = Self {
        book: None,
        mark: None,
        trades: None,
        told: [NEVER; 3],
        told_px: Px::ZERO,
        told_minute: NEVER,
        waiting: false,
    };
}

/// Conflates the quotes and trades of a session.
#[derive(Clone, Debug)]
pub struct Conflator {
    window: i64,
    /// The window under way.
    now: i64,
    cells: Vec<Cell>,
    /// Symbols with something that waits, in the order in which they began to.
    waiting: Vec<SymbolId>,
    conflated: u64,
}

impl Conflator {
    /// For `symbols` symbols. A window of zero passes everything on.
    pub fn new(symbols: usize, window: Nanos) -> Self {
        Self {
            window: window.0.max(0),
            now: NEVER,
            cells: vec![Cell::EMPTY; symbols],
            waiting: Vec::with_capacity(symbols),
            conflated: 0,
        }
    }

    /// Facts that were taken and never told, so far.
    pub const fn conflated(&self) -> u64 {
        self.conflated
    }

    /// When the window under way ends, if something waits for it.
    pub fn due(&self) -> Option<Nanos> {
        (!self.waiting.is_empty()).then(|| Nanos((self.now + 1).saturating_mul(self.window)))
    }

    /// Takes a book, mark or trade at `now` by the machine's clock. Anything else passes.
    #[inline]
    pub fn push(&mut self, now: Nanos, tick: &Tick, tell: &mut impl FnMut(&Tick)) {
        if self.window == 0 {
            return tell(tick);
        }
        self.turn(now, tell);
        let Some(cell) = self.cells.get_mut(tick.symbol.index()) else { return };
        let (place, kind) = match tick.body {
            TickBody::Book { .. } => (&mut cell.book, BOOK),
            TickBody::Mark { .. } => (&mut cell.mark, MARK),
            TickBody::Trade { px, qty, .. } => {
                return self.trade(tick, px, qty, tell);
            }
            _ => return tell(tick),
        };
        if cell.told[kind] != self.now {
            cell.told[kind] = self.now;
            return tell(tick);
        }
        self.conflated += u64::from(place.replace(*tick).is_some());
        self.wait(tick.symbol);
    }

    #[inline]
    fn trade(&mut self, tick: &Tick, px: Px, qty: Qty, tell: &mut impl FnMut(&Tick)) {
        let cell = &mut self.cells[tick.symbol.index()];
        let minute = tick.at.0.div_euclid(MINUTE);
        let volume = cell.trades.map_or(Some(qty.raw()), |t| t.last.volume.checked_add(qty.raw()));
        // Volumes of two minutes do not mix, and none outgrows its number.
        let volume = volume.filter(|_| minute == cell.told_minute);
        let volume = volume.unwrap_or_else(|| {
            self.conflated -= cell.tell_trades(tell);
            qty.raw()
        });
        if cell.told[TRADE] != self.now || minute != cell.told_minute {
            cell.told[TRADE] = self.now;
            (cell.told_px, cell.told_minute) = (px, minute);
            return tell(tick);
        }
        // Counted as lost here, and given back when it is told.
        self.conflated += 1;
        match &mut cell.trades {
            None => {
                let first = Kept { tick: *tick, px, volume, number: 0 };
                cell.trades = Some(Trades { high: first, low: first, last: first });
            }
            Some(trades) => {
                let number = trades.last.number.saturating_add(1);
                let newest = Kept { tick: *tick, px, volume, number };
                if px > trades.high.px {
                    trades.high = newest;
                }
                if px < trades.low.px {
                    trades.low = newest;
                }
                trades.last = newest;
            }
        }
        self.wait(tick.symbol);
    }

    /// Tells what a symbol's trades have waiting: its candle is about to close.
    pub fn settle(&mut self, symbol: SymbolId, tell: &mut impl FnMut(&Tick)) {
        if let Some(cell) = self.cells.get_mut(symbol.index()) {
            self.conflated -= cell.tell_trades(tell);
        }
    }

    /// Forgets what a symbol has waiting: it has left.
    pub fn forget(&mut self, symbol: SymbolId) {
        if let Some(cell) = self.cells.get_mut(symbol.index()) {
            (cell.book, cell.mark, cell.trades) = (None, None, None);
        }
    }

    /// Time passes: a window that has ended is told.
    #[inline]
    pub fn turn(&mut self, now: Nanos, tell: &mut impl FnMut(&Tick)) {
        if self.window == 0 {
            return;
        }
        let window = now.0.div_euclid(self.window);
        if window == self.now {
            return;
        }
        self.now = window;
        for symbol in self.waiting.drain(..) {
            let Some(cell) = self.cells.get_mut(symbol.index()) else { continue };
            cell.waiting = false;
            for (kind, place) in [(MARK, &mut cell.mark), (BOOK, &mut cell.book)] {
                if let Some(tick) = place.take() {
                    cell.told[kind] = window;
                    tell(&tick);
                }
            }
            if cell.trades.is_some() {
                cell.told[TRADE] = window;
                self.conflated -= cell.tell_trades(tell);
            }
        }
    }

    #[inline]
    fn wait(&mut self, symbol: SymbolId) {
        let cell = &mut self.cells[symbol.index()];
        if !cell.waiting {
            cell.waiting = true;
            // One place a symbol: it never grows.
            self.waiting.push(symbol);
        }
    }
}

impl Cell {
    /// Tells the trades that wait; returns how many.
    fn tell_trades(&mut self, tell: &mut impl FnMut(&Tick)) -> u64 {
        let Some(Trades { high, low, last }) = self.trades.take() else { return 0 };
        // An extreme between what was told before and what is told last is none.
        let (top, floor) = (self.told_px.max(last.px), self.told_px.min(last.px));
        let mut marks = [Some(high).filter(|m| m.px > top), Some(low).filter(|m| m.px < floor)];
        if high.number > low.number {
            marks.reverse();
        }
        let (mut before, mut told) = (0, 0);
        for mark in marks.into_iter().flatten().chain([last]) {
            let mut tick = mark.tick;
            if let TickBody::Trade { qty, .. } = &mut tick.body {
                *qty = Qty::from_raw(mark.volume - before);
            }
            (before, told) = (mark.volume, told + 1);
            tell(&tick);
        }
        self.told_px = last.px;
        told
    }
}
