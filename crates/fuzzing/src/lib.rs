//! Every reader of bytes from outside, as one function each, and a machine that feeds it rubbish.
//!
//! **The decision:** a target is a plain function of bytes that must return. So the same function
//! runs in three ways: here by seed on a stable compiler, a few seconds in every test run; here for
//! millions of executions on demand; and in `fuzz/` under cargo-fuzz, which chooses by coverage.
//! What a target claims beyond "no panic" (what is read and written again is the same; what a
//! slow reader says, the fast one says) it asserts itself.
//!
//! Inputs are made from good ones: rubbish from a random source alone is refused at its first byte.
//! Execution `n` of seed `s` is always the same bytes, so a failure is two numbers.
//!
//! ```text
//! seeds ──┐
//! accepted ┴─> mutate(seed, n) ──> target ──> accepted? then it is a seed, too
//!                                     └─panic─> seed, n, bytes in hex, a file to keep
//! ```

mod draw;
mod mutate;
mod runner;
mod seeds;
pub mod targets;

pub use draw::Draw;
pub use mutate::mutate;
pub use runner::{Failure, Outcome, replay, run};
pub use targets::{TARGETS, Target, find};
