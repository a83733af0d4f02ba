//! Files at the boundary: what is read, in which order, what is refused and how it is said.
//!
//! Invariants proved here:
//! - at one instant all closes come before all opens, each by symbol id, whatever the files' order;
//! - every admitted row gives exactly one open and one close; every other row is counted;
//! - a cut or wrong file is an error with its place, never a short or a silent run;
//! - a fetched file has its name only when it is the archive's, and no byte comes twice;
//! - what is wrong with a file is found with its line, and nothing that is right;
//! - an import writes what it has read, or nothing;
//! - the same data give the same ticks in one file or several, plain, gzip or zip, ms or µs.

mod arguments;
mod errors;
mod fetch;
mod import;
mod instruments;
mod real;
mod server;
mod streams;
mod support;
mod survey;
