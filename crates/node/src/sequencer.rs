//! Step machine: puts ring facts and operators' commands into one order with one time.
//!
//! A fact that was taken already is dropped, so a successor feed may start early; a hole is never
//! passed over in silence. Time never goes back: an operator's command takes the time of the newest
//! fact.

use aegis_types::{EventBody, Nanos, Operator, Tick};
use serde::{Deserialize, Serialize};

/// What the sequencer makes of a ring fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sequenced {
    /// The next input of the engine.
    Input {
        /// Its time.
        at: Nanos,
        /// What happened.
        body: EventBody,
    },
    /// Taken before; nothing to do.
    Duplicate,
    /// Facts are missing before this one.
    Hole {
        /// How many.
        missing: u64,
    },
    /// The source has ended.
    End,
}

/// Order and time of the engine's inputs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sequencer {
    next_position: u64,
    now: Nanos,
}

impl Sequencer {
    /// Continues at a source position (0 for a new session) and a time.
    pub const fn new(next_position: u64, now: Nanos) -> Self {
        Self { next_position, now }
    }

    /// Position in the source of the next fact.
    pub const fn next_position(&self) -> u64 {
        self.next_position
    }

    /// A fact of a recorded source at its position.
    pub fn fact(&mut self, position: u64, tick: Tick) -> Sequenced {
        if position < self.next_position {
            return Sequenced::Duplicate;
        }
        if position > self.next_position {
            return Sequenced::Hole { missing: position - self.next_position };
        }
        self.next_position += 1;
        if tick.body == aegis_types::TickBody::End {
            return Sequenced::End;
        }
        self.now = self.now.max(tick.at);
        Sequenced::Input { at: self.now, body: EventBody::Market(Tick { received_us: 0, ..tick }) }
    }

    /// An operator's command.
    pub const fn operator(&self, what: Operator) -> (Nanos, EventBody) {
        (self.now, EventBody::Operator(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Px, SymbolId, TickBody};

    fn open(at: i64) -> Tick {
        Tick {
            symbol: SymbolId(0),
            derived: false,
            at: Nanos(at),
            received_us: 9,
            body: TickBody::Open { px: Px::whole(1), funding: None },
        }
    }

    #[test]
    fn duplicates_are_dropped_and_holes_are_said() {
        let mut s = Sequencer::new(5, Nanos::ZERO);
        assert_eq!(s.fact(4, open(1)), Sequenced::Duplicate);
        assert_eq!(s.fact(7, open(1)), Sequenced::Hole { missing: 2 });
        assert!(matches!(s.fact(5, open(1)), Sequenced::Input { at: Nanos(1), .. }));
        assert_eq!(s.next_position(), 6);
    }

    #[test]
    fn time_never_goes_back_and_stamps_are_cleared() {
        let mut s = Sequencer::new(0, Nanos::ZERO);
        s.fact(0, open(50));
        let Sequenced::Input { at, body: EventBody::Market(tick) } = s.fact(1, open(40)) else {
            panic!("an input")
        };
        assert_eq!((at, tick.at, tick.received_us), (Nanos(50), Nanos(40), 0));
        assert_eq!(s.operator(Operator::Pause).0, Nanos(50));
    }
}
