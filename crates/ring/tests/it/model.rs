//! The protocol under every interleaving that loom explores.
//!
//! What is compiled here are the crate's own `slot.rs`, `bell.rs` and `gate.rs`, with loom's
//! atomics in place of the standard library's. loom models C11 orderings and fences. It treats
//! `SeqCst` loads and stores as acquire and release (the protocol uses none, only fences), takes
//! some orders for equal that are not (it remembers one earlier access a word), and does not
//! model read-only mappings, futexes or the death of a process, which `processes` covers. The
//! futex is stood in for by a mutex, as the kernel's own bucket lock does.
//!
//! Each promise has a twin in which one ordering is taken away and loom must find the fault:
//! the model can fail.

mod atomics {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}
#[path = "../../src/bell.rs"]
mod bell;
#[path = "../../src/gate.rs"]
mod gate;
#[path = "../../src/slot.rs"]
mod slot;

use atomics::{AtomicU32, AtomicU64, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use slot::{Slot, SlotRead};

/// Explores with a bound on forced switches, which keeps the search to a second.
fn explore(switches: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(switches);
    builder.check(model);
}

/// Runs a model that must fail, quietly.
fn finds_a_fault(switches: usize, model: impl Fn() + Sync + Send + 'static) -> bool {
    let run = move || explore(switches, model);
    std::thread::spawn(run).join().is_err()
}

const fn words(seq: u64) -> [u64; 2] {
    [seq + 10, seq + 20]
}

/// One reader polls a slot while its writer laps it: whole messages or none.
fn lapped_reader(write: impl Fn(&Slot<2>, u64) + Clone + Send + Sync + 'static) {
    let slot = Arc::new(Slot::<2>::new());
    let writing = {
        let (slot, write) = (Arc::clone(&slot), write);
        thread::spawn(move || {
            for seq in 0..2 {
                write(&slot, seq);
            }
        })
    };
    let mut next = 0;
    for _ in 0..2 {
        let mut out = [0; 2];
        match slot.read(next, &mut out) {
            SlotRead::Message => {
                assert_eq!(out, words(next), "torn");
                next += 1;
            }
            SlotRead::Empty => assert_eq!(out, [0; 2]),
            SlotRead::Overrun { published } => {
                assert!(published == 1 || published == 2, "published {published}");
                next = 1;
            }
        }
    }
    writing.join().unwrap();
    let mut out = [0; 2];
    if next < 2 {
        let last = slot.read(next, &mut out);
        let expected =
            if next == 1 { SlotRead::Message } else { SlotRead::Overrun { published: 2 } };
        assert_eq!(last, expected, "a complete message is there for whoever wants it");
    }
}

#[test]
fn a_lapped_reader_never_sees_a_torn_message() {
    explore(3, || lapped_reader(|slot, seq| slot.write(seq, &words(seq))));
}

#[test]
fn without_the_odd_mark_the_model_sees_a_tear() {
    // Stamp and payload as a slot writes them, but with the odd mark left out.
    let tears = finds_a_fault(3, || {
        let stamp = Arc::new(AtomicU64::new(2));
        let payload = Arc::new([AtomicU64::new(10), AtomicU64::new(20)]);
        let writing = {
            let (stamp, payload) = (Arc::clone(&stamp), Arc::clone(&payload));
            thread::spawn(move || {
                atomics::fence(Ordering::Release);
                payload[0].store(11, Ordering::Relaxed);
                payload[1].store(21, Ordering::Relaxed);
                stamp.store(4, Ordering::Release);
            })
        };
        if stamp.load(Ordering::Acquire) == 2 {
            let seen = [payload[0].load(Ordering::Relaxed), payload[1].load(Ordering::Relaxed)];
            atomics::fence(Ordering::Acquire);
            if stamp.load(Ordering::Relaxed) == 2 {
                assert_eq!(seen, words(0));
            }
        }
        writing.join().unwrap();
    });
    assert!(tears);
}

/// A ring of one slot whose writer keeps to the gate: it may overwrite only what is consumed.
fn gated_ring(advance: fn(&mut u64, &AtomicU64, u64)) {
    struct Shared {
        slot: Slot<1>,
        progress: AtomicU64,
        lifted: AtomicU64,
    }
    let shared = Arc::new(Shared {
        slot: Slot::new(),
        progress: AtomicU64::new(0),
        lifted: AtomicU64::new(0),
    });
    let writing = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let mut published = 0;
            for _ in 0..3 {
                if published < gate::limit(&shared.progress, &shared.lifted, published, 1) {
                    shared.slot.write(published, &[published + 10]);
                    published += 1;
                } else {
                    thread::yield_now();
                }
            }
            published
        })
    };
    let (mut next, mut mine) = (0, 0);
    for _ in 0..3 {
        let mut out = [0];
        match shared.slot.read(next, &mut out) {
            SlotRead::Message => {
                assert_eq!(out, [next + 10]);
                next += 1;
                advance(&mut mine, &shared.progress, next);
            }
            SlotRead::Empty => thread::yield_now(),
            SlotRead::Overrun { .. } => panic!("lost a message behind the gate"),
        }
    }
    let published = writing.join().unwrap();
    assert!(next <= published && published <= next + 1);
}

