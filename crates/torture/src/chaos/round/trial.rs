//! The node is started again after everything has ended at once, and must refuse to.

use super::{DOWN, Failed, Round, wall_ms};
use crate::chaos::catalogue::{How, Victim, Wreck};
use crate::chaos::process::sweep;
use crate::chaos::wreck::{self, Flipped};
use aegis_node::EXIT_USAGE;
use std::time::{Duration, Instant};

/// How long a start that must fail may take to.
const FAILS: Duration = Duration::from_secs(8);
/// What must not start, each with its exit code.
const WRONG: [&[&str]; 3] = [
    &["--resume", "--expect-build", "00000000"],
    &["--resume", "--set", "risk.fraction=7"],
    &["--resume", "--set", "risk.no_such_setting=1"],
];

/// A start of the node that must fail.
pub(super) struct Trial {
    since: Instant,
    /// The exit code that it must have; any but 0 without.
    code: Option<i32>,
    /// What makes it fail, to be put right then.
    flipped: Option<Flipped>,
    /// Further starts that must fail, the next one last.
    left: Vec<&'static [&'static str]>,
    /// Requests that place or cancel when it began.
    requests: usize,
}

impl Round<'_> {
    /// Everything ends at once, as with the machine; something is wrong when it starts again.
    pub(super) fn wreck(&mut self, fault: &'static str, wreck: Wreck) -> Result<(), Failed> {
        let Some(brain) = self.pid(Victim::Brain) else { return Ok(()) };
        let sessions = self.stage.sessions();
        let Some(journal) = sessions.first().map(|session| session.join("journal")) else {
            return Ok(());
        };
        self.killed = u64::from(brain);
        self.stage.kill_node();
        sweep(&self.stage.home);
        // What they had sent is there then.
        std::thread::sleep(DOWN);
        self.down = self.down.or(Some(wall_ms()));
        self.resumes = self.resumes.max(1);
        let mut trial = Trial {
            since: Instant::now(),
            code: None,
            flipped: None,
            left: Vec::new(),
            requests: self.stage.truth()?.requests.len(),
        };
        let happened = match wreck {
            Wreck::TornTail => wreck::tear(&journal)?,
            Wreck::BitFlip => {
                trial.flipped = wreck::flip(&journal)?;
                trial.flipped.is_some()
            }
            Wreck::WrongStart => {
                trial.code = Some(EXIT_USAGE);
                trial.left = WRONG.to_vec();
                true
            }
        };
        if happened {
            self.fired.insert(fault);
        }
        if trial.flipped.is_some() {
            self.stage.start_node(&["--resume"])?;
            self.trial = Some(trial);
        } else if let Some(args) = trial.left.pop() {
            self.stage.start_node(args)?;
            self.trial = Some(trial);
        } else {
            self.resume_at = Some(Instant::now() + DOWN);
        }
        Ok(())
    }

    /// A start that had to fail has ended: puts right what was wrong, and starts what must work.
    pub(super) fn tried(&mut self, code: Option<i32>) -> Result<(), Failed> {
        let Some(mut trial) = self.trial.take() else { return Ok(()) };
        if code == Some(0) || code.is_none() || trial.code.is_some_and(|must| code != Some(must)) {
            self.found.add(format!("a start that must be refused ended with {code:?} (C12)"));
        }
        // What was on its way in a bad network may come later.
        let quiet = self.plan.faults.iter().all(|fault| !matches!(fault.how, How::Link(_)));
        let sent = self.stage.truth()?.requests.len().saturating_sub(trial.requests);
        if quiet && sent > 0 {
            self.found.add(format!("a start that must be refused sent {sent} requests (I11)"));
        }
        if let Some(flipped) = trial.flipped.take()
            && !flipped.mend()?
        {
            self.found.add("a damaged journal was written to (I7)");
        }
        match trial.left.pop() {
            None => self.resume_at = Some(Instant::now()),
            Some(args) => {
                self.stage.start_node(args)?;
                self.trial = Some(Trial { since: Instant::now(), ..trial });
            }
        }
        Ok(())
    }

    /// A start that must fail and goes on has failed us.
    pub(super) fn end_trial(&mut self) -> Result<(), Failed> {
        if self.trial.as_ref().is_some_and(|trial| trial.since.elapsed() > FAILS) {
            self.stage.kill_node();
            self.tried(Some(0))?;
        }
        Ok(())
    }
}
