//! Runs seeds and prints what came of them: `seeds FROM TO HOURS`.

use aegis_torture::{Options, run};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |n: usize, default: f64| args.get(n).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (from, to, hours) = (number(0, 1.0) as u64, number(1, 1.0) as u64, number(2, 6.0));
    let trace = args.iter().any(|arg| arg == "trace");
    let faults = args.iter().find_map(|arg| arg.strip_prefix("faults="));
    let faults = faults.map(|list| list.split(',').map(str::to_owned).collect());
    for seed in from..=to {
        let begun = Instant::now();
        let outcome = run(seed, &Options { hours, trace, faults: faults.clone() });
        let took = begun.elapsed().as_secs_f64();
        println!(
            "seed {seed}: steps {} facts {} events {} entries {} fills {} trades {} restarts {} \
             took {took:.3} s speed {:.0} trace {:016x} {:?}",
            outcome.steps,
            outcome.facts,
            outcome.events,
            outcome.entries,
            outcome.fills,
            outcome.trades,
            outcome.restarts,
            outcome.simulated_s / took,
            outcome.trace,
            outcome.fired,
        );
        for line in &outcome.story {
            println!("    {line}");
        }
        if let Some((violation, at, step)) = outcome.violation {
            println!("  VIOLATION at {at} step {step}: {violation}");
        }
    }
}
