//! SMT divergence: one of two symbols that move together makes a new extreme, the other does not.
//!
//! Bars of the two are joined by time; a bar whose time only one symbol has takes no part, and a
//! change of close spans from one common time to the next for both alike. On the joined bars each
//! symbol has its swings ([`crate::Pivots`]). When one confirms a swing, it is paired with the
//! newest swing of that kind of the other if the two lie at most `pair_bars` joined bars apart; a
//! pair is judged once, when the later of its swings is confirmed, and known then. Swing lows: if
//! one symbol's is below its swing low before and the other's is above its own, the first symbol's
//! low was a raid on liquidity that the other did not confirm, which speaks for buyers, provided
//! that the correlation (Pearson) of the last `window` changes of the closes is above
//! `correlation_min`. Highs mirrored. The swing before is the one that the alternation of swings
//! left standing: a swing that was superseded is not compared with its successor.
//! Source: the common ICT usage; pairing, window and threshold are ours.

use crate::event::{Event, Kind};
use crate::pivot::{Pivot, PivotKind, PivotParams, Pivots, Swing};
use crate::view::View;
use aegis_types::{Bar, Nanos, Side};
use alloc::boxed::Box;
use alloc::vec;

/// Parameters of [`Smt`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmtParams {
    /// Swings.
    pub pivot: PivotParams,
    /// Most joined bars between paired swings.
    pub pair_bars: u32,
    /// Changes of the close whose correlation is taken, 2 to [`SmtParams::WINDOW_MAX`]; numbers
    /// outside are moved to the nearest inside. Nothing is said before there are so many.
    pub window: u32,
    /// The correlation is above this.
    pub correlation_min: f64,
}

impl SmtParams {
    /// Longest window.
    pub const WINDOW_MAX: u32 = 1_000;
}

impl Default for SmtParams {
    fn default() -> Self {
        let pivot = PivotParams { length: 5, high_wins: false };
        Self { pivot, pair_bars: 3, window: 50, correlation_min: 0.7 }
    }
}

/// One of the two symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Which {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The newest swing of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Newest {
    /// As the side sees it that the kind speaks for.
    level: f64,
    /// Joined bar.
    pos: u32,
    /// The same bar, as its symbol counts.
    own: u32,
    /// The swing of this kind before it.
    before: Option<f64>,
}

/// What belongs to one symbol.
#[derive(Clone, Debug, PartialEq)]
struct Symbol {
    /// Bars pushed.
    bars: u32,
    /// Time of the last one that was read.
    last: Nanos,
    /// A bar whose counterpart has not come, and its number.
    waiting: Option<(Bar, u32)>,
    close: f64,
    pivots: Pivots,
    /// Own numbers of the last joined bars.
    own: Box<[u32]>,
    /// Swing lows, swing highs.
    newest: [Option<Newest>; 2],
}

impl Symbol {
    fn new(pivot: PivotParams) -> Self {
        let slots = pivot.length.clamp(1, PivotParams::LENGTH_MAX) as usize + 1;
        Self {
            bars: 0,
            last: Nanos(i64::MIN),
            waiting: None,
            close: 0.0,
            pivots: Pivots::new(pivot),
            own: vec![0; slots].into_boxed_slice(),
            newest: [None; 2],
        }
    }

    /// Reads joined bar `at`, its own bar `own`; the side whose kind of swing it confirms.
    fn push(&mut self, at: u32, bar: &Bar, own: u32) -> Option<Side> {
        let slots = self.own.len();
        self.own[at as usize % slots] = own;
        let Swing { new, old } = self.pivots.push(at, bar)?;
        let Pivot { kind, pos, level } = new;
        let side = kind.side();
        let newest = &mut self.newest[side as usize];
        let superseded = old.is_some_and(|old| old.kind == kind);
        let before = match newest {
            Some(newest) if superseded => newest.before,
            Some(newest) => Some(newest.level),
            None => None,
        };
        let (level, own) = (View::price(level, side), self.own[pos as usize % slots]);
        *newest = Some(Newest { level, pos, own, before });
        Some(side)
    }
}

/// Reads the bars of two symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct Smt {
    params: SmtParams,
    /// Joined bars.
    joined: u32,
    symbols: [Symbol; 2],
    /// The last changes of both closes.
    changes: Box<[(f64, f64)]>,
}

impl Smt {
    /// Nothing seen.
    pub fn new(params: SmtParams) -> Self {
        let window = params.window.clamp(2, SmtParams::WINDOW_MAX);
        Self {
            params: SmtParams { window, ..params },
            joined: 0,
            symbols: Which::BOTH.map(|_| Symbol::new(params.pivot)),
            changes: vec![(0.0, 0.0); window as usize].into_boxed_slice(),
        }
    }

