//! Daily bias: the side that the day's dealings favour, judged against the previous day.
//!
//! It leans to buyers when the bar closes above the previous UTC day's high, or when today has
//! traded below the previous day's low and the bar closes back above it; mirrored for sellers. When
//! it leans to neither or to both there is none. A higher timeframe's structure, where the caller
//! knows it, can only veto: against it there is no bias. Own rule after the ICT notion, which names
//! no formula. Knowable at each close; told when it changes.

use super::period::Period;
use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// The side of the day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DailyBias {
    side: Option<Side>,
    /// Closes beyond it lean to a side, each as that side sees it.
    beyond: [f64; 2],
}

impl Default for DailyBias {
    fn default() -> Self {
        Self::new()
    }
}

impl DailyBias {
    /// None yet.
    pub const fn new() -> Self {
        Self { side: None, beyond: [f64::INFINITY; 2] }
    }

    /// A level of the previous day is new or has been broken.
    pub fn levels(&mut self, day: &Period) {
        self.beyond = [Side::Buy, Side::Sell].map(|side| beyond(day, side));
    }

    /// Reads a bar, whose day [`DailyBias::levels`] has been told.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, higher: Option<Side>, out: &mut impl FnMut(Event)) {
        let close = bar.close();
        let leaning = match (close > self.beyond[0], -close > self.beyond[1]) {
            (true, false) => Some(Side::Buy),
            (false, true) => Some(Side::Sell),
            _ => None,
        };
        let vetoed = higher.is_some() && higher != leaning;
        let side = if vetoed { None } else { leaning };
        if side != self.side {
            self.side = side;
            let event = Event::new(at, at, Kind::DailyBias, Side::Buy, close, close).of(Of::Day);
            out(Event { side, ..event });
        }
    }

    /// The side, at the last close.
    pub const fn side(&self) -> Option<Side> {
        self.side
    }
}

/// The price beyond which a close leans to `side`, as it sees it. Written for buyers: the previous
/// high, or its low once today has traded below that.
fn beyond(day: &Period, side: Side) -> f64 {
    let (Some(low), Some(high)) = (day.prior(side), day.prior(side.opposite())) else {
        return f64::INFINITY;
    };
    let high = View::price(high.price, side);
    if low.broken { high.min(View::price(low.price, side)) } else { high }
}

#[cfg(test)]
mod tests {
    use super::super::period::Periods;
    use super::*;
    use aegis_types::Nanos;
    use alloc::vec::Vec;

    /// The bias after each bar of the day after one that traded from 10 to 20.
    fn biases(bars: &[(f64, f64, f64)], higher: Option<Side>) -> Vec<Option<Side>> {
        let (mut periods, mut bias) = (Periods::new(), DailyBias::new());
        let mut told = None;
        let yesterday = (20.0, 10.0, 15.0);
        let all = core::iter::once(&yesterday).chain(bars);
        let sides: Vec<_> = (0..)
            .zip(all)
            .map(|(at, &(high, low, close))| {
                let hours = if at == 0 { 0 } else { 23 + i64::from(at) };
                let time = Nanos::HOUR.times(hours);
                let bar = Bar::new(time, close, high, low, close, 1.0).expect("a bar");
                if periods.push(at, &bar, &mut |_| {}) {
                    bias.levels(periods.day());
                }
                bias.push(at, &bar, higher, &mut |event| told = event.side);
                assert_eq!(told, bias.side());
                bias.side()
            })
            .collect();
        sides[1..].to_vec()
    }

    #[test]
    fn beyond_the_previous_day_and_back_into_it() {
        let (buy, sell) = (Some(Side::Buy), Some(Side::Sell));
        assert_eq!(biases(&[(19.0, 11.0, 15.0), (21.0, 15.0, 20.0)], None), [None, None]);
        assert_eq!(biases(&[(21.0, 15.0, 20.5)], None), [buy]);
        assert_eq!(biases(&[(21.0, 15.0, 19.5)], None), [sell], "the high was swept");
        assert_eq!(biases(&[(15.0, 9.0, 9.5), (12.0, 9.0, 10.5)], None), [sell, buy]);
        assert_eq!(biases(&[(21.0, 9.0, 15.0)], None), [None], "both were swept");
    }

    #[test]
    fn a_higher_timeframe_vetoes() {
        let up = [(21.0, 15.0, 20.5)];
        assert_eq!(biases(&up, Some(Side::Buy)), [Some(Side::Buy)]);
        assert_eq!(biases(&up, Some(Side::Sell)), [None]);
        assert_eq!(biases(&[(19.0, 11.0, 15.0)], Some(Side::Buy)), [None]);
    }
}
