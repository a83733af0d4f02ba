//! Settings of whoever watches a run: the orchestrator, alerts, the build.

use crate::Settings;
use aegis_types::Nanos;

impl Settings {
    /// Silence after which a child that was ready counts as hung.
    pub fn heartbeat_timeout(&self) -> Nanos {
        self.span("node.heartbeat_timeout_s", Nanos::SECOND)
    }

    /// Are positions closed after a crash loop?
    pub fn flatten_on_crash_loop(&self) -> bool {
        self.text("node.crash_loop") == "flatten"
    }

    /// How long the brain may take to answer a halt or a flatten.
    pub fn escalate_after(&self) -> Nanos {
        self.span("node.escalate_after_s", Nanos::SECOND)
    }

    /// How long an alert may stay unacknowledged.
    pub fn alert_patience(&self) -> Nanos {
        self.span("alerts.escalate_after_s", Nanos::SECOND)
    }

    /// First digits of the SHA-256 of the only program that may run; empty for any.
    pub fn expected_build(&self) -> &str {
        self.text("deploy.expect_build")
    }
}
