//! House rules as a test, the table of which room may depend on which, and the generator of the
//! time zone table that `smc` holds ([`zones`]).
//!
//! A rule that is only written down is broken within a month; so each is a few lines here, run by
//! `cargo xtask tidy`, by `cargo test -p xtask`, and once at build time for the audit's report.
//! Rules look at source text without its comments and strings ([`strip`]), which is exact enough
//! for them and needs no parser.
//!
//! ```text
//! cargo metadata ──> edges ─┐
//! crates/**/*.rs ──> rules ─┼──> findings, one line each
//! tracked files  ──> keys ──┘
//! ```

pub mod edges;
pub mod faults;
pub mod keys;
pub mod rules;
pub mod strip;
pub mod supply;
pub mod zones;

mod files;

use std::path::Path;

/// Findings of the house rules under a checkout's root, one line each; empty when all hold.
pub fn tidy(root: &Path) -> Vec<String> {
    let mut found = edges::check(root);
    let sources = files::sources(root);
    for source in &sources {
        found.extend(rules::source(source));
    }
    found.extend(rules::manifests(root));
    found.extend(rules::step_machines(&sources));
    found.extend(keys::check(root));
    found.extend(rules::size(root));
    found.sort();
    found
}

/// How many `unsafe` blocks, functions and implementations there are, all of them in `ring`.
pub fn unsafe_count(root: &Path) -> usize {
    files::sources(root).iter().map(|source| rules::unsafe_count(&source.code)).sum()
}
