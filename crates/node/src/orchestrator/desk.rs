//! What the orchestrator keeps an eye on beside its children: alerts that wait for a person, the
//! files it was started with, and what a day has cost so far.

use crate::alerts::{Alerts, NodeAlert, Told};
use crate::clock;
use crate::home::Home;
use crate::identity::Deployed;
use crate::risk_file::RiskFile;
use aegis_types::{Cause, Condition, Nanos, RiskMemory};
use std::path::PathBuf;

/// How often it looks.
const LOOK: Nanos = Nanos(1_000_000_000);

/// What it is told at the start.
#[derive(Debug, Default)]
pub struct Watching {
    /// The settings file that was read.
    pub settings_file: Option<PathBuf>,
    /// How long an alert may wait for its acknowledgement; none where nothing can be lost, which
    /// is on recorded and generated markets: then no alert waits for anybody.
    pub patience: Option<Nanos>,
    /// What earlier sessions of the account knew, where orders go to an exchange.
    pub risk: Option<RiskFile>,
}

pub(super) struct Desk {
    alerts: Option<Alerts>,
    session: String,
    patience: Option<Nanos>,
    risk: Option<RiskFile>,
    deployed: Deployed,
    escalated: bool,
    waits_ms: i64,
    looked: Nanos,
}

impl Desk {
    pub fn new(home: &Home, session: &str, watching: Watching) -> Self {
        let alerts = Alerts::open(&home.alerts());
        let alerts = alerts.inspect_err(|failure| tracing::error!("{failure}")).ok();
        if let Some(lines) = alerts.as_ref().map(Alerts::unreadable).filter(|lines| *lines > 0) {
            tracing::warn!(lines, "of the file of alerts are not readable");
        }
        Self {
            alerts,
            session: session.to_owned(),
            patience: watching.patience,
            risk: watching.risk,
            deployed: Deployed::now(watching.settings_file),
            escalated: false,
            waits_ms: 0,
            looked: Nanos(i64::MIN),
        }
    }

    /// Keeps an alert.
    pub fn alert(&mut self, mut told: Told) {
        tracing::error!(code = %told.code, symbol = %told.symbol, "ALERT: {}", told.text);
        told.must_ack &= self.patience.is_some();
        if let Some(alerts) = &mut self.alerts
            && let Err(failure) = alerts.tell(&self.session, told)
        {
            tracing::error!("an alert is not kept: {failure}");
        }
    }

    /// One of the node's own.
    pub fn tell(&mut self, code: NodeAlert, text: impl Into<String>) {
        self.alert(Told::of(code, text));
    }

    /// Looks once a second. What the brain has to be told, when it has changed.
    pub fn look(&mut self, now: Nanos) -> Option<Condition> {
        if now.since(self.looked) < LOOK {
            return None;
        }
        self.looked = now;
        for told in self.deployed.look() {
            self.alert(told);
        }
        let alerts = self.alerts.as_mut()?;
        // One that cannot be read now is read the next time.
        let _ = alerts.refresh();
        let patience = self.patience?;
        let waits = alerts.longest_wait_ms(clock::wall().as_millis()).unwrap_or(0);
        self.waits_ms = waits;
        let over = waits > patience.as_millis();
        if over == self.escalated {
            return None;
        }
        self.escalated = over;
        if over {
            tracing::error!(
                waits_ms = waits,
                "an alert is not acknowledged: no entries until it is"
            );
        } else {
            tracing::info!("every alert is acknowledged");
        }
        Some(self.condition())
    }

    /// What a brain that has just started has to know.
    pub fn condition(&self) -> Condition {
        let limit = self.patience.map_or(0, Nanos::as_millis);
        Condition { cause: Cause::Alert, on: self.escalated, measured: self.waits_ms, limit }
    }

    /// How many alerts wait for somebody.
    pub fn open_alerts(&self) -> usize {
        self.alerts.as_ref().map_or(0, |alerts| alerts.open_ones().count())
    }

    /// The brain's knowledge of the day, for the session after this one.
    pub fn remember(&mut self, memory: RiskMemory) {
        let Some(risk) = &mut self.risk else { return };
        if let Err(failure) = risk.keep(memory) {
            tracing::error!("{failure}");
        }
    }
}
