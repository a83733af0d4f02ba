//! The driver's observer in the brain: checks against, or appends to, the journal; counts; tells.
//!
//! After a restart the journal still holds what the last brain did. While expected records are
//! left, everything the driver does must equal the next of them, byte for byte; from then on
//! records are appended. So a crash between two records of one input is finished, not repeated.

use crate::bus::{Bus, Noticed};
use crate::door::{Handed, LEAVING_MAX};
use crate::latency::Histogram;
use crate::protocol::{JournalReport, OrderOutcomes};
use crate::{Failure, clock, narrate};
use aegis_backtest::{Execution, Session, Tally, event_kind, is_input};
use aegis_driver::Observer;
use aegis_journal::snapshot::Ticket;
use aegis_journal::{JournalError, Kind, Reader, Source, Space, Writer};
use aegis_types::defect::{self, Defect};
use aegis_types::{Alert, Cause, ClientOrderId, Command, Condition, Event, Nanos, Notice};
use std::collections::VecDeque;

/// How often a full disk is asked whether there is space again.
const LOOK_EVERY: Nanos = Nanos(1_000_000_000);

/// Most lines of news kept for the view.
const NEWS_MAX: usize = 12;

/// A journal record that was written before this brain started.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Its number in the journal.
    pub number: u64,
    /// Its kind.
    pub kind: Kind,
    /// Where a market event came from.
    pub source: Source,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Observes the driver of a brain.
pub struct Recorder {
    writer: Writer,
    reader: Option<Reader>,
    ahead: VecDeque<Expected>,
    source: Source,
    stamp_us: Option<u32>,
    tally: Tally,
    session: Session,
    bus: Bus,
    delays: Histogram,
    /// Orders on their way to the kernel, with the feed's stamp on the fact that caused them.
    leaving: Vec<(ClientOrderId, u32)>,
    news: VecDeque<String>,
    /// What people have to know, and was not handed on yet.
    alerts: Vec<Alert>,
    pending: u32,
    /// When it was last looked for space on a full disk.
    looked: Nanos,
}

fn journal_failure(error: &JournalError) -> Failure {
    Failure::failed(error.to_string(), "")
}

impl Recorder {
    /// Observes from the start of a journal (`reader` over what is already there, or `None`).
    pub fn new(session: &Session, writer: Writer, reader: Option<Reader>, bus: Bus) -> Self {
        Self {
            writer,
            reader,
            ahead: VecDeque::new(),
            source: Source::default(),
            stamp_us: None,
            tally: Tally::new(session),
            session: session.clone(),
            bus,
            delays: Histogram::new(),
            leaving: Vec::with_capacity(LEAVING_MAX),
            news: VecDeque::new(),
            alerts: Vec::new(),
            pending: 0,
            looked: Nanos::ZERO,
        }
    }

    /// Counts from here on behind what a snapshot has counted.
    pub const fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// The news that were told before a snapshot.
    pub fn restore_news(&mut self, news: Vec<String>) {
        self.news = news.into();
    }

