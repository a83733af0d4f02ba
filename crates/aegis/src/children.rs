//! `aegis feed` and `aegis brain`.

use crate::{args, context};
use aegis_node::claim::Claim;
use aegis_node::exchange_child::Account;
use aegis_node::hardening::{self, InForce, Paths};
use aegis_node::home::Home;
use aegis_node::logging::{self, Format};
use aegis_node::protocol::{Report, send};
use aegis_node::{EXIT_FAILED, Failure, brain, feed, handover, identity};
use aegis_ring::Wait;
use aegis_wire::Secret;
use std::time::{Duration, Instant};

/// How long the lock of the account is waited for.
const CLAIM_WITHIN: Duration = Duration::from_secs(5);

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

/// Takes from this process what it has no business with. Before its first thread.
fn harden(name: &'static str, paths: Result<Paths, Failure>) -> Result<(), Failure> {
    hardening::process();
    hardening::keyring();
    let in_force = InForce::now(hardening::files(&paths?));
    hardening::tell(name, &in_force);
    Ok(())
}

/// Is this the program that its orchestrator is?
fn verify(child: &args::Child) -> Result<(), Failure> {
    match std::env::var(identity::BUILD) {
        Ok(words) if child.supervised => identity::verify(&words),
        _ => Ok(()),
    }
}

/// The account is held by this brain, too, which may outlive its orchestrator. The last brain may
/// be about to end.
fn claim(args: &args::Brain) -> Result<Option<Claim>, Failure> {
    let Some(path) = &args.claim else { return Ok(None) };
    let (home, until) = (context::home_path()?, Instant::now() + CLAIM_WITHIN);
    loop {
        let claim = Claim::hold(path, &home, "the account");
        if claim.is_ok() || Instant::now() > until {
            return claim.map(Some);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn feed(args: &args::Feed) -> Result<i32, Failure> {
    start(&args.child, "feed")?;
    if let Err(failure) = verify(&args.child) {
        return ended(&args.child, Err(failure));
    }
    let home = Home::of_running(&context::home_path()?);
    if let Err(failure) = harden("feed", Paths::of_feed(&home, &args.child.run)) {
        return ended(&args.child, Err(failure));
    }
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
        return Ok(pair
            .map(|(key, secret)| Account { key: Secret::new(key), secret: Secret::new(secret) }));
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
    let claim = match verify(&args.child).and_then(|()| claim(args)) {
        Ok(claim) => claim,
        Err(failure) => return ended(&args.child, Err(failure)),
    };
    let store = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let hardened =
        context::home().and_then(|home| harden("brain", Paths::of_brain(&home, store.as_deref())));
    let keys = match hardened.and_then(|()| keys(args)) {
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
        store,
    });
    drop(claim);
    ended(&args.child, run)
}
