//! A brain's way back: from a snapshot, or from the session's start, through the rest of its
//! journal, with every record compared.

use crate::Failure;
use crate::brain::last_seq;
use crate::door::{Carrier, Door};
use crate::recorder::{Expected, Recorder};
use crate::sequencer::{Sequenced, Sequencer};
use aegis_backtest::step_again;
use aegis_driver::{Driver, Fault};
use aegis_engine::Brain;
use aegis_types::{Event, EventBody};

/// What of a brain follows from its journal.
pub struct Recovery<'a, C, B> {
    /// Engine and venue.
    pub driver: &'a mut Driver<Door<C>, B>,
    /// The venue's first words, until they are said.
    pub initial: &'a mut Option<Vec<EventBody>>,
    /// Holds what the journal has against what is made again.
    pub recorder: &'a mut Recorder,
    /// Order and time of the inputs.
    pub sequencer: &'a mut Sequencer,
}

/// What a recovery has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Inputs that were stepped through.
    pub inputs: u64,
    /// The newest epoch of a ring in them.
    pub epoch: u64,
}

impl<C: Carrier, B: Brain> Recovery<'_, C, B> {
    /// Steps through what the journal still holds; `each` is told every input before it is taken.
    ///
    /// # Errors
    /// When the journal cannot be read, or differs from what this program makes of its inputs.
    pub fn run(&mut self, mut each: impl FnMut(&EventBody)) -> Result<Recovered, Failure> {
        let mut done = Recovered::default();
        while let Some(expected) = self.recorder.next_input()? {
            let event = decode(&expected)?;
            self.recorder.from_journal(expected.source);
            self.take_place(&expected, &event)?;
            if let Some(initial) = self.initial.take() {
                self.driver.start(event.at, &initial, self.recorder)?;
            }
            if let Door::Wire(wired) = self.driver.venue_mut() {
                wired.past(&event.body);
            }
            each(&event.body);
            done.epoch = done.epoch.max(expected.source.epoch);
            let timers = self.recorder.expected_timers();
            step_again(self.driver, &event, timers, self.recorder)?;
            sound(self.driver.fault())?;
            done.inputs += 1;
        }
        self.recorder.flush()?;
        Ok(done)
    }

    /// A market fact has its place in the source.
    fn take_place(&mut self, expected: &Expected, event: &Event) -> Result<(), Failure> {
        let EventBody::Market(tick) = event.body else { return Ok(()) };
        let taken = self.sequencer.fact(expected.source.position, tick);
        if matches!(taken, Sequenced::Input { .. }) {
            return Ok(());
        }
        Err(Failure::failed(
            format!(
                "journal record {} is out of its place: source position {}, {} was next",
                expected.number,
                expected.source.position,
                self.sequencer.next_position()
            ),
            "the journal is damaged; start a new session",
        ))
    }
}

fn decode(expected: &Expected) -> Result<Event, Failure> {
    Event::decode(&expected.payload).map_err(|e| {
        Failure::failed(
            format!("journal record {} cannot be read: {e}", expected.number),
            "it was written by another version; finish the session with that version",
        )
    })
}

/// No bound of a driver was passed.
///
/// # Errors
/// Which was.
pub fn sound(fault: Option<Fault>) -> Result<(), Failure> {
    match fault {
        None => Ok(()),
        Some(fault) => Err(Failure::failed(
            format!("event {}: {fault}", last_seq()),
            "report it with the journal; positions keep their protective stops",
        )),
    }
}
