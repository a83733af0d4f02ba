//! Fair value gaps of a record.
//!
//! Bull at i: high[i−1] < low[i+1] and close[i] > open[i]; Top low[i+1], Bottom high[i−1]. Bear
//! mirrored: Top low[i−1], Bottom high[i+1]. Knowable at i+1. MitigatedIndex is the first bar from
//! i+2 on that touches the near edge (bull: low ≤ Top), 0 if none does.
//!
//! Joined: a gap directly before one of its kind is taken into it, highest Top and lowest Bottom.
//!
//! The package has this right, so compat and default are one. Near edges of waiting gaps rise with
//! their age (what the later bars undercut is gone), so the waiting ones are a stack.

use super::Record;
use aegis_types::Bar;
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug)]
struct Gap {
    pos: u32,
    bull: bool,
    top: f64,
    bottom: f64,
    mitigated: u32,
}

/// Finds gaps, bar by bar.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    join: bool,
    /// The two bars before the next one, the older first.
    before: [Bar; 2],
    count: u32,
    found: Vec<Gap>,
    /// Untouched gaps by number in `found`, the nearest to price last; bullish, bearish.
    waiting: [Vec<u32>; 2],
    /// The last of `found` is of the bar before: it may still be joined and is not watched yet.
    fresh: bool,
}

impl Gaps {
    pub(super) fn new(join: bool) -> Self {
        Self {
            join,
            before: [Bar::default(); 2],
            count: 0,
            found: Vec::new(),
            waiting: [Vec::new(), Vec::new()],
            fresh: false,
        }
    }

    pub(super) fn push(&mut self, bar: &Bar) {
        let at = self.count;
        self.count += 1;
        let [old, middle] = self.before;
        self.before = [middle, *bar];
        let new = if at < 2 { None } else { Self::between(at - 1, &old, &middle, bar) };
        let joins = self.join
            && self.fresh
            && new.zip(self.found.last()).is_some_and(|(new, last)| new.bull == last.bull);
        if self.fresh && !joins {
            let number = self.found.len() as u32 - 1;
            let bull = self.found[number as usize].bull;
            self.waiting[usize::from(!bull)].push(number);
        }
        self.touch(at, bar);
        self.fresh = new.is_some();
        let Some(mut new) = new else { return };
        if joins && let Some(last) = self.found.pop() {
            new.top = new.top.max(last.top);
            new.bottom = new.bottom.min(last.bottom);
        }
        self.found.push(new);
    }

    fn between(pos: u32, old: &Bar, middle: &Bar, new: &Bar) -> Option<Gap> {
        let (open, close) = (middle.open(), middle.close());
        let gap = |bull, top, bottom| Some(Gap { pos, bull, top, bottom, mitigated: 0 });
        if old.high() < new.low() && close > open {
            gap(true, new.low(), old.high())
        } else if old.low() > new.high() && close < open {
            gap(false, old.low(), new.high())
        } else {
            None
        }
    }

    fn touch(&mut self, at: u32, bar: &Bar) {
        let [bulls, bears] = &mut self.waiting;
        let found = &mut self.found;
        while let Some(gap) = bulls.last().map(|&number| &mut found[number as usize])
            && bar.low() <= gap.top
        {
            gap.mitigated = at;
            bulls.pop();
        }
        while let Some(gap) = bears.last().map(|&number| &mut found[number as usize])
            && bar.high() >= gap.bottom
        {
            gap.mitigated = at;
            bears.pop();
        }
    }

    /// A row per gap.
    pub(super) fn record(&self) -> Record {
        let mut record = Record::new(&["FVG", "Top", "Bottom", "MitigatedIndex"]);
        for gap in &self.found {
            let sign = if gap.bull { 1.0 } else { -1.0 };
            record.push(gap.pos, &[sign, gap.top, gap.bottom, f64::from(gap.mitigated)]);
        }
        record
    }
}
