//! What the orchestrator says of itself and its children: status, and what it adds to a summary.

use super::{Orchestrator, Watched};
use crate::clock;
use serde_json::{Value, json};

impl Orchestrator {
    pub(super) fn health(&self) -> Value {
        let now = clock::monotonic();
        let of = |w: &Watched| {
            json!({
                "state": w.state(now),
                "heartbeat_age_ms": now.since(w.heard).as_millis(),
                "restarts": w.supervisor.restarts(),
            })
        };
        json!({"feed": of(&self.feed), "brain": of(&self.brain)})
    }

    pub(super) fn pids(&self) -> Value {
        // Never 0 for a child that is not started yet: `kill 0` ends whoever asks.
        let of = |w: &Watched| (w.last_pid != 0).then_some(w.last_pid);
        json!({"main": std::process::id(), "feed": of(&self.feed), "brain": of(&self.brain)})
    }

    pub(super) fn ring(&self) -> Value {
        json!({
            "published": self.published_before + self.feed_report.published,
            "read": self.read_before + self.brain_report.read,
            "overruns": self.brain_report.overruns,
            "lost": self.brain_report.lost,
        })
    }

    pub(super) fn status(&self) -> Value {
        let now = clock::monotonic();
        let well = |w: &Watched| matches!(w.state(now), "running" | "starting" | "ended");
        let b = &self.brain_report;
        json!({
            "healthy": well(&self.feed) && well(&self.brain),
            "session": self.options.session,
            "run": self.options.run.display().to_string(),
            "time_ms": b.time_ms,
            "health": self.health(),
            "pids": self.pids(),
            "ring": self.ring(),
            "journal_records": b.records,
            "journal": b.journal,
            "position": b.position,
            "candles": b.candles,
            "signals": b.signals,
            "trades": b.trades,
            "orders": b.orders,
            "tick_to_order_us": b.tick_to_order_us,
            "state": b.state,
            "causes": b.causes,
            "controls": b.controls,
            "wallet": b.wallet,
            "equity": b.equity,
            "entries": b.entries,
            "venue": b.venue,
            "positions": b.positions,
            "store": b.store,
            "live": self.feed_report.live,
            "build": self.options.identity,
            "alerts_open": self.desk.open_alerts(),
            "killing": self.killing,
        })
    }

    /// Adds to the brain's summary what only the orchestrator knows.
    pub(super) fn complete(&self, mut summary: Value) -> Value {
        let wall = clock::monotonic().since(self.started).0 as f64 / 1e9;
        summary["build"] = json!(self.options.identity);
        summary["alerts_open"] = self.desk.open_alerts().into();
        summary["ring"] = self.ring();
        summary["pids"] = self.pids();
        summary["health"] = self.health();
        summary["restarts"] =
            (self.feed.supervisor.restarts() + self.brain.supervisor.restarts()).into();
        summary["refusals"] = json!(self.feed_report.refused);
        summary["refusal_examples"] = json!(self.feed_report.refused_examples);
        summary["wall_s"] = ((wall * 1e3).round() / 1e3).into();
        summary["speed"] = self.options.speed.to_string().into();
        summary
    }
}
