//! Figures measured during the audit, held to stated floors: a slow machine is a warning, not a
//! failure.

use super::{Finding, Measured};

/// What the figures say together.
pub fn finding(figures: &[Measured]) -> Finding {
    let slow: Vec<_> = figures
        .iter()
        .filter(|m| m.value > m.floor)
        .map(|m| format!("{} {:.1} {} (floor {})", m.name, m.value, m.unit, m.floor))
        .collect();
    if slow.is_empty() {
        Finding::pass(format!("{} figures within their floors", figures.len()))
    } else {
        Finding::warn(
            format!("slower than the floor: {}", slow.join(", ")),
            "other load on the machine is the usual cause; `aegis bench all` measures properly",
        )
    }
}

/// Median nanoseconds of `runs` runs of `operations` operations each.
pub fn median_ns(runs: usize, operations: u32, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let started = crate::clock::monotonic();
            run();
            crate::clock::monotonic().since(started).0 as f64 / f64::from(operations)
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
