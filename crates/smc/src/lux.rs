//! LuxAlgo-style order blocks: pivots that need later bars only, volatile bars read upside down.
//!
//! Bar p is a pivot high of length n if its high is above the highs of all n bars after it, known
//! at p+n; a high counts only after a low and the other way round, and a bar that is both is the
//! opposite of the last. The first close above the last pivot high crosses it, once. The block of a
//! bullish crossing at bar t is the bar of `[p, t)` with the lowest parsed low, the later on ties;
//! the parsed low of a bar is its low, but its high where the range is at least `volatile_atr` long
//! ATR (while that warms up no bar is volatile): a bar that large is no place where orders rest.
//! Edges are the bar's real high and low; known at t, with the volume of bar t and the two before.
//! The block is mitigated, and gone, when a later low (or close, with `close`) is below its far
//! edge. Bearish mirrored.
//! Source: the LuxAlgo Smart Money Concepts indicator as described in public; own definition.

use crate::bounded::Bounded;
use crate::event::{Event, Kind, Of};
use crate::least::Least;
use crate::pivot::PivotKind;
use crate::tracker::Context;
use crate::view::View;
use crate::waiting::{Found, Waiting};
use crate::window::History;
use crate::zone::{Zone, ZoneState};
use aegis_types::{Bar, Side};
use alloc::boxed::Box;
use alloc::vec;
use serde::{Deserialize, Serialize};

/// Parameters of [`LuxBlocks`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LuxParams {
    /// n: bars after the pivot until it is confirmed, 1 to 5,000; numbers outside are moved to the
    /// nearest inside.
    pub length: u32,
    /// Least range of a volatile bar, in long ATR.
    pub volatile_atr: f64,
    /// A close beyond the far edge mitigates, not the low alone.
    pub close: bool,
    /// Most blocks alive, of each side.
    pub capacity: u32,
    /// A block is forgotten after this many bars.
    pub age_max: u32,
}

impl Default for LuxParams {
    fn default() -> Self {
        Self { length: 5, volatile_atr: 2.0, close: false, capacity: 16, age_max: 500 }
    }
}

/// Longest pivot length.
const LENGTH_MAX: u32 = 5_000;

/// The bar of the block to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Candidate {
    pos: u32,
    high: f64,
    low: f64,
    parsed: f64,
}

/// The blocks of one side, as it sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Half {
    /// The pivot high that was not crossed yet, and the lowest bar since.
    guard: Option<(f64, Candidate)>,
    waiting: Waiting,
}

/// LuxAlgo-style order blocks of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LuxBlocks {
    params: LuxParams,
    length: u32,
    last: Option<PivotKind>,
    /// Of the last n bars.
    least: Least,
    /// Which of the last bars were volatile; a ring.
    volatile: Box<[bool]>,
    halves: [Half; 2],
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl LuxBlocks {
    /// None yet.
    pub fn new(params: LuxParams) -> Self {
        let length = params.length.clamp(1, LENGTH_MAX);
        let waiting = |_| Waiting::new(params.capacity, params.age_max);
        Self {
            params,
            length,
            last: None,
            least: Least::new(length),
            volatile: vec![false; (length + 1).next_power_of_two() as usize].into_boxed_slice(),
            halves: SIDES.map(|side| Half { guard: None, waiting: waiting(side) }),
        }
    }

    /// Blocks alive that speak for `side`, oldest first, as it sees them. Whether they were touched
    /// is not followed: they count as touched from the first.
    pub fn zones(&self, side: Side) -> &Bounded<Zone> {
        self.halves[side as usize].waiting.zones()
    }

    /// Bars before the last that are looked at.
    pub(crate) const fn bars_back(&self) -> u32 {
        self.length
    }

    /// Reads a bar; `atr` is the long ATR at its close.
    #[inline]
    pub(crate) fn push(
        &mut self,
        bar: &Bar,
        context: &Context,
        atr: Option<f64>,
        out: &mut impl FnMut(Event),
    ) {
        let Context { at, views, volume, history, .. } = *context;
        let volatile = bar.high() - bar.low() >= self.params.volatile_atr * atr.unwrap_or(f64::NAN);
        for side in SIDES {
            let view = views[side as usize];
            let parsed = if volatile { view.high } else { view.low };
            let half = &mut self.halves[side as usize];
            half.live(at, side, view, self.params.close, out);
            half.cross(at, side, view, parsed, volume, out);
        }
        let mask = self.volatile.len() - 1;
        self.volatile[at as usize & mask] = volatile;
        let least = self.least.push(history.get(at));
        let Some(pos) = at.checked_sub(self.length) else { return };
        let pivot = history.get(pos);
        let [low, high] = [pivot[0] < least[0], pivot[1] < least[1]];
        if high | low {
            self.confirm(at, high, low, history);
        }
    }

    /// The bar n before bar `at` is a pivot.
    fn confirm(&mut self, at: u32, high: bool, low: bool, history: &History) {
        let kind = match (self.last, high, low) {
            (None, true, true) => return,
            (Some(PivotKind::High), _, true) => PivotKind::Low,
            (Some(PivotKind::Low) | None, true, _) => PivotKind::High,
            (None, _, true) => PivotKind::Low,
            _ => return,
        };
        self.last = Some(kind);
        let side = kind.side().opposite();
        let level = history.range(at - self.length, side).0;
        let mask = self.volatile.len() - 1;
        let parsed = |pos: u32| {
            let (high, low) = history.range(pos, side);
            if self.volatile[pos as usize & mask] { high } else { low }
        };
        let pos = history.lowest(at, self.length + 1, parsed);
        let (parsed, (high, low)) = (parsed(pos), history.range(pos, side));
        let candidate = Candidate { pos, high, low, parsed };
        self.halves[side as usize].guard = Some((level, candidate));
    }
}

