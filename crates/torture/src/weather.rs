//! What goes wrong, and when: each seed draws which faults it has, and how often each comes.

use crate::catalogue;
use crate::draw::Draw;
use crate::inject;
use crate::options::Options;
use crate::world::World;
use aegis_types::Nanos;
use std::collections::BTreeMap;

/// A fault that a seed has drawn.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    name: &'static str,
    /// Mean time between two of them.
    mean: i64,
    next: Nanos,
    draw: Draw,
}

/// The faults of a seed.
pub struct Trouble {
    drawn: Vec<Drawn>,
    next: Nanos,
    over: bool,
    /// How often each fault acted.
    pub fired: BTreeMap<&'static str, u64>,
}

/// Shortest and longest mean time between two faults of a kind.
const MEANS: [i64; 2] = [2, 60];
/// The same of those that end a process: more would leave it no time for anything else.
const DEATHS: [i64; 2] = [5, 60];

/// Does this fault end the brain's process?
fn ends_brain(name: &str) -> bool {
    matches!(name, "kill" | "hang" | "torn_tail" | "sync_fails" | "clock" | "disk_full")
}

impl Trouble {
    /// Of a seed: a share of the faults, or those that were asked for, each with its own rate. One
    /// is certain, in turn: so many seeds in a row as there are faults have them all.
    pub fn new(seed: u64, start: Nanos, options: &Options) -> Self {
        let mut which = Draw::new(seed, 3);
        let share = *which.one(&[0u64, 80, 200, 350, 600]);
        let mut drawn = Vec::new();
        let faults = catalogue::simulated().count() as u64;
        for (index, fault) in catalogue::simulated().enumerate() {
            // Each has its own draws: one more or less of another changes nothing of it.
            let mut draw = Draw::new(seed, 1_000 + u64::from(fault.number));
            // Somebody else's orders end entries for good: few seeds have them.
            let share = if fault.name == "foreign_order" { share / 5 } else { share };
            let taken = which.permille(share) || seed % faults == index as u64;
            let wanted = match &options.faults {
                Some(names) => names.iter().any(|name| name == fault.name),
                None => taken,
            };
            let [from, to] = if ends_brain(fault.name) { DEATHS } else { MEANS };
            let mean = draw.between(from, to) * Nanos::MINUTE.0;
            let next = start.after(Nanos::MINUTE).after(Nanos(draw.wait(mean / 2)));
            if wanted {
                drawn.push(Drawn { name: fault.name, mean, next, draw });
            }
        }
        let mut trouble = Self { drawn, next: start, over: false, fired: BTreeMap::new() };
        trouble.look_ahead();
        trouble
    }

    /// Names of the faults that the seed has.
    pub fn names(&self) -> Vec<&'static str> {
        self.drawn.iter().map(|drawn| drawn.name).collect()
    }

    /// Has the seed this fault?
    pub fn has(&self, name: &str) -> bool {
        self.drawn.iter().any(|drawn| drawn.name == name)
    }

    /// When something goes wrong next.
    pub const fn next(&self) -> Nanos {
        self.next
    }

    fn look_ahead(&mut self) {
        let next = self.drawn.iter().map(|drawn| drawn.next).min();
        self.next = if self.over { Nanos::MAX } else { next.unwrap_or(Nanos::MAX) };
    }

    /// A fault has acted.
    pub fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    /// What is due goes wrong.
    pub fn act(world: &mut World) {
        let now = world.now;
        for index in 0..world.trouble.drawn.len() {
            let Drawn { name, mean, next, mut draw } = world.trouble.drawn[index];
            if next > now {
                continue;
            }
            inject::inject(world, name, &mut draw);
            let next = now.after(Nanos(draw.wait(mean)));
            world.trouble.drawn[index] = Drawn { name, mean, next, draw };
        }
        world.trouble.look_ahead();
    }

    /// Is it over?
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// From here on nothing goes wrong any more, and what did is over.
    pub fn stop(world: &mut World) {
        world.trouble.over = true;
        world.trouble.look_ahead();
        world.venue.clear(world.now, &mut world.network);
        world.network.clear_up(world.now);
        world.disk.heal();
        world.rows.down_until = world.now;
        world.rows.slow = Nanos::ZERO;
        world.space_at = Nanos::MAX;
        world.feed_stalled = world.now.min(world.feed_stalled);
        world.set_clocks_right();
        inject::take_back(world);
    }
}
