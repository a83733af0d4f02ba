//! Generated series of bars, each from a seed: walks on coarse and fine grids, with equal extremes,
//! flat stretches, outside bars, price gaps, spikes, holes in time, and some of one bar only. They
//! start near a change of the clocks, a week's end or a month's end.

use aegis_types::{Bar, Nanos};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `below` − 1.
    pub fn upto(&mut self, below: u64) -> i64 {
        (self.next() % below) as i64
    }
}

/// Days around which series start: the four changes of the clocks of 2026, a month's end, a leap
/// day.
const STARTS: [(i64, u32, u32); 6] =
    [(2026, 3, 7), (2026, 3, 28), (2026, 10, 24), (2026, 10, 31), (2025, 12, 30), (2024, 2, 28)];

/// The series of a seed: 1 to 400 bars.
pub fn series(seed: u64) -> Vec<Bar> {
    let mut random = Random(seed);
    let (year, month, day) = STARTS[random.upto(6) as usize];
    let span = Nanos::MINUTE.times([1, 5, 15, 60][random.upto(4) as usize]);
    let mut time = Nanos::from_civil(year, month, day).after(span.times(random.upto(96)));
    let count = if random.upto(20) == 0 { 1 } else { 1 + random.upto(400) };
    // Ticks of one step: few make many ties, many make hardly any.
    let step = [1, 4, 1_000][random.upto(3) as usize];
    let drift = random.upto(3) - 1;
    let mut close = 1_000 * step;
    let mut bars = Vec::new();
    let mut flat = 0;
    for _ in 0..count {
        flat = if flat == 0 && random.upto(40) == 0 { random.upto(30) } else { (flat - 1).max(0) };
        let mut open = close;
        let (mut high, mut low) = (open, open);
        if flat == 0 {
            if random.upto(10) == 0 {
                open += (random.upto(9) - 4) * step;
            }
            close = open + (random.upto(9) - 4) * step + drift * random.upto(2) * step;
            if random.upto(60) == 0 {
                close = open + (random.upto(41) - 20) * step;
            }
            (high, low) = (open.max(close), open.min(close));
            let wick = if random.upto(40) == 0 { 30 * step as u64 } else { 3 * step as u64 };
            high += random.upto(wick);
            low -= random.upto(wick);
        }
        let volume = if flat > 0 { 0 } else { random.upto(1_000) };
        let [o, h, l, c, v] = [open, high, low, close, volume].map(|number| number as f64);
        bars.push(Bar::new(time, o, h, l, c, v).expect("a bar"));
        let hole = if random.upto(50) == 0 { random.upto(200) } else { 0 };
        time = time.after(span.times(1 + hole));
    }
    bars
}
