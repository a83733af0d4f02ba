//! A file of the simulated disk: what programs see, and what a power cut leaves of it.

use super::random::Random;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Content as programs see it, and as the platters have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What reading gives: the page cache.
    pub data: Vec<u8>,
    /// What the last sync has put down.
    durable: Vec<u8>,
    /// Parts of `data` that no sync has put down, in the order of writing.
    dirty: Vec<(usize, usize)>,
    /// Space reserved from the start, at least the length.
    pub reserved: usize,
}

/// What a power cut does to the bytes that no sync has put down.
enum Fate {
    Lost,
    Kept,
    /// The first so many bytes of them.
    Prefix(usize),
    /// Each sector by itself, in no order.
    Scattered,
}

impl Inode {
    /// With content that is on the platters.
    pub fn holding(bytes: &[u8]) -> Self {
        Self { data: bytes.to_vec(), durable: bytes.to_vec(), dirty: Vec::new(), reserved: 0 }
    }

    /// Space that it takes.
    pub fn space(&self) -> usize {
        self.data.len().max(self.reserved)
    }

    /// Writes all of it.
    pub fn write(&mut self, bytes: &[u8], at: usize) {
        let end = at + bytes.len();
        if end > self.data.len() {
            self.data.resize(end, 0);
        }
        self.data[at..end].copy_from_slice(bytes);
        self.touch(at, end);
    }

    /// Cuts it, or lets it grow by zeros.
    pub fn set_length(&mut self, length: usize) {
        let before = self.data.len();
        self.data.resize(length, 0);
        if length > before {
            self.touch(before, length);
        }
    }

    fn touch(&mut self, from: usize, to: usize) {
        match self.dirty.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ if from < to => self.dirty.push((from, to)),
            _ => {}
        }
    }

    /// Puts everything down.
    pub fn sync(&mut self) {
        self.durable.resize(self.data.len(), 0);
        for (from, to) in self.dirty.drain(..) {
            let to = to.min(self.data.len());
            if from < to {
                self.durable[from..to].copy_from_slice(&self.data[from..to]);
            }
        }
    }

    /// A sync failed: the system takes the pages for clean, whether they are down or not, and may
    /// drop what they held.
    pub fn sync_failed(&mut self, random: &mut Random) {
        let before = self.clone();
        self.cut_power(random);
        let down = std::mem::take(&mut self.data);
        self.data = if random.one_in(2) { down.clone() } else { before.data };
        self.durable = down;
    }

    /// Flips bits, on the platters too.
    pub fn flip(&mut self, at: usize, bits: u8) -> bool {
        let seen = self.data.get_mut(at).map(|b| *b ^= bits).is_some();
        let down = self.durable.get_mut(at).map(|b| *b ^= bits).is_some();
        seen || down
    }

    /// What is there when power comes back. Returns how many written bytes are gone.
    pub fn cut_power(&mut self, random: &mut Random) -> usize {
        let unsynced: usize = self.dirty.iter().map(|(from, to)| to - from).sum();
        if unsynced == 0 && self.data.len() == self.durable.len() {
            return 0;
        }
        let fate = match random.below(4) {
            0 => Fate::Lost,
            1 => Fate::Kept,
            2 => Fate::Prefix(random.below(unsynced as u64 + 1) as usize),
            _ => Fate::Scattered,
        };
        let length = match &fate {
            Fate::Lost => self.durable.len(),
            Fate::Kept => self.data.len(),
            // The length is written by itself, before or after what it covers.
            _ if random.one_in(2) => self.data.len(),
            _ => self.durable.len(),
        };
        let mut left = std::mem::take(&mut self.durable);
        let mut kept = 0;
        for (from, to) in std::mem::take(&mut self.dirty) {
            let to = to.min(self.data.len());
            let mut at = from;
            while at < to {
                let end = (at / SECTOR + 1) * SECTOR;
                let end = end.min(to);
                let keep = match &fate {
                    Fate::Lost => 0,
                    Fate::Kept => end - at,
                    Fate::Prefix(bytes) => (end - at).min(bytes.saturating_sub(kept)),
                    Fate::Scattered => (end - at) * usize::from(random.one_in(2)),
                };
                if keep > 0 {
                    if left.len() < at + keep {
                        left.resize(at + keep, 0);
                    }
                    left[at..at + keep].copy_from_slice(&self.data[at..at + keep]);
                    kept += keep;
                }
                at = end;
            }
        }
        // What was kept beyond the length that was written is cut with it, but for a prefix, which
        // took its length along.
        let length = match fate {
            Fate::Prefix(_) => length.max(left.len().min(self.data.len())),
            _ => length,
        };
        left.resize(length, 0);
        self.data.clone_from(&left);
        self.durable = left;
        unsynced - kept.min(unsynced)
    }
}
