//! Step machine: one file of the archive, from its checksum to its verified bytes.
//!
//! ```text
//! checksum ──> as on the disk? ──yes──> kept
//!     │ no
//!     └──> rest of the part ──> its hash is the checksum? ──yes──> install
//!              ↑     │ cut: wait, go on where it ended      │ no: from the start, once more
//!              └─────┴─────────────────────────────────────┘
//! ```
//!
//! A request that broke is made again after a wait that doubles; an attempt that brought bytes
//! starts the count anew, so that a bad line ends a download late, not never. What the server
//! refuses for good is not asked again.

/// Limits of one file's transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Breaks in a row without a byte that end it.
    pub breaks_max: u32,
    /// Wait after the first break.
    pub wait_ms: u64,
    /// Longest wait, also when the server asks for more.
    pub wait_ms_max: u64,
}

/// Downloads whose hash is not the checksum that end the transfer.
const MISMATCHES_MAX: u32 = 2;

/// What happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The checksum was answered: SHA-256 in hex.
    Checksum(String),
    /// 404 to what was asked.
    Absent,
    /// The probe found the file.
    Present,
    /// The whole rest of the file came; the part holds so much now.
    Received { length: u64 },
    /// The server has nothing from there on.
    NothingThere,
    /// Answer or connection broke; the part holds so much now.
    Broken { length: u64, why: String, retry_after_ms: Option<u64> },
    /// An answer that will not be another next time.
    Refused(String),
    /// SHA-256 of the part in hex.
    Hashed(String),
    /// The wait is over.
    Waited,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask for the checksum.
    AskChecksum,
    /// Ask whether there is a file without checksum.
    Probe,
    /// Ask for the file from this byte on; from 0 the part starts anew.
    AskFile { from: u64 },
    /// Hash the part.
    HashPart,
    /// Wait so long.
    Wait { ms: u64 },
    /// It has ended.
    End(End),
}

/// How a transfer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The file on the disk is the archive's.
    Kept { sha256: String },
    /// The part is the archive's file: put it in its place.
    Install { sha256: String, resumed: bool },
    /// The archive has no such file.
    Absent,
    /// Given up, with the reason.
    Failed(String),
}

/// One file's transfer.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    limits: Limits,
    /// SHA-256 of the file that lies on the disk.
    present: Option<String>,
    expected: String,
    /// Bytes in the part.
    part: u64,
    /// The part began in an earlier attempt.
    resumed: bool,
    asked: Action,
    breaks: u32,
    mismatches: u32,
}

impl Transfer {
    /// A transfer, and its first action. `present` is the hash of the file that is there already,
    /// `part` the length of what an earlier call left behind.
    pub(crate) fn new(limits: Limits, present: Option<String>, part: u64) -> (Self, Action) {
        let transfer = Self {
            limits,
            present,
            expected: String::new(),
            part,
            resumed: false,
            asked: Action::AskChecksum,
            breaks: 0,
            mismatches: 0,
        };
        (transfer, Action::AskChecksum)
    }

    /// What to do after `input`.
    pub(crate) fn step(&mut self, input: Input) -> Action {
        let action = match input {
            Input::Checksum(sha256) => self.checksum(sha256),
            Input::Absent if self.asked == Action::AskChecksum => Action::Probe,
            Input::Absent => Action::End(End::Absent),
            Input::Present => Action::End(End::Failed(
                "the archive has the file without its CHECKSUM, so it cannot be verified".into(),
            )),
            Input::Received { length } => {
                self.part = length;
                Action::HashPart
            }
            // What is there may be the whole file, or the longer rest of another one.
            Input::NothingThere if self.part > 0 => Action::HashPart,
            Input::NothingThere => Action::End(End::Failed("the archive's file is empty".into())),
            Input::Broken { length, why, retry_after_ms } => {
                return self.broken(length, why, retry_after_ms);
            }
            Input::Refused(why) => Action::End(End::Failed(why)),
            Input::Hashed(sha256) => self.hashed(sha256),
            Input::Waited => match &self.asked {
                Action::AskFile { .. } => self.ask_file(),
                asked => asked.clone(),
            },
        };
        self.asked = action.clone();
        action
    }

    fn checksum(&mut self, sha256: String) -> Action {
        self.breaks = 0;
        self.expected = sha256;
        if self.present.as_ref() == Some(&self.expected) {
            return Action::End(End::Kept { sha256: self.expected.clone() });
        }
        self.ask_file()
    }

    fn ask_file(&mut self) -> Action {
        self.resumed = self.part > 0;
        Action::AskFile { from: self.part }
    }

    fn broken(&mut self, length: u64, why: String, retry_after_ms: Option<u64>) -> Action {
        let came = length > self.part;
        self.part = length;
        self.breaks = if came { 1 } else { self.breaks + 1 };
        if self.breaks >= self.limits.breaks_max {
            let tries = self.breaks;
            return Action::End(End::Failed(format!("{why}; given up after {tries} attempts")));
        }
        let Limits { wait_ms, wait_ms_max, .. } = self.limits;
        let doubled = wait_ms.saturating_mul(1 << (self.breaks - 1).min(16));
        Action::Wait { ms: doubled.max(retry_after_ms.unwrap_or(0)).min(wait_ms_max) }
    }

