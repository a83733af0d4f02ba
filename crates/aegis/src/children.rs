//! `aegis feed` and `aegis brain`.

use crate::{args, context};
use aegis_node::exchange_child::Account;
use aegis_node::logging::{self, Format};
use aegis_node::protocol::{Report, send};
use aegis_node::{EXIT_FAILED, Failure, brain, feed, handover};
use aegis_ring::Wait;
use aegis_wire::Secret;
use std::time::Duration;

fn start(child: &args::Child, name: &'static str) -> Result<(), Failure> {
    let format = if child.log_format == "json" { Format::Json } else { Format::Text };
    logging::start(&child.log_level, format, &child.environment, child.log_file.as_deref())
        .map_err(|e| Failure::failed(format!("log file: {e}"), "check the state folder"))?;
    logging::log_panics(name);
    Ok(())
}

/// Says why before it exits: in the log, and to the orchestrator.
fn ended(child: &args::Child, result: Result<i32, Failure>) -> Result<i32, Failure> {
    let Err(failure) = result else { return result };
    tracing::error!("{failure}");
    if child.supervised {
        let Failure { what, hint, code } = failure.clone();
        send(&Report::Failed { what, hint, permanent: code != EXIT_FAILED });
        return Ok(failure.code);
    }
    Err(failure)
}

pub fn feed(args: &args::Feed) -> Result<i32, Failure> {
    start(&args.child, "feed")?;
    let run = feed::run(&feed::Args {
        home: context::home_path()?,
        run: args.child.run.clone(),
        position: args.position,
        since_ms: args.since,
        speed: args.speed,
        slots: args.slots,
        supervised: args.child.supervised,
    });
    ended(&args.child, run)
}

/// The account's keys, which only this child is given, and only when orders go there. One that was
/// started by hand has them from its environment.
fn keys(args: &args::Brain) -> Result<Option<Account>, Failure> {
    if !args.child.supervised {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pair = given("BINANCE_API_KEY").zip(given("BINANCE_API_SECRET"));
        return Ok(
            pair.map(|(key, secret)| Account { key: Secret::new(key), secret: Secret::new(secret) })
        );
    }
    if !args.armed {
        return Ok(None);
    }
    handover::take(&mut handover::Stdin).map(Some).map_err(|e| {
        Failure::failed(format!("the orchestrator gave no keys: {e}"), "start with `aegis run`")
    })
}

pub fn brain(args: &args::Brain) -> Result<i32, Failure> {
    start(&args.child, "brain")?;
    let wait = match args.wait.as_str() {
        "spin" => Wait::Spin,
        "sleep" => Wait::Sleep(Duration::from_millis(1)),
        _ => Wait::default(),
    };
    let keys = match keys(args) {
        Ok(keys) => keys,
        Err(failure) => return ended(&args.child, Err(failure)),
    };
    let run = brain::run(&brain::Args {
        home: context::home_path()?,
        run: args.child.run.clone(),
        wait,
        speed: args.speed,
        supervised: args.child.supervised,
        store_rows: args.store_rows,
        armed: args.armed,
        keys,
        store: std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()),
    });
    ended(&args.child, run)
}
