//! The orchestrator and its kill switch: what is told, what is killed, what is said in the end.

use super::{Orchestrator, Stopping, TICK, Waiting};
use crate::alerts::NodeAlert;
use crate::control::Asked;
use crate::emergency::{By, Emergency, Killed, Told};
use crate::protocol::Signals;
use crate::supervisor::Child;
use aegis_types::{Nanos, Operator};
use serde_json::{Value, json};
use std::sync::mpsc::Sender;

impl Orchestrator {
    /// The kill switch says what it does.
    pub(super) fn kill_told(&mut self, told: Told) {
        match told {
            Told::Begun { by, flatten } => {
                self.killing = true;
                let what = if flatten { "entries and positions" } else { "entries" };
                self.desk.tell(NodeAlert::KillSwitch, format!("kill switch ({by:?}): {what}"));
                self.options.view = None;
            }
            Told::Done(killed) => self.killed = Some(killed),
        }
    }

    /// Is there a reason to stop that the kill switch gives?
    pub(super) fn kill_done(&mut self) -> Option<Stopping> {
        if !self.emergency.is_alive() && !self.switch_gone {
            self.switch_gone = true;
            self.desk.tell(NodeAlert::KillSwitchGone, "the kill switch's thread has ended");
        }
        self.killed.is_some().then_some(Stopping::Killed)
    }

    /// A kill switch that was used while the system stopped anyway has its time, too.
    pub(super) fn wait_for_the_kill(&mut self, signals: &Signals) {
        while self.killing
            && self.killed.is_none()
            && self.emergency.is_alive()
            && signals.interrupts() < 2
        {
            self.take_messages(TICK);
        }
    }

    /// A halt or flatten that is not answered in time becomes the kill switch, where orders go to
    /// an exchange.
    pub(super) fn escalate(&mut self, now: Nanos) {
        if !self.options.watches_orders || self.killing {
            return;
        }
        let late = |waiting: &Waiting| {
            matches!(waiting.what, Operator::Halt | Operator::Flatten)
                && now.since(waiting.since) >= self.options.escalate_after
        };
        let late: Vec<u64> =
            self.waiting.iter().filter(|(_, w)| late(w)).map(|(request, _)| *request).collect();
        for request in late {
            if let Some(Waiting { what, answer, .. }) = self.waiting.remove(&request) {
                tracing::error!(%what, "the brain does not answer: kill switch");
                let flatten = what == Operator::Flatten;
                self.emergency.handle().kill(By::Unanswered, flatten, Some(answer));
            }
        }
    }

    /// A child that was ready and is silent for too long is hung.
    pub(super) fn kill_the_hung(&mut self, now: Nanos) {
        let limit = self.options.heartbeat_timeout;
        for child in [Child::Feed, Child::Brain] {
            let watched = self.watched(child);
            let silent = now.since(watched.heard);
            if watched.process.is_some() && watched.ready && silent > limit {
                watched.ready = false;
                watched.kill();
                let (name, ms) = (child.name(), silent.as_millis());
                self.desk
                    .tell(NodeAlert::Hung, format!("{name} said nothing for {ms} ms: SIGKILL"));
            }
        }
    }

    /// The last words after a kill.
    pub(super) fn killed_summary(&mut self, killed: &Killed) -> Value {
        let failure = self.failure.take();
        let summary = json!({
            "finished": false,
            "session": self.options.session,
            "run": self.options.run.display().to_string(),
            "journal": self.options.run.join("journal").display().to_string(),
            "killed": killed,
            "fence": self.options.home.fence().display().to_string(),
            "error": failure.map(|failure| failure.what),
        });
        self.complete(summary)
    }
}

/// Hands a question on: the kill switch does not wait for the orchestrator's loop.
pub(super) fn hand(
    emergency: &Emergency,
    to: Sender<super::Message>,
) -> impl Fn(Asked) + Clone + Send + 'static {
    let switch = emergency.handle();
    move |asked| match asked.ask {
        crate::control::Ask::Kill { flatten } => {
            switch.kill(By::Socket, flatten, Some(asked.answer));
        }
        _ => drop(to.send(super::Message::Asked(asked))),
    }
}
