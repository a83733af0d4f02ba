//! Step machine: the connections that bring the streams: when each is opened, given up, replaced.
//!
//! Each slot has two places. One carries the streams; the other is taken before the exchange closes
//! the first, which it does to every connection after a day: both bring the same until the new one
//! has brought something, and what comes twice is dropped behind. Being connected proves nothing; a
//! connection is as good as its last data.

use aegis_types::Nanos;
use aegis_venue::client::backoff::Backoff;

/// How long opening may take.
const OPENING: Nanos = Nanos(15_000_000_000);
/// Age at which a connection is replaced, an hour before the exchange would end it.
pub const ROTATE: Nanos = Nanos(23 * 3_600_000_000_000);
/// Connections are replaced so far apart.
const STAGGER: Nanos = Nanos(60_000_000_000);

/// A place of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slot.
    pub slot: usize,
    /// 0 or 1.
    pub place: usize,
}

/// What the pump has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Open a connection.
    Open(Place),
    /// Close it, whatever its state.
    Close(Place),
    /// What the slot's streams bring may be missing from now on.
    Lost(usize),
    /// They come again.
    Back(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not wanted.
    Off,
    /// To be opened from then on.
    Idle(Nanos),
    /// Must be open by then.
    Opening(Nanos),
    Up {
        since: Nanos,
        heard: Nanos,
        data: bool,
    },
}

#[derive(Clone, Debug)]
struct Slot {
    places: [State; 2],
    active: usize,
    backoff: Backoff,
    lost: bool,
}

/// All connections.
#[derive(Clone, Debug)]
pub struct Sockets {
    slots: Vec<Slot>,
    silence: Nanos,
    losses: u64,
}

impl Sockets {
    /// So many slots, each given up after `silence` without data (zero: never); the seed is of the
    /// pauses' jitter.
    pub fn new(slots: usize, silence: Nanos, seed: u64) -> Self {
        let slot = |n: usize| Slot {
            places: [State::Idle(Nanos(i64::MIN)), State::Off],
            active: 0,
            backoff: Backoff::new(seed.wrapping_add(n as u64)),
            lost: true,
        };
        Self { slots: (0..slots).map(slot).collect(), silence, losses: 0 }
    }

    /// Are the streams of all slots coming?
    pub fn all_up(&self) -> bool {
        self.slots.iter().all(|slot| !slot.lost)
    }