    fn hashed(&mut self, sha256: String) -> Action {
        if sha256 == self.expected {
            return Action::End(End::Install { sha256, resumed: self.resumed });
        }
        self.part = 0;
        if self.resumed {
            // The beginning may be of a file that the archive has since replaced.
            return self.ask_file();
        }
        self.mismatches += 1;
        if self.mismatches < MISMATCHES_MAX {
            // It may have been replaced between the two answers.
            return Action::AskChecksum;
        }
        let expected = &self.expected;
        Action::End(End::Failed(format!(
            "its SHA-256 is {sha256}, the CHECKSUM says {expected}, twice"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { breaks_max: 3, wait_ms: 100, wait_ms_max: 250 };

    fn started(present: Option<&str>, part: u64) -> Transfer {
        let (transfer, first) = Transfer::new(LIMITS, present.map(str::to_owned), part);
        assert_eq!(first, Action::AskChecksum);
        transfer
    }

    fn checksum(text: &str) -> Input {
        Input::Checksum(text.to_owned())
    }

    fn broken(length: u64) -> Input {
        Input::Broken { length, why: "cut".to_owned(), retry_after_ms: None }
    }

    #[test]
    fn what_is_there_is_kept_and_what_was_replaced_is_fetched() {
        let kept = End::Kept { sha256: "aa".to_owned() };
        assert_eq!(started(Some("aa"), 0).step(checksum("aa")), Action::End(kept));
        assert_eq!(started(Some("aa"), 0).step(checksum("bb")), Action::AskFile { from: 0 });
    }

    #[test]
    fn a_cut_goes_on_where_it_ended() {
        let mut transfer = started(None, 0);
        assert_eq!(transfer.step(checksum("aa")), Action::AskFile { from: 0 });
        assert_eq!(transfer.step(broken(70)), Action::Wait { ms: 100 });
        assert_eq!(transfer.step(Input::Waited), Action::AskFile { from: 70 });
        assert_eq!(transfer.step(Input::Received { length: 99 }), Action::HashPart);
        let end = End::Install { sha256: "aa".to_owned(), resumed: true };
        assert_eq!(transfer.step(Input::Hashed("aa".to_owned())), Action::End(end));
    }

    #[test]
    fn a_part_of_another_file_is_thrown_away() {
        let mut transfer = started(None, 50);
        assert_eq!(transfer.step(checksum("bb")), Action::AskFile { from: 50 });
        assert_eq!(transfer.step(Input::NothingThere), Action::HashPart);
        assert_eq!(transfer.step(Input::Hashed("aa".to_owned())), Action::AskFile { from: 0 });
        assert_eq!(transfer.step(Input::Received { length: 40 }), Action::HashPart);
        assert_eq!(transfer.step(Input::Hashed("cc".to_owned())), Action::AskChecksum);
        assert_eq!(transfer.step(checksum("cc")), Action::AskFile { from: 0 });
        assert_eq!(transfer.step(Input::Received { length: 40 }), Action::HashPart);
        let action = transfer.step(Input::Hashed("dd".to_owned()));
        assert!(matches!(action, Action::End(End::Failed(why)) if why.contains("cc")));
    }

    #[test]
    fn breaks_without_a_byte_end_it_and_bytes_start_the_count_anew() {
        let mut transfer = started(None, 0);
        transfer.step(checksum("aa"));
        for length in [1, 2, 3, 4, 5] {
            assert_eq!(transfer.step(broken(length)), Action::Wait { ms: 100 });
            assert_eq!(transfer.step(Input::Waited), Action::AskFile { from: length });
        }
        assert_eq!(transfer.step(broken(5)), Action::Wait { ms: 200 });
        transfer.step(Input::Waited);
        let action = transfer.step(broken(5));
        assert!(matches!(action, Action::End(End::Failed(why)) if why.contains("3 attempts")));
    }

    #[test]
    fn the_server_may_ask_for_a_longer_wait_within_bounds() {
        let mut transfer = started(None, 0);
        let busy = |ms| Input::Broken { length: 0, why: "503".into(), retry_after_ms: Some(ms) };
        assert_eq!(transfer.step(busy(220)), Action::Wait { ms: 220 });
        assert_eq!(transfer.step(Input::Waited), Action::AskChecksum);
        assert_eq!(transfer.step(busy(90_000)), Action::Wait { ms: 250 });
    }

    #[test]
    fn absent_is_told_from_unverifiable() {
        let mut transfer = started(None, 0);
        assert_eq!(transfer.step(Input::Absent), Action::Probe);
        assert_eq!(transfer.step(Input::Absent), Action::End(End::Absent));
        let mut transfer = started(None, 0);
        assert_eq!(transfer.step(Input::Absent), Action::Probe);
        let action = transfer.step(Input::Present);
        assert!(matches!(action, Action::End(End::Failed(why)) if why.contains("CHECKSUM")));
        let mut transfer = started(None, 0);
        transfer.step(checksum("aa"));
        assert_eq!(transfer.step(Input::Absent), Action::End(End::Absent));
    }
}
