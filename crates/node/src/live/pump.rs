//! The pump of a live source: one thread, non-blocking sockets, everything that decides elsewhere.

use super::channel::{Channel, Turn};
use super::course::{Course, Errand, Sink};
use super::plan::plan;
use super::rest::{Outcome, Rest};
use super::sockets::{Place, Wish};
use super::{LiveReport, Source};
use crate::{Failure, clock};
use aegis_ring::Writer;
use aegis_types::{Nanos, SymbolTable, Tick};
use aegis_venue::client::link::Tls;
use aegis_wire::urls::Urls;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};

/// Connections that one call waits for.
const WAITED: usize = 32;
/// While a connection is opened by its own thread, it is looked at so often.
const OPENING: Nanos = Nanos(2_000_000);

impl Sink for Writer {
    #[inline]
    fn publish(&mut self, tick: &Tick) {
        Self::publish(self, &tick.to_words());
    }

    fn room(&self, ahead: u64) -> u64 {
        if self.gate_lifted() {
            return u64::MAX;
        }
        ahead.saturating_sub(self.published().saturating_sub(self.gate()))
    }
}

/// A live source at work.
pub struct Live {
    course: Course,
    channels: Vec<[Option<Channel>; 2]>,
    tls: Tls,
    rest: Rest<Errand>,
    idle: OwnedFd,
    outcomes: Vec<(Errand, Outcome)>,
}

