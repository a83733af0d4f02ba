//! The engine at its boundary: events in, commands out.
//!
//! `scenarios` tells single stories with a well-behaved venue; `denials` produces every reason to
//! turn a signal away and holds `docs/denials.md` true; `controls` holds each to its limit;
//! `faults` tells the stories of a venue that refuses, loses, doubles and reorders; `deadline` has
//! ten thousand entries there; `invariants` states what holds whatever the venue does.

mod controls;
mod deadline;
mod denials;
mod faults;
mod invariants;
mod outside;
mod scenarios;
mod world;
