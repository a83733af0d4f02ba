//! A brain's way back: from a snapshot, or from the session's start, through the rest of its
//! journal, with every record compared.

use crate::Failure;
use crate::brain::last_seq;
use crate::door::{Carrier, Door};
use crate::recorder::{Expected, Recorder};
use crate::sequencer::{Sequenced, Sequencer};
use aegis_backtest::step_again;
use aegis_driver::{Driver, Fault, Observer};
use aegis_engine::Brain;
use aegis_journal::Source;
use aegis_types::{Event, EventBody};

/// Who watches a recovery: the recorder, or somebody around it.
pub trait Watching: Observer<Error = Failure> {
    /// What holds the journal.
    fn recorder(&mut self) -> &mut Recorder;
}

impl Watching for Recorder {
    fn recorder(&mut self) -> &mut Recorder {
        self
    }
}

/// What of a brain follows from its journal.
pub struct Recovery<'a, C, B, W = Recorder> {
    /// Engine and venue.
    pub driver: &'a mut Driver<Door<C>, B>,
    /// The venue's first words, until they are said.
    pub initial: &'a mut Option<Vec<EventBody>>,
    /// Holds what the journal has against what is made again.
    pub recorder: &'a mut W,
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

impl<C: Carrier, B: Brain, W: Watching> Recovery<'_, C, B, W> {
    /// Steps through what the journal still holds; `each` is told every input before it is taken.
    ///
    /// # Errors
    /// When the journal cannot be read, or differs from what this program makes of its inputs.
    pub fn run(&mut self, mut each: impl FnMut(&EventBody)) -> Result<Recovered, Failure> {
        let mut done = Recovered::default();
        while let Some(expected) = self.recorder.recorder().next_input()? {
            let event = decode(&expected)?;
            self.recorder.recorder().from_journal(expected.source);
            self.take_place(&expected, &event)?;
            if let Some(initial) = self.initial.take() {
                self.driver.start(event.at, &initial, self.recorder)?;
            }
            if let Door::Wire(wired) = self.driver.venue_mut() {
                wired.past(&event.body);
            }
            each(&event.body);
            done.epoch = done.epoch.max(expected.source.epoch);
            let timers = self.recorder.recorder().expected_timers();
            step_again(self.driver, &event, timers, self.recorder)?;
            sound(self.driver.fault())?;
            done.inputs += 1;
        }
        self.last_timers()?;
        self.recorder.recorder().flush()?;
        Ok(done)
    }

    /// A journal may end with timers, and with what they have caused, when its writer died before
    /// the next input. Orders among that have left: they are part of the past, and the client has
    /// to find out what became of them. It must not be given them as new ones.
    fn last_timers(&mut self) -> Result<(), Failure> {
        let Some((timers, last)) = self.recorder.recorder().last_timers() else { return Ok(()) };
        let at = decode(&last)?.at;
        self.recorder.recorder().from_journal(Source::default());
        self.driver.advance_some(at, timers, self.recorder)?;
        sound(self.driver.fault())
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
