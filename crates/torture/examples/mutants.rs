//! The mutation run: `cargo run --profile fuzz -p aegis-torture --features defects --example
//! mutants -- [SEEDS] [HOURS] [DEFECT…]`, or `-DEFECT` for all but that one; on as many threads
//! as `AEGIS_THREADS` says, else on all. One line a mistake, then one JSON object; exit 1 when
//! one is not found, or when something is found without one.

use aegis_torture::Options;
use aegis_torture::mutants::{Hunt, hunt};
use aegis_types::defect::Defect;
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::time::Instant;

fn tell(hunt: &Hunt) -> Value {
    let Hunt { defect, tried, found } = hunt;
    let name = defect.map_or("(none)", Defect::code);
    let Some(outcome) = found else {
        println!("{name:<24} not found in {tried} seeds");
        return Value::Null;
    };
    let Some((violation, at, step)) = &outcome.violation else { return Value::Null };
    println!("{name:<24} seed {:<4} step {step} at {at}: {violation}", outcome.seed);
    json!({ "seed": outcome.seed, "step": step, "invariant": violation.invariant.name() })
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<f64> = args.iter().map_while(|arg| arg.parse().ok()).collect();
    let seeds = numbers.first().map_or(500, |seeds| *seeds as u64);
    let options = Options { hours: numbers.get(1).copied().unwrap_or(6.0), ..Options::default() };
    let named = &args[numbers.len()..];
    let (without, named): (Vec<&str>, Vec<&str>) =
        named.iter().map(String::as_str).partition(|name| name.starts_with('-'));
    let without: Vec<&str> = without.iter().map(|name| &name[1..]).collect();
    let mut all = named.iter().chain(&without);
    let unknown = all.find(|name| Defect::ALL.iter().all(|d| d.code() != **name));
    if let Some(name) = unknown {
        let all: Vec<&str> = Defect::ALL.iter().map(|defect| defect.code()).collect();
        eprintln!("there is no mistake `{name}`; name some of: {}", all.join(", "));
        return ExitCode::from(2);
    }
    let chosen = |defect: &&Defect| {
        let of = |names: &[&str]| names.contains(&defect.code());
        (named.is_empty() || of(&named)) && !of(&without)
    };
    let asked = std::env::var("AEGIS_THREADS").ok().and_then(|threads| threads.parse().ok());
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = asked.unwrap_or_else(all);
    let begun = Instant::now();
    let mut by = Map::new();
    let mut missed: Vec<&str> = Vec::new();
    for defect in Defect::ALL.iter().filter(chosen) {
        let hunt = hunt(Some(*defect), 1..=seeds, threads, &options);
        by.insert(defect.code().to_owned(), tell(&hunt));
        if hunt.found.is_none() {
            missed.push(defect.code());
        }
    }
    // What is found without a mistake would have been found with each.
    let most = by.values().filter_map(|found| found["seed"].as_u64()).max().unwrap_or(1);
    let clean = hunt(None, 1..=most, threads, &options);
    tell(&clean);
    let object = json!({
        "defects": by.len(),
        "found": by.len() - missed.len(),
        "missed": missed,
        "seeds_most": most,
        "clean_without": clean.found.is_none(),
        "hours": options.hours,
        "wall_s": begun.elapsed().as_secs(),
        "by": by,
    });
    println!("{object}");
    if missed.is_empty() && clean.found.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
