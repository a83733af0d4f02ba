//! Optimal trade entry: deep in the pullback of a leg that broke structure.
//!
//! Bullish: when a close breaks a swing high at bar t, the leg begins at the lowest low since that
//! swing (bar t included) and ends at the high of bar t, then at every higher one. The zone lies at
//! a retracement of `from` to `to` of the leg, both included. It is entered, once per leg, by the
//! first later bar whose range meets the zone of the leg as it was before that bar; known at its
//! close. A low below the leg's beginning ends the leg without an entry; the next break of
//! structure, of either side, begins a new one. Bearish mirrored.
//! Source: ICT usage; the levels are the common ones.

use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`Ote`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OteParams {
    /// The shallow end of the zone: share of the leg given back.
    pub from: f64,
    /// The ideal share.
    pub ideal: f64,
    /// The deep end of the zone.
    pub to: f64,
}

impl Default for OteParams {
    fn default() -> Self {
        Self { from: 0.62, ideal: 0.705, to: 0.79 }
    }
}

/// A leg that broke structure, as its side sees it: upwards.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrokenLeg {
    /// Its direction.
    pub side: Side,
    /// Its lowest price, where it began.
    pub start: f64,
    /// Its highest price.
    pub end: f64,
    /// Bar of its highest price.
    pub pos: u32,
    /// Price has been in the zone.
    pub entered: bool,
}

impl BrokenLeg {
    /// The price at which `share` of the leg is given back, as its side sees it.
    pub fn at(&self, share: f64) -> f64 {
        self.end - share * (self.end - self.start)
    }
}

/// The zone of the last leg that broke structure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ote {
    params: OteParams,
    of: Of,
    leg: Option<BrokenLeg>,
}

impl Ote {
    /// No leg yet.
    pub const fn new(of: Of, params: OteParams) -> Self {
        Self { params, of, leg: None }
    }

    /// The leg, while price has not taken back all of it.
    pub const fn leg(&self) -> Option<&BrokenLeg> {
        self.leg.as_ref()
    }

    /// The zone of the leg as its side sees it: shallow end, ideal, deep end.
    pub fn zone(&self) -> Option<[f64; 3]> {
        let OteParams { from, ideal, to } = self.params;
        self.leg.map(|leg| [from, ideal, to].map(|share| leg.at(share)))
    }

    /// Reads bar `at` as both sides see it.
    #[inline]
    pub fn push(&mut self, at: u32, views: &[View; 2], out: &mut impl FnMut(Event)) {
        let Some(leg) = &mut self.leg else { return };
        let bar = views[leg.side as usize];
        let OteParams { from, ideal, to } = self.params;
        if !leg.entered && bar.low <= leg.at(from) && bar.high >= leg.at(to) {
            leg.entered = true;
            let [level, far] = [ideal, to].map(|share| View::price(leg.at(share), leg.side));
            out(Event::new(at, leg.pos, Kind::OteEntered, leg.side, level, far).of(self.of));
        }
        if bar.low < leg.start {
            self.leg = None;
        } else if bar.high > leg.end {
            (leg.end, leg.pos) = (bar.high, at);
        }
    }

    /// Bar `at` broke structure for `side`, which sees it as `bar`; `low` is the lowest price since
    /// the broken swing.
    pub fn broken(&mut self, at: u32, side: Side, low: f64, bar: View) {
        let start = low.min(bar.low);
        self.leg = Some(BrokenLeg { side, start, end: bar.high, pos: at, entered: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// What a leg from 100 to 200 that bar 5 ended meets from bar 6 on: highs and lows.
    fn run(bars: &[(f64, f64)]) -> Vec<(u32, u32, f64, f64)> {
        let mut ote = Ote::new(Of::Swing, OteParams::default());
        let view = |high, low| View { open: low, high, low, close: low };
        ote.broken(5, Side::Buy, 100.0, view(200.0, 150.0));
        let mut seen = Vec::new();
        for (at, (high, low)) in (6..).zip(bars.iter().copied()) {
            let views = [view(high, low), view(-low, -high)];
            ote.push(at, &views, &mut |e| {
                assert_eq!((e.kind, e.side), (Kind::OteEntered, Some(Side::Buy)));
                seen.push((e.at, e.pos, e.level, e.far));
            });
        }
        seen
    }

    #[test]
    fn is_entered_once_at_the_levels_of_the_leg() {
        let bars = [(190.0, 139.0), (150.0, 138.0), (180.0, 130.0)];
        assert_eq!(run(&bars), [(7, 5, 129.5, 121.0)]);
    }

    #[test]
    fn trails_with_the_leg() {
        assert_eq!(run(&[(300.0, 190.0), (290.0, 176.0)]), [(7, 6, 159.0, 142.0)]);
        assert_eq!(run(&[(300.0, 190.0), (290.0, 177.0)]), [], "38 % of 200 above the start");
    }

    #[test]
    fn a_jump_over_the_zone_is_no_entry_and_the_start_ends_the_leg() {
        assert_eq!(run(&[(120.0, 110.0)]), []);
        assert_eq!(run(&[(120.0, 110.0), (125.0, 112.0)]), [(7, 5, 129.5, 121.0)], "from below");
        assert_eq!(run(&[(120.0, 99.0), (130.0, 110.0)]), []);
    }
}
