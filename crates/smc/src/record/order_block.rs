//! Order blocks of a record.
//!
//! Bull: the first close above the high of the last swing high p before it, at bar t. The block is
//! the bar with the lowest low between p and t, the last one on ties; Top and Bottom are its high
//! and low. OBVolume is the volume of t and the two bars before it; Percentage is how even the two
//! last and the third last of them are, 100·min/max. It is mitigated when a low (close mitigation:
//! the lower of open and close) is below Bottom; MitigatedIndex is 0 if none is. Bears mirrored.
//! Knowable at t if p is final by then, else when p is.
//!
//! Compat: edges and volumes are rounded to f32 and compared so; a bull's MitigatedIndex is the bar
//! before the one that did it; a mitigated block that price then leaves on the other side (bull:
//! high above Top) is erased; a bull whose t directly follows p has Top and Bottom swapped; the
//! made swings at both ends count; bears come after bulls on the same rows: a bear block takes the
//! place of a bull block on its bar and inherits that it was mitigated. Default: none of these; a
//! bar that is a bull block and a bear block has two rows, the bull's first.
//!
//! Each swing is crossed at most once and its block lies between it and the next swing of its kind,
//! so a bar is a block of one side once. Waiting blocks are in heaps by the price that changes
//! them.

use super::Record;
use super::swings::Swings;
use aegis_types::Bar;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// How blocks are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub close_mitigation: bool,
    pub compat: bool,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    pos: u32,
    bull: bool,
    /// The edge that price meets first and the one behind it, as the block's own side sees them.
    near: f64,
    far: f64,
    volume: f64,
    percentage: f64,
    mitigated: u32,
    broken: bool,
    erased: bool,
}

/// A block by number, ordered by the price it waits for.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    price: f64,
    block: u32,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.price.total_cmp(&other.price).then(self.block.cmp(&other.block))
    }
}

/// One side's pass over the bars. Prices are negated for bears, so that each rule stands here once.
struct Pass<'a> {
    bars: &'a [Bar],
    rules: Rules,
    bull: bool,
    blocks: Vec<Block>,
    /// By far edge: the highest is the first that a falling low is below.
    live: BinaryHeap<Waiting>,
    /// By negated near edge: the lowest is the first that a rising high is above.
    broken: BinaryHeap<Waiting>,
}

impl<'a> Pass<'a> {
    fn new(bars: &'a [Bar], rules: Rules, bull: bool) -> Self {
        let (live, broken) = (BinaryHeap::new(), BinaryHeap::new());
        Self { bars, rules, bull, blocks: Vec::new(), live, broken }
    }

    const fn sign(&self) -> f64 {
        if self.bull { 1.0 } else { -1.0 }
    }

    fn low(&self, bar: usize) -> f64 {
        let bar = &self.bars[bar];
        if self.bull { bar.low() } else { -bar.high() }
    }

    fn high(&self, bar: usize) -> f64 {
        let bar = &self.bars[bar];
        if self.bull { bar.high() } else { -bar.low() }
    }

    fn stored(&self, value: f64) -> f64 {
        if self.rules.compat { f64::from(value as f32) } else { value }
    }

    /// All bars; `swings` are the positions of the swings to cross, `first` the other side's
    /// blocks where they have been on the same rows before.
    fn run(&mut self, swings: &[u32], first: &[Block]) {
        let mut next = 0;
        let mut crossed = true;
        let mut extreme = None;
        for at in 0..self.bars.len() {
            self.update(at);
            if next < swings.len() && (swings[next] as usize) < at {
                next += 1;
                (crossed, extreme) = (false, None);
            } else if next > 0 {
                // The bar before, which is after the swing.
                let last = at - 1;
                if extreme.is_none_or(|bar| self.low(last) <= self.low(bar)) {
                    extreme = Some(last);
                }
            }
            if crossed {
                continue;
            }
            let swing = swings[next - 1] as usize;
            if self.sign() * self.bars[at].close() > self.high(swing) {
                crossed = true;
                self.form(at, extreme, first);
            }
        }
    }