    /// The next input (market event or operator's command) that the journal holds, or `None` when
    /// recovery is complete. Timer records before it stay expected.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_input(&mut self) -> Result<Option<Expected>, Failure> {
        let execution = self.session.execution;
        let is_input = |e: &Expected| is_input(e.kind, execution);
        loop {
            if let Some(input) = self.ahead.iter().find(|e| is_input(e)) {
                return Ok(Some(input.clone()));
            }
            match self.read_ahead()? {
                Some(expected) => self.ahead.push_back(expected),
                None => return Ok(None),
            }
        }
    }

    /// How many timers the journal has before its next input.
    pub fn expected_timers(&self) -> usize {
        let execution = self.session.execution;
        let before = self.ahead.iter().take_while(|e| !is_input(e.kind, execution));
        before.filter(|e| e.kind == Kind::Timer).count()
    }

    /// The timers that the journal has behind its last input, which were not made again yet: how
    /// many, and the last of them.
    pub fn last_timers(&self) -> Option<(usize, Expected)> {
        let timers = || self.ahead.iter().filter(|e| e.kind == Kind::Timer);
        timers().next_back().map(|last| (timers().count(), last.clone()))
    }

    fn read_ahead(&mut self) -> Result<Option<Expected>, Failure> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        while let Some(record) = reader.next().map_err(|e| journal_failure(&e))? {
            if matches!(record.kind, Kind::Header | Kind::Node) {
                continue;
            }
            return Ok(Some(Expected {
                number: record.number,
                kind: record.kind,
                source: record.source,
                payload: record.payload.to_vec(),
            }));
        }
        self.reader = None;
        Ok(None)
    }

    /// Checks against the next expected record, or appends. Returns whether it was appended.
    fn record(&mut self, kind: Kind, source: Source, payload: &[u8]) -> Result<bool, Failure> {
        let expected = match self.ahead.pop_front() {
            Some(expected) => Some(expected),
            None => self.read_ahead()?,
        };
        let Some(expected) = expected else {
            self.writer.append(kind, source, payload).map_err(|e| journal_failure(&e))?;
            self.pending += 1;
            return Ok(true);
        };
        if expected.kind == kind && expected.payload == payload {
            return Ok(false);
        }
        Err(Failure::failed(
            format!(
                "recovery differs from the journal at record {}: the journal has {:?} of {} bytes, \
                 this program makes {kind:?} of {} bytes",
                expected.number,
                expected.kind,
                expected.payload.len(),
                payload.len()
            ),
            "the journal was written by another version or with other settings; use that version \
             to finish the session, or start a new one",
        ))
    }

    /// Says where the next market event comes from, and the feed's stamp on it.
    pub fn from_ring(&mut self, source: Source, stamp_us: u32) {
        self.source = source;
        self.stamp_us = Some(stamp_us);
    }

    /// Says that the next input does not come from the ring now (recovery, operator).
    pub fn from_journal(&mut self, source: Source) {
        self.source = source;
        self.stamp_us = None;
    }

    /// Appends a record of the node itself: restarts and the like, outside the engine's input.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn node(&mut self, what: &serde_json::Value) -> Result<(), Failure> {
        self.writer
            .append(Kind::Node, Source::default(), what.to_string().as_bytes())
            .and_then(|_| self.writer.flush())
            .map_err(|e| journal_failure(&e))
    }

    /// Hands what is buffered to the journal's file. Returns whether there was anything.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn flush(&mut self) -> Result<bool, Failure> {
        let any = self.pending > 0;
        self.pending = 0;
        self.writer.flush().map_err(|e| journal_failure(&e))?;
        Ok(any)
    }

    /// What there is to say when the disk under the journal is full, so that nothing but what
    /// closes positions may be caused any more: the condition that holds. While it does, this looks
    /// once in a while whether there is space again.
    pub fn storage(&mut self, now: Nanos) -> Option<Condition> {
        if self.writer.space() == Space::Plenty {
            return None;
        }
        if now.since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            if self.writer.reclaim() == Space::Plenty {
                return None;
            }
        }
        let (free, wanted) = self.writer.free();
        let mib = |bytes: u64| i64::try_from(bytes >> 20).unwrap_or(i64::MAX);
        let (measured, limit) = (mib(free), mib(wanted));
        Some(Condition { cause: Cause::Storage, on: true, measured, limit })
    }

    /// Is everything that the journal held before this brain made again?
    pub fn caught_up(&self) -> bool {
        self.reader.is_none() && self.ahead.is_empty()
    }

    /// Closes the journal, which gives its reserved space back.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn close(self) -> Result<(), Failure> {
        self.writer.close().map_err(|e| journal_failure(&e))
    }

    /// Records that wait for the next flush.
    pub const fn pending(&self) -> u32 {
        self.pending
    }

    /// Counts so far.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The kernel has an order: ends the delay of one that a fact of the ring has caused.
    pub fn handed(&mut self, order: Handed) {
        let at = self.leaving.iter().position(|(id, _)| *id == order.id);
        if let Some(at) = at {
            let (_, stamp_us) = self.leaving.swap_remove(at);
            self.delays.record(order.at_us.wrapping_sub(stamp_us));
        }
    }

    /// Delays from the feed's stamp to an order that the exchange's side has: on the wire the
    /// kernel, behind the write; otherwise the simulated exchange.
    pub const fn delays(&self) -> &Histogram {
        &self.delays
    }

    /// Orders by outcome.
    pub fn orders(&self) -> OrderOutcomes {
        let of_run = self.tally.order_outcomes();
        let (sent, accepted) = (of_run.sent, of_run.accepted);
        OrderOutcomes {
            sent,
            accepted,
            filled: of_run.filled,
            rejected: of_run.rejected,
            unknown: of_run.unknown,
            success_rate: if sent > 0 { accepted as f64 / sent as f64 } else { 1.0 },
        }
    }

    /// The newest news, oldest first.
    pub fn news(&self) -> Vec<String> {
        self.news.iter().cloned().collect()
    }

    /// Records in the journal.
    pub fn records(&self) -> u64 {
        self.writer.records()
    }

    /// Alerts since the last call.
    pub fn drain_alerts(&mut self) -> impl Iterator<Item = Alert> + '_ {
        self.alerts.drain(..)
    }

    /// The journal's volume. What a snapshot has seen is not known here.
    pub fn volume(&self) -> JournalReport {
        let (records, bytes) = (self.writer.records(), self.writer.bytes());
        let days = self.tally.span().0 as f64 / Nanos::DAY.0 as f64;
        let bytes_per_day = if days > 0.0 { (bytes as f64 / days) as u64 } else { 0 };
        JournalReport { records, bytes, bytes_per_day, last_snapshot_record: 0 }
    }

    /// The journal's present segment.
    pub const fn segment(&self) -> u64 {
        self.writer.segment()
    }

    /// A snapshot of what the records so far have made, to be written elsewhere.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn snapshot_here(&mut self, layout: u32) -> Result<Ticket, Failure> {
        self.pending = 0;
        self.writer.snapshot_here(layout).map_err(|e| journal_failure(&e))
    }

    /// The bus, to close it at the end.
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }
}

