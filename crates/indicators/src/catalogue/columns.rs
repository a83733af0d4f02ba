//! Names of the columns of several calls in one table.

use super::call::Call;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The columns of all calls, in order. A name that has occurred already gets its call's parameters
/// behind it as a call says them (`rsi(9) rsi(14)` gives `rsi`, `rsi_14`; times as `13:30`); where
/// even that has occurred, a number from 2 on.
pub fn column_names(calls: &[Call]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for call in calls {
        for column in call.entry().columns {
            let name = unused(&names, column, call);
            names.push(name);
        }
    }
    names
}

fn unused(taken: &[String], column: &str, call: &Call) -> String {
    let free = |name: &String| !taken.contains(name);
    let mut name = column.to_string();
    if free(&name) {
        return name;
    }
    for (n, parameter) in call.entry().parameters.iter().enumerate() {
        name.push('_');
        // Writing to a string cannot fail.
        let _ = parameter.write(&mut name, call.arguments().real(n));
    }
    if free(&name) {
        return name;
    }
    // At most as many are taken as there are names: one of the next is free.
    (2..=taken.len() + 2).map(|n| format!("{name}_{n}")).find(free).unwrap_or(name)
}