    /// What bar `at` does to the blocks there are.
    fn update(&mut self, at: usize) {
        while self.broken.peek().is_some_and(|top| self.high(at) > -top.price) {
            if let Some(Waiting { block, .. }) = self.broken.pop() {
                self.blocks[block as usize].erased = true;
            }
        }
        let bar = &self.bars[at];
        let reach = if self.rules.close_mitigation {
            (self.sign() * bar.open()).min(self.sign() * bar.close())
        } else {
            self.low(at)
        };
        while self.live.peek().is_some_and(|top| reach < top.price) {
            let Some(Waiting { block, .. }) = self.live.pop() else { return };
            let early = u32::from(self.rules.compat && self.bull);
            let mitigated = &mut self.blocks[block as usize];
            (mitigated.broken, mitigated.mitigated) = (true, at as u32 - early);
            self.wait(block);
        }
    }

    /// Puts a block where it waits for its next change. Only the package erases broken ones.
    fn wait(&mut self, number: u32) {
        let block = &self.blocks[number as usize];
        if !block.broken {
            self.live.push(Waiting { price: block.far, block: number });
        } else if self.rules.compat {
            self.broken.push(Waiting { price: -block.near, block: number });
        }
    }

    fn form(&mut self, at: usize, extreme: Option<usize>, first: &[Block]) {
        // A swing is before the bar that crosses it, so there is a bar before.
        let pos = extreme.unwrap_or(at - 1);
        let (mut near, mut far) = (self.stored(self.high(pos)), self.stored(self.low(pos)));
        if self.rules.compat && self.bull && extreme.is_none() {
            (near, far) = (far, near);
        }
        let volume = |back: usize| at.checked_sub(back).map_or(0.0, |bar| self.bars[bar].volume());
        let [now, one, two] = [0, 1, 2].map(volume);
        let (last, third) = (self.stored(now + one), self.stored(two));
        let on_row = first.binary_search_by_key(&(pos as u32), |block| block.pos).ok();
        let on_row = on_row.map(|number| &first[number]);
        self.blocks.push(Block {
            pos: pos as u32,
            bull: self.bull,
            near,
            far,
            volume: self.stored(now + one + two),
            percentage: percentage(last, third, self.rules.compat),
            mitigated: on_row.filter(|block| !block.erased).map_or(0, |block| block.mitigated),
            broken: on_row.is_some_and(|block| block.broken),
            erased: false,
        });
        self.wait(self.blocks.len() as u32 - 1);
    }
}

/// 100·min/max; 100 if there was no volume at all.
fn percentage(last: f64, third: f64, compat: bool) -> f64 {
    let (most, least) = if third > last { (third, last) } else { (last, third) };
    if most == 0.0 {
        100.0
    } else if compat {
        f64::from(least as f32 / most as f32 * 100.0)
    } else {
        least / most * 100.0
    }
}

/// A row per block.
pub(super) fn record(bars: &[Bar], swings: &Swings, rules: Rules) -> Record {
    let all = swings.all(bars);
    let of = |high: bool| -> Vec<u32> {
        all.iter().filter(|swing| swing.high == high).map(|swing| swing.pos).collect()
    };
    let mut bulls = Pass::new(bars, rules, true);
    bulls.run(&of(true), &[]);
    let mut bears = Pass::new(bars, rules, false);
    bears.run(&of(false), if rules.compat { &bulls.blocks } else { &[] });
    let mut blocks = bulls.blocks;
    if rules.compat {
        let taken = |pos: u32| bears.blocks.binary_search_by_key(&pos, |bear| bear.pos).is_ok();
        blocks.retain(|bull| !taken(bull.pos));
    }
    blocks.append(&mut bears.blocks);
    // Stable: of two on one bar the bull stays before the bear.
    blocks.sort_by_key(|block| block.pos);
    let mut record =
        Record::new(&["OB", "Top", "Bottom", "OBVolume", "MitigatedIndex", "Percentage"]);
    for block in blocks.iter().filter(|block| !block.erased) {
        let (sign, top, bottom) =
            if block.bull { (1.0, block.near, block.far) } else { (-1.0, -block.far, -block.near) };
        let mitigated = f64::from(block.mitigated);
        record.push(block.pos, &[sign, top, bottom, block.volume, mitigated, block.percentage]);
    }
    record
}
