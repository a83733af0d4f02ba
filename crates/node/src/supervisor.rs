//! Step machine: when to restart a child, how long to wait, when to give up.
//!
//! The first restart is at once. Waiting grows only for exits without progress (no new journal
//! record or published fact since the start) and is forgotten with progress; `exits_max` exits in a
//! row without progress are a crash loop, and the system stops with its positions protected.

use aegis_types::Nanos;

/// The orchestrator's children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// Bytes to ring.
    Feed,
    /// Ring to orders.
    Brain,
}

impl Child {
    /// `feed` or `brain`: also the subcommand that starts it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Brain => "brain",
        }
    }
}

/// Limits of restarting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wait after the second exit in a row without progress; doubles with each further one.
    pub backoff: Nanos,
    /// Longest wait.
    pub backoff_max: Nanos,
    /// So many exits in a row without progress are a crash loop.
    pub exits_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            backoff: Nanos::MILLISECOND.times(200),
            backoff_max: Nanos::SECOND.times(10),
            exits_max: 5,
        }
    }
}

/// What to do with a child that has exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again at this time.
    RestartAt(Nanos),
    /// Stop the system: it crashed so many times in a row without progress.
    CrashLoop(u32),
}

/// Restart state of one child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supervisor {
    barren: u32,
    restarts: u32,
}

impl Supervisor {
    /// The child exited at `now`; `progress` says whether it had done anything since its start.
    pub fn exited(&mut self, now: Nanos, progress: bool, limits: &Limits) -> Verdict {
        self.barren = if progress { 0 } else { self.barren + 1 };
        if self.barren >= limits.exits_max {
            return Verdict::CrashLoop(self.barren);
        }
        self.restarts += 1;
        let wait = match self.barren {
            0 | 1 => Nanos::ZERO,
            n => limits.backoff.times(1 << (n - 2).min(20)).min(limits.backoff_max),
        };
        Verdict::RestartAt(now.after(wait))
    }

    /// How many times it was started again.
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_restart_is_at_once_and_progress_forgives() {
        let limits = Limits::default();
        let mut s = Supervisor::default();
        let now = Nanos(7);
        assert_eq!(s.exited(now, false, &limits), Verdict::RestartAt(now));
        assert_eq!(s.exited(now, false, &limits), Verdict::RestartAt(now.after(limits.backoff)));
        assert_eq!(
            s.exited(now, false, &limits),
            Verdict::RestartAt(now.after(limits.backoff.times(2)))
        );
        assert_eq!(s.exited(now, true, &limits), Verdict::RestartAt(now));
        assert_eq!(s.restarts(), 4);
    }

    #[test]
    fn exits_without_progress_are_a_crash_loop() {
        let limits = Limits::default();
        let mut s = Supervisor::default();
        let verdicts: Vec<_> = (0..5).map(|_| s.exited(Nanos::ZERO, false, &limits)).collect();
        assert_eq!(verdicts[4], Verdict::CrashLoop(5));
        assert!(verdicts[..4].iter().all(|v| matches!(v, Verdict::RestartAt(_))));
    }

    #[test]
    fn waiting_never_exceeds_its_limit() {
        let limits = Limits { exits_max: 100, ..Limits::default() };
        let mut s = Supervisor::default();
        for _ in 0..99 {
            let Verdict::RestartAt(at) = s.exited(Nanos::ZERO, false, &limits) else {
                panic!("no crash loop before the limit")
            };
            assert!(at <= limits.backoff_max);
        }
    }
}
