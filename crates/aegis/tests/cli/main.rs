//! The program as its users meet it. What these tests hold:
//!
//! - demo, backtest and replay give one digest; a second run gives it again;
//! - SIGKILL of feed and brain at ten places, of the orchestrator, Ctrl-C and resume: the same
//!   digest and fills in the end;
//! - through sockets to a simulated exchange it decides as without, whatever is killed meanwhile;
//! - SQLite and PostgreSQL hold equal rows;
//! - indicators and records equal the golden tables, and no event depends on a later candle;
//! - a fetched folder is the original to a backtest, and a killed fetch goes on where it was;
//! - the kill switch works with a stopped brain, by file, signal and socket; alerts wait until they
//!   are acknowledged; one account has one engine;
//! - no output, file, socket or process has a canary key in it; keys that move money out arm
//!   nothing; processes open their own files only; another user is not answered;
//! - under faults of network, processes, disk and exchange it believes what is true;
//! - a seed of the simulation is the same when it is run again, and says how to do so;
//! - wrong input is an error with its exit code, and says what to do.

#[path = "../../../data/tests/it/server.rs"]
#[expect(dead_code, reason = "the tests of the crate ask for more")]
mod archive;
mod audit;
mod bench;
mod canary;
mod chaos;
mod data;
mod documents;
mod exchange;
mod foreign;
mod harness;
mod indicators;
mod input;
mod journal;
mod kill;
mod operate;
mod output;
mod recovery;
mod runs;
mod security;
mod settings;
mod smc;
mod stores;
mod tables;
mod torture;
mod watch;
mod wire;