impl Observer for Recorder {
    type Error = Failure;

    fn event(&mut self, event: &Event) -> Result<(), Failure> {
        let kind = event_kind(event);
        let source = if kind == Kind::Market { self.source } else { Source::default() };
        self.record(kind, source, event.encode().as_bytes())?;
        self.tally.event(event);
        crate::brain::note_seq(event.seq);
        Ok(())
    }

    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Failure> {
        let appended =
            self.record(Kind::Command, Source::default(), command.encode(at).as_bytes())?;
        let durable = !defect::on(Defect::SendBeforeJournal);
        if appended && durable && !matches!(command, Command::WakeAt { .. }) {
            // A money event: it, and everything before it, is in the file before its effect leaves.
            self.flush()?;
        }
        self.tally.command(at, command);
        if let (Command::Submit { order }, Some(stamp)) = (command, self.stamp_us) {
            match self.session.execution {
                Execution::Simulated => self.delays.record(clock::stamp_us().wrapping_sub(stamp)),
                Execution::Wire => {
                    if self.leaving.len() >= LEAVING_MAX {
                        // The oldest never left, or it would have been told.
                        self.leaving.remove(0);
                    }
                    self.leaving.push((order.id, stamp));
                }
            }
        }
        Ok(())
    }

    fn notice(&mut self, at: Nanos, seq: u64, notice: &Notice) {
        self.tally.notice(at, notice);
        if let Some(line) = narrate::line(notice, &self.session.symbols) {
            if self.caught_up() {
                tracing::info!(seq, time = %at.utc(), "{line}");
            }
            if self.news.len() >= NEWS_MAX {
                self.news.pop_front();
            }
            self.news.push_back(format!("{}  {line}", at.utc()));
        }
        if let Notice::Alert(alert) = notice
            && self.caught_up()
        {
            self.alerts.push(*alert);
        }
        self.bus.publish(Noticed { at, seq, notice: *notice });
    }
}