    /// Reads a closed bar of one symbol; tells every divergence that it makes knowable, with the
    /// symbol that made the new extreme and whose bars the event counts.
    ///
    /// Both bars of a time come before either of a later time; which of the two first is no matter.
    /// A bar that is not after the last one of its symbol, or is before one of the other, takes no
    /// part, though it is counted.
    pub fn push(&mut self, which: Which, bar: &Bar, out: &mut impl FnMut(Which, Event)) {
        let [symbol, other] = [which, which.other()].map(|which| which as usize);
        let own = self.symbols[symbol].bars;
        self.symbols[symbol].bars += 1;
        if bar.time() <= self.symbols[symbol].last || bar.time() < self.symbols[other].last {
            return;
        }
        self.symbols[symbol].last = bar.time();
        match self.symbols[other].waiting.take() {
            Some((counterpart, others)) if counterpart.time() == bar.time() => {
                self.symbols[symbol].waiting = None;
                match which {
                    Which::First => self.join([(bar, own), (&counterpart, others)], out),
                    Which::Second => self.join([(&counterpart, others), (bar, own)], out),
                }
            }
            _ => self.symbols[symbol].waiting = Some((*bar, own)),
        }
    }

    fn join(&mut self, bars: [(&Bar, u32); 2], out: &mut impl FnMut(Which, Event)) {
        let at = self.joined;
        self.joined += 1;
        let [first, second] = Which::BOTH.map(|which| {
            let close = bars[which as usize].0.close();
            close - core::mem::replace(&mut self.symbols[which as usize].close, close)
        });
        if at > 0 {
            let slots = self.changes.len();
            self.changes[at as usize % slots] = (first, second);
        }
        let confirmed = Which::BOTH.map(|which| {
            let (bar, own) = bars[which as usize];
            self.symbols[which as usize].push(at, bar, own)
        });
        for side in [Side::Buy, Side::Sell] {
            if confirmed.contains(&Some(side)) {
                self.judge(side, bars.map(|(_, own)| own), out);
            }
        }
    }

    /// Judges the pair of the newest swings that speak for `side`, one of which is new.
    fn judge(&self, side: Side, at: [u32; 2], out: &mut impl FnMut(Which, Event)) {
        let [Some(first), Some(second)] = Which::BOTH.map(|which| self.newest(which, side)) else {
            return;
        };
        if first.pos.abs_diff(second.pos) > self.params.pair_bars {
            return;
        }
        let (Some(first_before), Some(second_before)) = (first.before, second.before) else {
            return;
        };
        let (which, extreme, before) = if first.level < first_before && second.level > second_before
        {
            (Which::First, first, first_before)
        } else if second.level < second_before && first.level > first_before {
            (Which::Second, second, second_before)
        } else {
            return;
        };
        let Some(correlation) = self.correlation().filter(|r| *r > self.params.correlation_min)
        else {
            return;
        };
        let (level, far) = (View::price(extreme.level, side), View::price(before, side));
        let event = Event::new(at[which as usize], extreme.own, Kind::Smt, side, level, far);
        out(which, event.amount(correlation));
    }

    fn newest(&self, which: Which, side: Side) -> Option<Newest> {
        self.symbols[which as usize].newest[side as usize]
    }

    /// Correlation of the last changes of the closes, −1 to 1; none before there are `window` of
    /// them, and where a symbol did not move or moved beyond all measure.
    pub fn correlation(&self) -> Option<f64> {
        if self.joined <= self.params.window {
            return None;
        }
        let count = self.changes.len() as f64;
        let (mut x_mean, mut y_mean) = (0.0, 0.0);
        for (x, y) in &self.changes {
            x_mean += x;
            y_mean += y;
        }
        x_mean /= count;
        y_mean /= count;
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for (x, y) in &self.changes {
            let (x, y) = (x - x_mean, y - y_mean);
            xx += x * x;
            yy += y * y;
            xy += x * y;
        }
        // Each root by itself: the product of the sums could be too large, or too small, to hold.
        let correlation = xy / (libm::sqrt(xx) * libm::sqrt(yy));
        correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
    }

    /// The level of a symbol's newest swing of this kind.
    pub fn swing(&self, which: Which, kind: PivotKind) -> Option<f64> {
        let side = kind.side();
        self.newest(which, side).map(|newest| View::price(newest.level, side))
    }