    /// Are the streams of a slot coming?
    pub fn is_up(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|slot| !slot.lost)
    }

    /// How often a slot's streams were lost after they had come.
    pub const fn losses(&self) -> u64 {
        self.losses
    }

    /// Time passes.
    pub fn step(&mut self, now: Nanos, out: &mut Vec<Wish>) {
        for n in 0..self.slots.len() {
            for place in 0..2 {
                self.step_place(Place { slot: n, place }, now, out);
            }
        }
    }

    fn step_place(&mut self, at: Place, now: Nanos, out: &mut Vec<Wish>) {
        let silence = self.silence;
        let slot = &mut self.slots[at.slot];
        match slot.places[at.place] {
            State::Idle(from) if from <= now => {
                slot.places[at.place] = State::Opening(now.after(OPENING));
                out.push(Wish::Open(at));
            }
            State::Opening(until) if until < now => self.give_up(at, now, out),
            State::Up { heard, .. } if silence.0 > 0 && now.since(heard) > silence => {
                self.give_up(at, now, out);
            }
            State::Up { since, .. } if at.place == slot.active => {
                let age = ROTATE.since(STAGGER.times(at.slot as i64));
                let other = &mut slot.places[1 - at.place];
                if *other == State::Off && now.since(since) >= age {
                    *other = State::Idle(now);
                }
            }
            _ => {}
        }
    }

    /// A connection is open and its streams are asked for.
    pub fn opened(&mut self, at: Place, now: Nanos, out: &mut Vec<Wish>) {
        let Some(slot) = self.slots.get_mut(at.slot) else { return };
        slot.places[at.place] = State::Up { since: now, heard: now, data: false };
        if at.place == slot.active && slot.lost {
            slot.lost = false;
            out.push(Wish::Back(at.slot));
        }
    }

    /// A connection brought something.
    #[inline]
    pub fn data(&mut self, at: Place, now: Nanos, out: &mut Vec<Wish>) {
        let Some(slot) = self.slots.get_mut(at.slot) else { return };
        let State::Up { heard, data, .. } = &mut slot.places[at.place] else { return };
        *heard = now;
        if *data {
            return;
        }
        *data = true;
        slot.backoff.reset();
        if at.place != slot.active {
            let old = Place { place: slot.active, ..at };
            slot.places[old.place] = State::Off;
            slot.active = at.place;
            out.push(Wish::Close(old));
        }
    }

    /// A connection has ended, or was never made.
    pub fn closed(&mut self, at: Place, now: Nanos, out: &mut Vec<Wish>) {
        let Some(slot) = self.slots.get_mut(at.slot) else { return };
        if matches!(slot.places[at.place], State::Off | State::Idle(_)) {
            return;
        }
        let other = 1 - at.place;
        if at.place == slot.active && matches!(slot.places[other], State::Up { .. }) {
            // Its successor carries the same streams already.
            slot.places[at.place] = State::Off;
            slot.active = other;
            return;
        }
        slot.places[at.place] = State::Idle(now.after(slot.backoff.pause()));
        if at.place == slot.active && !slot.lost {
            slot.lost = true;
            self.losses += 1;
            out.push(Wish::Lost(at.slot));
        }
    }

    /// Streams of a slot have been silent for too long, whatever the others bring.
    pub fn silent(&mut self, slot: usize, now: Nanos, out: &mut Vec<Wish>) {
        let Some(active) = self.slots.get(slot).map(|slot| slot.active) else { return };
        self.give_up(Place { slot, place: active }, now, out);
    }

    fn give_up(&mut self, at: Place, now: Nanos, out: &mut Vec<Wish>) {
        out.push(Wish::Close(at));
        self.closed(at, now, out);
    }

    /// Attempts of a slot since its last data.
    pub fn failures(&self, slot: usize) -> u32 {
        self.slots.get(slot).map_or(0, |slot| slot.backoff.failures())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Place = Place { slot: 0, place: 0 };
    const SPARE: Place = Place { slot: 0, place: 1 };
    const SECOND: Nanos = Nanos::SECOND;

    fn step(sockets: &mut Sockets, now: Nanos) -> Vec<Wish> {
        let mut out = Vec::new();
        sockets.step(now, &mut out);
        out
    }

    fn up(silence: Nanos) -> Sockets {
        let mut sockets = Sockets::new(1, silence, 7);
        assert_eq!(step(&mut sockets, SECOND), [Wish::Open(AT)]);
        let mut out = Vec::new();
        sockets.opened(AT, SECOND, &mut out);
        sockets.data(AT, SECOND, &mut out);
        assert_eq!(out, [Wish::Back(0)]);
        sockets
    }

    #[test]
    fn a_silent_connection_is_lost_and_opened_again_after_a_pause() {
        let mut sockets = up(SECOND.times(5));
        assert_eq!(step(&mut sockets, SECOND.times(6)), []);
        assert_eq!(step(&mut sockets, SECOND.times(7)), [Wish::Close(AT), Wish::Lost(0)]);
        assert_eq!(step(&mut sockets, SECOND.times(7)), [], "not at once");
        assert_eq!(step(&mut sockets, SECOND.times(8)), [Wish::Open(AT)]);
        assert!(!sockets.all_up() && sockets.losses() == 1);
    }

    #[test]
    fn opening_resets_no_pause_data_does() {
        let mut sockets = up(SECOND.times(5));
        let mut now = SECOND.times(7);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let mut out = Vec::new();
            sockets.closed(AT, now, &mut out);
            let began = now;
            while step(&mut sockets, now).is_empty() {
                now = now.after(Nanos(10_000_000));
            }
            pauses.push(now.since(began));
            sockets.opened(AT, now, &mut out);
        }
        assert!(pauses[11] > pauses[0].times(20), "{pauses:?}");
        assert!(pauses[11] <= SECOND.times(31), "{pauses:?}");
    }

    #[test]
    fn rotation_loses_nothing_and_closes_the_old_one_after_data_of_the_new() {
        let mut sockets = up(Nanos::ZERO);
        let day = ROTATE.after(SECOND.times(2));
        assert_eq!(step(&mut sockets, day), [Wish::Open(SPARE)]);
        assert_eq!(step(&mut sockets, day), [], "once");
        let mut out = Vec::new();
        sockets.opened(SPARE, day, &mut out);
        assert_eq!(out, []);
        sockets.data(SPARE, day, &mut out);
        assert_eq!(out, [Wish::Close(AT)]);
        sockets.closed(AT, day, &mut out);
        assert!(sockets.all_up() && sockets.losses() == 0 && out.len() == 1);
        assert_eq!(step(&mut sockets, day.after(SECOND)), []);
    }

    #[test]
    fn a_connection_that_ends_while_its_successor_is_open_is_no_loss() {
        let mut sockets = up(Nanos::ZERO);
        let day = ROTATE.after(SECOND.times(2));
        step(&mut sockets, day);
        step(&mut sockets, day);
        let mut out = Vec::new();
        sockets.opened(SPARE, day, &mut out);
        sockets.closed(AT, day, &mut out);
        assert!(out.is_empty() && sockets.all_up());
        sockets.data(SPARE, day, &mut out);
        assert_eq!(out, [], "nothing to close");
    }
}
