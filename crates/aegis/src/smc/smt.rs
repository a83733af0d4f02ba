//! SMT divergence of the candles against those of a second file, joined by time.

use crate::table;
use aegis_data::Bars;
use aegis_node::Failure;
use aegis_node::session::data_failure;
use aegis_smc::{Event, Smt, SmtParams, Which};
use aegis_types::Bar;
use std::collections::VecDeque;
use std::path::Path;

/// The second file, read as far as the first one has come.
pub struct Second {
    smt: Smt,
    bars: Bars,
    /// Read, but later than the first file's bar.
    next: Option<Bar>,
    /// Bars of the second file pushed.
    pushed: u32,
    /// Bars of one time: numbers in the first and the second file, newest last.
    joined: VecDeque<(u32, u32)>,
    /// How far back a swing can lie, in joined bars.
    back: usize,
}

impl Second {
    /// Opens the second file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path, swing_length: Option<u32>) -> Result<Self, Failure> {
        let mut params = SmtParams::default();
        if let Some(length) = swing_length {
            params.pivot.length = length;
        }
        let mut bars = table::bars(path)?;
        let next = bars.next().map_err(data_failure)?;
        let back = (params.pivot.length + params.pair_bars) as usize + 1;
        let joined = VecDeque::with_capacity(back + 1);
        Ok(Self { smt: Smt::new(params), bars, next, pushed: 0, joined, back })
    }

    /// Reads bar `at` of the first file. Events stand at its bars: also those of the second file's
    /// swings, whose prices they give.
    ///
    /// # Errors
    /// What is wrong with the second file.
    pub fn push(
        &mut self,
        at: u32,
        bar: &Bar,
        out: &mut impl FnMut(Which, Event),
    ) -> Result<(), Failure> {
        while let Some(other) = self.next.filter(|other| other.time() <= bar.time()) {
            self.smt.push(Which::Second, &other, &mut |_, _| {});
            if other.time() == bar.time() {
                if self.joined.len() == self.back {
                    self.joined.pop_front();
                }
                self.joined.push_back((at, self.pushed));
            }
            self.pushed += 1;
            self.next = self.bars.next().map_err(data_failure)?;
        }
        let joined = &self.joined;
        self.smt.push(Which::First, bar, &mut |which, event| {
            let of_first = joined.iter().rev().find(|(_, second)| *second == event.pos);
            let pos = match which {
                Which::First => event.pos,
                Which::Second => of_first.map_or(at, |(first, _)| *first),
            };
            out(which, Event { at, pos, ..event });
        });
        Ok(())
    }
}
