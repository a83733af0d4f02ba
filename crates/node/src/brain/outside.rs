//! What a brain hears of the orchestrator beside commands, and what it tells people through it.

use super::Brain;
use crate::alerts::Told;
use crate::door::Door;
use crate::protocol::{Report, send};
use crate::{Failure, clock, narrate, risk_file};
use aegis_journal::Source;
use aegis_types::{Alert, Cause, Condition, EventBody, RiskMemory};
use std::path::Path;

/// What a new session on an exchange has to know of earlier ones, before its first word.
pub(super) fn remember(run: &Path, initial: &mut Vec<EventBody>) -> Result<(), Failure> {
    if let Some(memory) = risk_file::handed(run)? {
        tracing::info!(%memory, "from earlier sessions");
        initial.insert(0, EventBody::Memory(memory));
    }
    Ok(())
}

impl Brain {
    /// What the session after this one has to know, where orders go to an exchange.
    pub(super) fn memory(&self) -> Option<RiskMemory> {
        // Before the first event it has not been told what it has to know itself.
        let known = self.initial.is_none() && matches!(self.driver.venue(), Door::Wire(_));
        known.then(|| self.driver.engine().risk_memory())
    }

    /// Delivers conditions, and hands alerts on. Conditions wait until the journal's past has been
    /// made again and the market has begun: nothing can be dated before.
    pub(super) fn outside(&mut self) -> Result<(), Failure> {
        let alerts: Vec<Alert> = self.recorder.drain_alerts().collect();
        for alert in alerts {
            let Alert { code, symbol, .. } = alert;
            let names = &self.session.symbols;
            self.alert(Told {
                code: code.to_string(),
                symbol: symbol.map_or("", |symbol| names.name(symbol)).to_owned(),
                text: narrate::alert(&alert, names),
                must_ack: code.must_acknowledge(),
            });
        }
        if !self.recorder.caught_up() || self.initial.is_some() {
            return Ok(());
        }
        self.storage()?;
        if self.conditions.is_empty() {
            return Ok(());
        }
        for condition in std::mem::take(&mut self.conditions) {
            let Condition { cause, on, .. } = condition;
            let is_on = self.driver.engine().causes().any(|other| other == cause);
            if is_on != on && self.live.is_some() {
                self.tell(EventBody::Condition(condition))?;
            }
        }
        Ok(())
    }

    /// Tells the engine when the disk under the journal is full, and when it no longer is. The
    /// engine is asked for what it believes: after a restart that may be what an earlier brain has
    /// told it.
    fn storage(&mut self) -> Result<(), Failure> {
        let full = self.recorder.storage(clock::monotonic());
        let believed = self.driver.engine().causes().any(|cause| cause == Cause::Storage);
        if full.is_some() == believed {
            return Ok(());
        }
        let over = Condition { cause: Cause::Storage, on: false, measured: 0, limit: 0 };
        let condition = full.unwrap_or(over);
        if condition.on {
            tracing::error!(
                free_mib = condition.measured,
                needed_mib = condition.limit,
                "the disk under the journal is full: no new entries, positions are managed on; \
                 make space"
            );
        } else {
            tracing::info!("there is space for the journal again: entries are allowed");
        }
        let body = EventBody::Condition(condition);
        if self.live.is_some() {
            return self.tell(body);
        }
        self.recorder.from_journal(Source::default());
        self.driver.answer(self.driver.now(), body, &mut self.recorder)?;
        self.sound()?;
        self.recorder.flush().map(|_| ())
    }

    /// Tells a person, through the orchestrator.
    pub(super) fn alert(&self, told: Told) {
        if self.args.supervised {
            send(&Report::Alert(told));
        }
    }
}
