//! The local socket of the orchestrator: one JSON line asks, one JSON line answers.

use crate::Failure;
use crate::home::Home;
use aegis_types::Operator;
use rustix::process::Uid;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Longest wait of a client for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The same for what may become the kill switch and is answered when that has done its work.
const DONE_WITHIN: Duration = Duration::from_secs(20);

/// Longest question, bytes.
const QUESTION_MAX: u64 = 4096;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// How is everything?
    Status,
    /// Use the kill switch.
    Kill {
        /// Close positions, too.
        flatten: bool,
    },
    /// Carry out an operator's command.
    Operator {
        /// Which.
        what: Operator,
    },
}

impl Ask {
    const fn patience(self) -> Duration {
        match self {
            Self::Status => ANSWER_WITHIN,
            Self::Kill { .. } | Self::Operator { .. } => DONE_WITHIN,
        }
    }
}

/// A question with the place for its answer.
pub struct Asked {
    /// The question.
    pub ask: Ask,
    /// Where the answer goes.
    pub answer: Sender<serde_json::Value>,
}

/// Listens on the home's socket (0600) and hands questions to `hand`.
///
/// # Errors
/// When the socket cannot be made; a stale one is replaced, as the caller holds the home's lock.
pub fn listen(home: &Home, hand: impl Fn(Asked) + Clone + Send + 'static) -> Result<(), Failure> {
    let path = home.control_socket();
    let failed = |e: std::io::Error| {
        Failure::failed(
            format!("control socket {}: {e}", path.display()),
            "use a shorter AEGIS_HOME (socket paths hold about 100 bytes) or check its mode",
        )
    };
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // No descriptors left, as a rule: the next try would fail as fast.
                std::thread::sleep(Duration::from_millis(100));
                continue;
            };
            let hand = hand.clone();
            // One thread each: a command that waits for the brain must not hold up a status.
            let served = std::thread::Builder::new().name("control".into()).spawn(move || {
                if let Err(error) = serve(stream, &hand) {
                    tracing::debug!(%error, "control client");
                }
            });
            if let Err(error) = served {
                tracing::warn!(%error, "a control client could not be served");
            }
        }
    });
    Ok(())
}

/// May this user ask? The socket's mode and the folder's say so already; this holds where somebody
/// has changed them.
fn may_ask(peer: Uid, us: Uid) -> bool {
    peer == us || peer.is_root()
}

fn serve(mut stream: UnixStream, hand: &impl Fn(Asked)) -> std::io::Result<()> {
    let peer = rustix::net::sockopt::socket_peercred(&stream)?;
    if !may_ask(peer.uid, rustix::process::geteuid()) {
        tracing::warn!(uid = peer.uid.as_raw(), "another user asked at the control socket");
        return writeln!(stream, "{}", serde_json::json!({ "error": "not your aegis" }));
    }
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    let mut line = String::new();
    BufReader::new(&stream).take(QUESTION_MAX).read_line(&mut line)?;
    let reply = match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => {
            let (answer, answered) = channel();
            hand(Asked { ask, answer });
            answered
                .recv_timeout(ask.patience())
                .unwrap_or_else(|_| serde_json::json!({"error": "no answer in time"}))
        }
        Err(error) => serde_json::json!({ "error": format!("not a question: {error}") }),
    };
    writeln!(stream, "{reply}")
}

/// Asks the orchestrator that runs on a home.
///
/// # Errors
/// When none runs there, or it does not answer.
pub fn ask(home: &Home, ask: Ask) -> Result<serde_json::Value, Failure> {
    let path = home.control_socket();
    let nobody = |e: std::io::Error| {
        Failure::failed(
            format!("no aegis is running on {} ({e})", home.path().display()),
            "start one with `aegis demo` or `aegis run`, or set AEGIS_HOME to its folder",
        )
    };
    let mut stream = UnixStream::connect(&path).map_err(nobody)?;
    let line = serde_json::to_string(&ask).unwrap_or_default();
    writeln!(stream, "{line}").map_err(nobody)?;
    stream.set_read_timeout(Some(ask.patience() + Duration::from_secs(1))).map_err(nobody)?;
    let mut reply = String::new();
    BufReader::new(&stream).read_line(&mut reply).map_err(nobody)?;
    serde_json::from_str(&reply)
        .map_err(|e| Failure::failed(format!("the answer cannot be read: {e}"), "try again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_its_user_and_root_may_ask() {
        let [us, other, root] = [1_000, 1_001, 0].map(Uid::from_raw);
        assert!(may_ask(us, us) && may_ask(root, us));
        assert!(!may_ask(other, us) && !may_ask(us, root));
    }

    #[test]
    fn a_command_that_waits_does_not_hold_up_a_status() {
        let path = std::env::temp_dir().join(format!("aegis-control-{}", std::process::id()));
        let home = Home::open(&path).unwrap();
        let (held, commands) = channel();
        let hand = move |asked: Asked| match asked.ask {
            Ask::Status => drop(asked.answer.send(json!({"healthy": true}))),
            Ask::Operator { .. } | Ask::Kill { .. } => held.send(asked.answer).unwrap(),
        };
        listen(&home, hand).unwrap();
        let beside = home.clone();
        let waiting =
            std::thread::spawn(move || ask(&beside, Ask::Operator { what: Operator::Pause }));
        let answer = commands.recv().unwrap();
        // The silent client takes its second, too.
        let _silent = UnixStream::connect(home.control_socket()).unwrap();
        assert_eq!(ask(&home, Ask::Status).unwrap(), json!({"healthy": true}));
        answer.send(json!({"ok": true})).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), json!({"ok": true}));
        std::fs::remove_dir_all(path).unwrap();
    }
}
