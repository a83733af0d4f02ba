//! Which symbols have holes: kept from the facts of the journal alone.

use aegis_types::{Nanos, Tick, TickBody};

/// Candles in a row behind a hole, after which nothing of it is left in what is reckoned from them.
const BARS: u32 = 60;

/// The candles of a symbol, and what is missing of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candles {
    /// Where the newest one ended.
    until: Option<Nanos>,
    /// Candles in a row since a hole; none before the first hole.
    behind_hole: Option<u32>,
    /// Facts are missing, and no candle has shown yet which.
    gap: bool,
}

impl Candles {
    /// A fact of the symbol.
    #[inline]
    pub fn told(&mut self, tick: &Tick) {
        match tick.body {
            TickBody::Gap { .. } => self.gap = true,
            TickBody::Candle { .. } => {
                let Some(candle) = tick.candle() else { return };
                let (open, close) = (candle.open_time, candle.close_time());
                match self.until {
                    // One that was told before shows nothing.
                    Some(until) if open < until => return,
                    Some(until) if open > until => self.behind_hole = Some(1),
                    _ => self.behind_hole = self.behind_hole.map(|n| n + 1).filter(|n| *n < BARS),
                }
                (self.until, self.gap) = (Some(close), false);
            }
            _ => {}
        }
    }

    /// What is missing, if anything is.
    pub fn tainted(&self) -> Option<String> {
        if self.gap {
            return Some("facts are missing".to_owned());
        }
        self.behind_hole.map(|n| format!("candles were missing {n} candles ago"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Px, SymbolId};

    fn tick(at: Nanos, body: TickBody) -> Tick {
        Tick { symbol: SymbolId(0), derived: false, at, received_us: 0, body }
    }

    fn candle(minute: i64) -> Tick {
        let one = Px::whole(1);
        let body = TickBody::Candle { open: one, high: one, low: one, close: one, volume: 1.0 };
        tick(Nanos::MINUTE.times(minute + 1), body)
    }

    #[test]
    fn a_hole_lasts_an_hour_of_candles_and_a_gap_until_the_next() {
        let mut candles = Candles::default();
        (0..5).for_each(|minute| candles.told(&candle(minute)));
        assert_eq!(candles.tainted(), None);
        candles.told(&tick(Nanos::MINUTE.times(5), TickBody::Gap { missing: 0 }));
        assert!(candles.tainted().is_some());
        candles.told(&candle(4));
        assert!(candles.tainted().is_some(), "told again, it shows nothing");
        candles.told(&candle(5));
        assert_eq!(candles.tainted(), None);
        candles.told(&candle(8));
        (9..67).for_each(|minute| {
            candles.told(&candle(minute));
            assert!(candles.tainted().is_some(), "minute {minute}");
        });
        candles.told(&candle(67));
        assert_eq!(candles.tainted(), None);
    }
}
