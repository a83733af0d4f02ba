//! Runs, journals and snapshots at their boundary.

mod backtest;
mod snapshots;
mod support;