#[test]
fn the_gate_loses_nothing() {
    explore(3, || gated_ring(gate::advance));
}

#[test]
fn a_gate_that_advances_too_early_is_caught() {
    let caught = finds_a_fault(3, || {
        gated_ring(|mine, progress, seq| gate::advance(mine, progress, seq + 1))
    });
    assert!(caught);
}

#[test]
fn a_lifted_gate_lets_the_writer_go() {
    explore(3, || {
        let (progress, lifted) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
        let lifting = {
            let lifted = Arc::clone(&lifted);
            thread::spawn(move || gate::lift(&lifted))
        };
        let limit = gate::limit(&progress, &lifted, 7, 4);
        assert!(limit == 4 || limit == u64::MAX);
        lifting.join().unwrap();
        assert_eq!(gate::limit(&progress, &lifted, 7, 4), u64::MAX);
    });
}

/// The words of the bell, and the kernel's list of sleepers.
struct Bell {
    slot: Slot<1>,
    generation: AtomicU64,
    futex: AtomicU32,
    asked: AtomicU64,
    asleep: Mutex<u32>,
}

impl Bell {
    fn new() -> Self {
        Self {
            slot: Slot::new(),
            generation: AtomicU64::new(0),
            futex: AtomicU32::new(0),
            asked: AtomicU64::new(0),
            asleep: Mutex::new(0),
        }
    }

    /// `FUTEX_WAIT`: compares under the lock that a wake takes.
    fn futex_wait(&self, expected: u32) {
        let mut asleep = self.asleep.lock().unwrap();
        if self.futex.load(Ordering::Relaxed) == expected {
            *asleep += 1;
        }
    }

    fn sleep_unless_there(&self, seq: u64) {
        let generation = bell::ask(&self.generation, &self.asked);
        if !self.slot.holds(seq) {
            self.futex_wait(bell::low_half(generation));
        }
    }

    fn flush(&self, current: &mut u64) {
        if bell::answer(current, &self.generation, &self.futex, &self.asked) {
            *self.asleep.lock().unwrap() = 0;
        }
    }
}

/// Readers go to sleep while messages are published and flushed: afterwards nobody who wants a
/// published message may be asleep.
fn nobody_sleeps_through(readers: usize, messages: u64) {
    let bell = Arc::new(Bell::new());
    let threads: Vec<_> = (0..readers)
        .map(|_| {
            let bell = Arc::clone(&bell);
            thread::spawn(move || bell.sleep_unless_there(messages - 1))
        })
        .collect();
    let mut current = 0;
    for seq in 0..messages {
        bell.slot.write(seq, &[seq]);
        bell.flush(&mut current);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*bell.asleep.lock().unwrap(), 0, "asleep beside a published message");
}

#[test]
fn no_wake_is_lost() {
    explore(3, || nobody_sleeps_through(1, 1));
    explore(3, || nobody_sleeps_through(1, 2));
    explore(2, || nobody_sleeps_through(2, 2));
}

#[test]
fn without_the_fences_the_model_sees_a_lost_wake() {
    let lost = finds_a_fault(3, || {
        let bell = Arc::new(Bell::new());
        let reading = {
            let bell = Arc::clone(&bell);
            thread::spawn(move || {
                let generation = bell.generation.load(Ordering::Acquire);
                bell.asked.fetch_max(generation + 1, Ordering::AcqRel);
                if !bell.slot.holds(0) {
                    bell.futex_wait(bell::low_half(generation));
                }
            })
        };
        bell.slot.write(0, &[0]);
        if bell.asked.load(Ordering::Relaxed) > 0 {
            bell.generation.store(1, Ordering::Release);
            bell.futex.store(1, Ordering::Release);
            *bell.asleep.lock().unwrap() = 0;
        }
        reading.join().unwrap();
        assert_eq!(*bell.asleep.lock().unwrap(), 0);
    });
    assert!(lost);
}

#[test]
fn a_dead_waiter_costs_one_wake() {
    explore(1, || {
        let bell = Bell::new();
        bell::ask(&bell.generation, &bell.asked);
        let mut current = 0;
        let mut wakes = 0;
        for _ in 0..5 {
            let (generation, futex) = (&bell.generation, &bell.futex);
            wakes += u32::from(bell::answer(&mut current, generation, futex, &bell.asked));
        }
        assert_eq!(wakes, 1);
    });
}