impl Half {
    /// The blocks count as touched: only the far edge matters.
    #[inline]
    fn live(&mut self, at: u32, side: Side, bar: View, close: bool, out: &mut impl FnMut(Event)) {
        let price = if close { bar.close } else { bar.low };
        self.waiting.push(at, price, price, |found, zone| {
            if found == Found::Broken {
                out(event(at, Kind::ObMitigated, side, zone));
            }
        });
    }

    #[inline]
    fn cross(
        &mut self,
        at: u32,
        side: Side,
        bar: View,
        parsed: f64,
        volume: f64,
        out: &mut impl FnMut(Event),
    ) {
        let Some((level, candidate)) = &mut self.guard else { return };
        if bar.close > *level {
            let Candidate { pos, high, low, .. } = *candidate;
            self.guard = None;
            let (near, far, state) = (high, low, ZoneState::Touched);
            let zone = Zone { near, far, pos, formed: at, state, amount: volume, swept: false };
            self.waiting.add(zone);
            out(event(at, Kind::ObFormed, side, &zone));
        } else if parsed <= candidate.parsed {
            *candidate = Candidate { pos: at, high: bar.high, low: bar.low, parsed };
        }
    }
}

fn event(at: u32, kind: Kind, side: Side, zone: &Zone) -> Event {
    let (level, far) = (View::price(zone.near, side), View::price(zone.far, side));
    Event::new(at, zone.pos, kind, side, level, far).amount(zone.amount).of(Of::Lux)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concepts::Concepts;
    use crate::mss::{Mss, MssParams};
    use aegis_types::Nanos;
    use alloc::vec::Vec;

    fn run(
        params: LuxParams,
        atr: Option<f64>,
        bars: &[(f64, f64, f64)],
    ) -> Vec<(u32, Kind, u32, Side, f64, f64)> {
        let mut blocks = LuxBlocks::new(params);
        let mut history = History::new(params.length);
        let mss = Mss::new(MssParams::default());
        let mut seen = Vec::new();
        for (at, (high, low, close)) in (0..).zip(bars.iter().copied()) {
            let bar = Bar::new(Nanos::ZERO, close, high, low, close, 1.0).unwrap();
            let views = SIDES.map(|side| View::of(&bar, side));
            history.put(at, [low, -high]);
            let (on, views, volume, mss) = (Concepts::LUX, &views, 3.0, &mss);
            let context = Context { at, views, volume, on, mss, history: &history };
            blocks.push(&bar, &context, atr, &mut |e| {
                assert_eq!((e.of, e.amount), (Of::Lux, 3.0));
                seen.push((e.at, e.kind, e.pos, e.side.unwrap(), e.level, e.far));
            });
        }
        seen
    }

    const BARS: [(f64, f64, f64); 9] = [
        (9.0, 8.0, 8.5),
        (12.0, 8.0, 11.0),
        (10.0, 7.0, 8.0),
        (9.0, 4.0, 8.5),
        (11.0, 6.5, 10.0),
        (14.0, 9.0, 13.0),
        (14.0, 5.0, 13.0),
        (14.0, 4.5, 13.0),
        (14.0, 3.9, 13.0),
    ];

    #[test]
    fn the_lowest_bar_from_the_pivot_to_its_crossing() {
        let params = LuxParams { length: 2, ..Default::default() };
        assert_eq!(
            run(params, None, &BARS),
            [
                (5, Kind::ObFormed, 3, Side::Buy, 9.0, 4.0),
                (8, Kind::ObMitigated, 3, Side::Buy, 9.0, 4.0),
            ]
        );
        let close = LuxParams { close: true, ..params };
        assert_eq!(run(close, None, &BARS).len(), 1, "no close below it");
    }

    #[test]
    fn a_volatile_bar_is_read_upside_down() {
        // Bar 3 alone has a range of two ATR.
        let params = LuxParams { length: 2, ..Default::default() };
        let formed = run(params, Some(2.4), &BARS)[0];
        assert_eq!(formed, (5, Kind::ObFormed, 4, Side::Buy, 11.0, 6.5));
    }
}
