//! `aegis bench`.

use crate::{args, output};
use aegis_bench::{NAMES, Options, run};
use aegis_node::{EXIT_OK, Failure};

pub fn bench(args: &args::Bench) -> Result<i32, Failure> {
    let options = Options {
        seconds: args.soak.unwrap_or(args.seconds),
        data: args.data.clone(),
        soak: args.soak.is_some(),
        rounds: args.rounds,
        peer: args.peer.clone(),
    };
    let names: &[&str] = if args.name == "all" { &NAMES } else { &[args.name.as_str()] };
    for name in names {
        let object =
            run(name, &options).map_err(|e| Failure::failed(format!("bench {name}: {e}"), ""))?;
        if args.json {
            output::line(&object)?;
        } else {
            output::line(name)?;
            for (key, value) in object.as_object().into_iter().flatten() {
                output::line(format_args!("  {key:<34} {value}"))?;
            }
        }
    }
    Ok(EXIT_OK)
}