    /// Bars that both symbols had.
    pub const fn joined(&self) -> u32 {
        self.joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const PARAMS: SmtParams = SmtParams {
        pivot: PivotParams { length: 1, high_wins: false },
        pair_bars: 1,
        window: 4,
        correlation_min: 0.7,
    };

    fn bar(minute: i64, price: f64) -> Bar {
        let time = Nanos::MINUTE.times(minute);
        Bar::new(time, price, price + 0.5, price - 0.5, price, 0.0).unwrap()
    }

    type Seen = (Which, u32, u32, Option<Side>, f64, f64);

    /// Prices by minute; none where a symbol has no bar.
    fn run(params: SmtParams, prices: [&[Option<f64>]; 2]) -> Vec<Seen> {
        let mut smt = Smt::new(params);
        let mut seen = Vec::new();
        for ((first, second), minute) in prices[0].iter().zip(prices[1]).zip(0..) {
            for (which, price) in [(Which::First, first), (Which::Second, second)] {
                if let Some(price) = *price {
                    smt.push(which, &bar(minute, price), &mut |which, e| {
                        assert!(e.amount > params.correlation_min && e.amount <= 1.0);
                        seen.push((which, e.at, e.pos, e.side, e.level, e.far));
                    });
                }
            }
        }
        seen
    }

    fn whole(prices: &[f64]) -> Vec<Option<f64>> {
        prices.iter().copied().map(Some).collect()
    }

    const LOWER: [f64; 10] = [12., 14., 10., 14., 16., 12., 8., 12., 16., 18.];
    const HIGHER: [f64; 10] = [12., 14., 10., 14., 16., 13., 11., 13., 16., 18.];

    #[test]
    fn one_makes_a_lower_low_and_the_other_does_not() {
        let [lower, higher] = [whole(&LOWER), whole(&HIGHER)];
        let side = Some(Side::Buy);
        let first = run(PARAMS, [&lower, &higher]);
        assert_eq!(first, [(Which::First, 7, 6, side, 7.5, 9.5)]);
        let second = run(PARAMS, [&higher, &lower]);
        assert_eq!(second, [(Which::Second, 7, 6, side, 7.5, 9.5)]);
        assert_eq!(run(PARAMS, [&lower, &lower]), []);
        assert_eq!(run(PARAMS, [&higher, &higher]), []);
    }

    #[test]
    fn one_makes_a_higher_high_and_the_other_does_not() {
        let turned = |prices: &[f64]| whole(&prices.iter().map(|p| -p).collect::<Vec<_>>());
        let seen = run(PARAMS, [&turned(&LOWER), &turned(&HIGHER)]);
        assert_eq!(seen, [(Which::First, 7, 6, Some(Side::Sell), -7.5, -9.5)]);
    }

    #[test]
    fn says_nothing_without_correlation_or_before_it_is_known() {
        let prices = [whole(&LOWER), whole(&HIGHER)];
        let strict = SmtParams { correlation_min: 1.0, ..PARAMS };
        assert_eq!(run(strict, [&prices[0], &prices[1]]), []);
        let long = SmtParams { window: 8, ..PARAMS };
        assert_eq!(run(long, [&prices[0], &prices[1]]), []);
        assert_eq!(run(SmtParams { window: 7, ..PARAMS }, [&prices[0], &prices[1]]).len(), 1);
    }

    #[test]
    fn swings_too_far_apart_are_no_pair() {
        // The second symbol's low comes a bar, then two bars later, known a bar after that.
        let late = whole(&[12., 14., 10., 14., 16., 14., 12., 11., 15., 18., 19.]);
        let later = whole(&[12., 14., 10., 14., 16., 14., 13., 12., 11., 18., 19.]);
        let mut lower = whole(&LOWER);
        lower.push(Some(19.0));
        let params = SmtParams { correlation_min: -1.0, ..PARAMS };
        let seen = run(params, [&lower, &late]);
        assert_eq!(seen, [(Which::First, 8, 6, Some(Side::Buy), 7.5, 9.5)]);
        assert_eq!(run(params, [&lower, &later]), []);
        let wide = SmtParams { pair_bars: 2, ..params };
        assert_eq!(run(wide, [&lower, &later])[0].1, 9);
    }

    #[test]
    fn a_time_that_one_symbol_lacks_takes_no_part() {
        // Wild prices at times of one symbol only; positions count that symbol's own bars.
        let mut lower = whole(&LOWER);
        let mut higher = whole(&HIGHER);
        lower.insert(3, Some(1.0));
        higher.insert(3, None);
        lower.insert(5, None);
        higher.insert(5, Some(99.0));
        let seen = run(PARAMS, [&lower, &higher]);
        assert_eq!(seen, [(Which::First, 8, 7, Some(Side::Buy), 7.5, 9.5)]);
        let seen = run(PARAMS, [&higher, &lower]);
        assert_eq!(seen, [(Which::Second, 8, 7, Some(Side::Buy), 7.5, 9.5)]);
    }

    #[test]
    fn late_and_repeated_bars_take_no_part() {
        let mut smt = Smt::new(PARAMS);
        let mut none = |_, e| panic!("{e:?}");
        for (which, minute) in [(0, 5), (0, 5), (0, 4), (1, 4), (1, 5), (1, 5), (0, 5)] {
            smt.push(Which::BOTH[which], &bar(minute, 10.0), &mut none);
        }
        assert_eq!(smt.joined(), 1);
    }
}