impl Live {
    /// A source at the beginning. `since_ms` replaces the beginning of its past: a successor has to
    /// tell only what its predecessor did not.
    ///
    /// # Errors
    /// When an address is wrong or the system gives no event descriptor.
    pub fn new(
        source: &Source,
        symbols: &SymbolTable,
        since_ms: Option<i64>,
        slots: usize,
    ) -> Result<Self, Failure> {
        let wrong = |e| Failure::usage(format!("{}: {e}", source.rest), "check the address");
        let tls = Tls::new().map_err(|e| Failure::failed(e.to_string(), ""))?;
        let urls = Urls {
            rest: source.rest.clone(),
            streams: source.stream_base.clone(),
            ws_api: String::new(),
            weight_minute: source.weight_minute,
        };
        let shards = plan(&urls, symbols, source.streams);
        if 2 * shards.len() + 4 > WAITED {
            let what = format!("{} connections are more than one thread waits for", shards.len());
            return Err(Failure::usage(what, "name fewer symbols"));
        }
        let idle = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Failure::failed(format!("no event descriptor: {e}"), ""))?;
        let begins = (clock::monotonic(), clock::wall().0.unsigned_abs());
        Ok(Self {
            channels: shards.iter().map(|_| [None, None]).collect(),
            course: Course::new(source, symbols, shards, since_ms, slots, begins),
            rest: Rest::new(&source.rest, source.weight_minute, tls.clone()).map_err(wrong)?,
            tls,
            idle,
            outcomes: Vec::with_capacity(8),
        })
    }

    /// Is the past told and do the streams follow?
    pub fn is_live(&self) -> bool {
        self.course.is_live()
    }

    /// Messages taken from the streams.
    pub const fn frames(&self) -> u64 {
        self.course.intake().counts().frames
    }

    /// Counters and reasons, for the report.
    pub fn report(&self) -> LiveReport {
        LiveReport { requests: self.rest.asked(), ..self.course.report() }
    }

    /// What the firewall refused.
    pub const fn refusals(&self) -> &aegis_data::Refusals {
        self.course.intake().refusals()
    }

    /// One turn: waits for something to do, `patience` at most, and does it.
    pub fn turn(&mut self, ring: &mut Writer, patience: Nanos) {
        let before = ring.published();
        let ready = self.wait(patience);
        let now = clock::monotonic();
        self.course.look(now);
        self.wishes(ring, now);
        self.channels(ring, ready);
        if ring.published() != before {
            // A sleeping reader is woken before anything else is done.
            ring.flush();
        }
        self.rest(ring);
        let now = clock::monotonic();
        self.course.turn(now, ring);
        self.ask(now);
        self.wishes(ring, now);
        if ring.published() != before {
            ring.flush();
        }
    }

    /// Waits for a connection. Which channels have something: bit `2 × slot + place`.
    fn wait(&self, patience: Nanos) -> u64 {
        let mut fds: [PollFd<'_>; WAITED] = std::array::from_fn(|_| {
            PollFd::from_borrowed_fd(self.idle.as_fd(), PollFlags::empty())
        });
        let mut bits = [0u8; WAITED];
        let (mut count, mut dialing) = (0, self.rest.is_dialing());
        for (n, channel) in self.channels.iter().flatten().enumerate() {
            let Some(channel) = channel else { continue };
            match channel.poll_fd() {
                Some(fd) => {
                    (fds[count], bits[count]) = (fd, n as u8);
                    count += 1;
                }
                None => dialing = true,
            }
        }
        let more = |channel: &Channel| channel.has_more();
        if self.channels.iter().flatten().flatten().any(more) {
            return u64::MAX;
        }
        let channels = count;
        for fd in self.rest.poll_fds() {
            fds[count] = fd;
            count += 1;
        }
        let now = clock::monotonic();
        let mut span = if dialing { patience.min(OPENING) } else { patience };
        if let Some(due) = self.course.due() {
            span = span.min(due.since(now).max(Nanos::ZERO));
        }
        if self.course.tells_past() {
            // The reader makes room without a word.
            span = span.min(OPENING);
        }
        let timeout =
            Timespec { tv_sec: span.0 / Nanos::SECOND.0, tv_nsec: span.0 % Nanos::SECOND.0 };
        if poll(&mut fds[..count], Some(&timeout)).is_err() {
            return u64::MAX;
        }
        let ready = fds[..channels].iter().zip(bits).filter(|(fd, _)| !fd.revents().is_empty());
        ready.fold(0, |all, (_, bit)| all | 1 << bit)
    }

    /// Opens and closes connections as the machine wishes.
    fn wishes(&mut self, ring: &mut Writer, now: Nanos) {
        // Opening may fail at once, which is a wish more.
        while let Some(wish) = self.course.next_wish(now, ring) {
            match wish {
                Wish::Open(at) => {
                    let shard = &self.course.shards()[at.slot];
                    match Channel::open(&shard.url, &shard.subscribe, &self.tls, now) {
                        Ok(channel) => self.channels[at.slot][at.place] = Some(channel),
                        Err(why) => self.ended(at, &why, now),
                    }
                }
                Wish::Close(at) => self.channels[at.slot][at.place] = None,
                // What these mean, the machine does by itself.
                Wish::Lost(_) | Wish::Back(_) => {}
            }
        }
    }

    fn ended(&mut self, at: Place, why: &str, now: Nanos) {
        self.channels[at.slot][at.place] = None;
        self.course.ended(at, why, now);
    }

    fn channels(&mut self, ring: &mut Writer, ready: u64) {
        for slot in 0..self.channels.len() {
            for place in 0..2 {
                let Some(channel) = &mut self.channels[slot][place] else { continue };
                if channel.poll_fd().is_some() && ready & 1 << (2 * slot + place) == 0 {
                    continue;
                }
                let (intake, asks) = self.course.ears();
                let mut turn = channel.turn(intake, ring, asks);
                let at = Place { slot, place };
                let now = clock::monotonic();
                if turn == Turn::Opened {
                    self.course.opened(at, now);
                    // What came with the handshake.
                    let (intake, asks) = self.course.ears();
                    turn = channel.turn(intake, ring, asks);
                }
                match turn {
                    Turn::Quiet | Turn::Opened => {}
                    Turn::Data => self.course.data(at, now),
                    Turn::Ended(why) => self.ended(at, &why, now),
                }
                self.wishes(ring, now);
            }
        }
        self.course.take_asks(clock::monotonic());
    }

    fn rest(&mut self, ring: &mut Writer) {
        let now = clock::monotonic();
        let mut outcomes = std::mem::take(&mut self.outcomes);
        self.rest.step(now, clock::wall(), &mut outcomes);
        for (errand, outcome) in outcomes.drain(..) {
            match outcome {
                Outcome::Answer(answer) => {
                    self.course.answered(errand, answer.status, &answer.body, ring, now);
                }
                Outcome::Lost(why) => self.course.lost(errand, &why, now),
            }
        }
        self.outcomes = outcomes;
    }

    /// Asks what is to be asked, as far as there is room.
    fn ask(&mut self, now: Nanos) {
        while self.rest.has_room()
            && let Some(question) = self.course.next_question(now)
        {
            self.rest.ask(question.errand, question.path, question.weight);
        }
    }
}
