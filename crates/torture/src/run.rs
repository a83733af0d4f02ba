//! One seed from its start to its end: a phase with faults, then one in which everything must
//! become whole again.

use crate::brain::Brain;
use crate::carrier::SimVenue;
use crate::invariants::{guarded, held_at};
use crate::options::{Options, Outcome};
use crate::venue::{KEY, SECRET};
use crate::violation::{Invariant, Violation};
use crate::weather::Trouble;
use crate::world::{Process, World};
use aegis_node::door::Carrier;
use aegis_types::{Cause, Nanos, SymbolId, TradingState};
use aegis_venue::client::attempts::Phase;

/// Within this time after the last fault everything is whole again. The pause that a firewall asks
/// for is five minutes, a ban's is two.
const WHOLE_WITHIN: Nanos = Nanos::MINUTE.times(15);
/// How often that is looked for.
const LOOK: Nanos = Nanos::SECOND.times(10);

/// Runs a seed.
pub fn run(seed: u64, options: &Options) -> Outcome {
    match World::new(seed, options) {
        Ok(world) => story(world, options),
        Err(why) => Outcome {
            seed,
            violation: Some((Violation::new(Invariant::I16, why), String::new(), 0)),
            ..Outcome::default()
        },
    }
}

fn story(mut world: World, options: &Options) -> Outcome {
    let start = world.now;
    let ended = phases(&mut world, options);
    let mut outcome = Outcome {
        seed: world.seed,
        steps: world.steps,
        simulated_s: world.now.since(start).0 as f64 / 1e9,
        facts: world.venue.sim.told(),
        entries: world.witness.entries,
        fills: world.witness.told,
        restarts: world.restarts(),
        snapshots: world.snapshots,
        limited: world.checks.limited,
        crash_loops: world.crash_loops,
        loops: world.loops,
        fired: world.trouble.fired.clone(),
        drawn: world.trouble.names(),
        trace: world.trace,
        ..Outcome::default()
    };
    if let Some(brain) = world.brain.up() {
        outcome.events = brain.events();
        outcome.trades = u64::from(brain.engine().trades());
    }
    if let Err(violation) = ended {
        outcome.violation = Some((violation, world.now.utc().to_string(), world.steps));
    }
    if outcome.violation.is_some() || options.trace {
        outcome.story = world.diary.lines().map(str::to_owned).collect();
        outcome.story.push(format!("signals turned away: {:?}", world.witness.denials));
        if let Some(brain) = world.brain.up() {
            outcome.story.extend(brain.recorder().news());
            outcome.story.extend(brain.client().map(SimVenue::what_wakes));
        }
    }
    outcome
}

fn phases(world: &mut World, options: &Options) -> Result<(), Violation> {
    let span = Nanos((options.hours * 3_600e9) as i64);
    let end = world.now.after(span);
    while world.now < end {
        world.step(end)?;
    }
    Trouble::stop(world);
    world.diary.note(world.now, || "faults stop".to_owned());
    let end = world.now.after(WHOLE_WITHIN);
    loop {
        let until = world.now.after(LOOK);
        while world.now < until {
            world.step(until)?;
        }
        let missing = match what_is_missing(world) {
            None => break,
            Some(missing) => missing,
        };
        if world.now >= end {
            return Err(Violation::new(Invariant::I16, missing));
        }
    }
    secrets(world)?;
    again(world)
}

/// What is not whole yet.
fn what_is_missing(world: &World) -> Option<String> {
    let Process::Up(brain) = &world.brain else { return Some("there is no brain".to_owned()) };
    let Process::Up(feed) = &world.feed else { return Some("there is no feed".to_owned()) };
    if !brain.is_live() || !feed.is_live() {
        return Some("brain or feed is not live".to_owned());
    }
    let machine = brain.client()?.machine();
    let waits = |phase: &Phase| !matches!(phase, Phase::Open | Phase::Over);
    if let Some(attempt) = machine.attempts().all().iter().find(|a| waits(&a.phase)) {
        let (number, phase) = (attempt.order.id.number, attempt.phase);
        return Some(format!("order {number} is still {phase:?}"));
    }
    if !machine.ready() {
        return Some("the client is not ready for entries".to_owned());
    }
    for index in 0..world.plan.session.symbols.len() {
        let symbol = SymbolId(index as u16);
        let (truth, believed) = (held_at(world, symbol), world.witness.holding(symbol).qty);
        let name = world.plan.session.symbols.name(symbol);
        // What somebody else holds is left alone, and nothing is entered beside it.
        let ours = truth == believed || world.trouble.fired.contains_key("foreign_order");
        if !ours {
            return Some(format!("{name}: believed {believed}, the exchange has {truth}"));
        }
        if !believed.is_zero() && truth == believed && !guarded(world, symbol, truth) {
            return Some(format!("{name}: {truth} has no stop at the exchange"));
        }
    }
    let wallet = world.venue.sim.venue().account(world.venue.account).ok().map(|a| a.wallet);
    if machine.account().wallet() != wallet {
        let believed = machine.account().wallet();
        return Some(format!("the wallet is believed {believed:?}, and is {wallet:?}"));
    }
    if !world.rows.is_drained() {
        return Some("rows wait for the database".to_owned());
    }
    let stays = |cause: &Cause| {
        let foreign = world.trouble.fired.contains_key("foreign_order");
        let foreign = foreign && matches!(cause, Cause::Foreign | Cause::Mismatch);
        // Under a position the exchange lowers no leverage: that has to wait for its end.
        let holds = || world.plan.session.symbols.ids().any(|id| !held_at(world, id).is_zero());
        let leverage = *cause == Cause::Leverage
            && world.trouble.fired.contains_key("leverage_differs")
            && holds();
        let ours = matches!(cause, Cause::Operator | Cause::DailyLoss | Cause::Drawdown);
        foreign || leverage || ours
    };
    let engine = brain.engine();
    if engine.state() != TradingState::Active
        && let Some(cause) = engine.causes().find(|cause| !stays(cause))
    {
        return Some(format!("entries are still stopped: {}", cause.meaning()));
    }
    None
}

/// Is the word in these bytes? It is looked for from its end, so that most are not looked at
/// (Horspool 1980).
fn holds(bytes: &[u8], word: &[u8]) -> bool {
    let Some((last, before)) = word.split_last() else { return true };
    let mut shifts = [word.len(); 256];
    for (at, byte) in before.iter().enumerate() {
        shifts[usize::from(*byte)] = before.len() - at;
    }
    let mut end = before.len();
    while let Some(byte) = bytes.get(end) {
        if byte == last && bytes[end - before.len()..end] == *before {
            return true;
        }
        end += shifts[usize::from(*byte)];
    }
    false
}

/// No secret is in what the node has written.
fn secrets(world: &World) -> Result<(), Violation> {
    for (path, _) in world.disk.files() {
        let bytes = world.disk.contents(&path).unwrap_or_default();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        if [KEY, SECRET].iter().any(|word| holds(&bytes[..end], word.as_bytes())) {
            let what = format!("{} holds it", path.display());
            return Err(Violation::new(Invariant::I14, what));
        }
    }
    if let Process::Up(brain) = &world.brain
        && let Some(line) =
            brain.recorder().news().iter().find(|line| line.contains(KEY) || line.contains(SECRET))
    {
        return Err(Violation::new(Invariant::I14, format!("the news say it: {line}")));
    }
    Ok(())
}

/// From here on the journal is read from its first record.
fn without_snapshots(world: &World) -> std::io::Result<()> {
    let disk = world.disk.disk();
    let of = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "bin");
    let mut files = world.disk.files().into_iter().map(|(path, _)| path).filter(of);
    files.try_for_each(|path| disk.remove(&path))
}

/// The whole journal is stepped through again: the same records, and the same state at its end.
fn again(world: &mut World) -> Result<(), Violation> {
    let wrong = |what: String| Violation::new(Invariant::I7, what);
    let Process::Up(brain) = &mut world.brain else { return Ok(()) };
    brain.flush().map_err(|e| wrong(e.to_string()))?;
    let (before, digest) = (brain.state(), brain.recorder().tally().digest());
    world.disk.kill();
    without_snapshots(world).map_err(|e| wrong(e.to_string()))?;
    let opened = Brain::open(&world.plan, &world.disk, world.brain_machinery());
    let (mut second, _) = opened.map_err(|e| wrong(e.to_string()))?;
    let mut witness = world.witness.clone();
    witness.begin_again();
    second.recover(&mut witness).map_err(|e| wrong(e.to_string()))?;
    if let Some(violation) = witness.wrong {
        return Err(violation);
    }
    if second.recorder().tally().digest() != digest {
        return Err(wrong("the digest of the orders differs".to_owned()));
    }
    if second.first_record() != 0 {
        return Err(wrong("the whole journal was not stepped through".to_owned()));
    }
    let state = second.state();
    if state != before {
        return Err(wrong(format!("the engine's state was {before} and is {state}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn a_word_is_found_wherever_it_is() {
        let word = b"canary-key-ary";
        for before in 0..40 {
            let mut bytes = vec![b'y'; before];
            assert!(!holds(&bytes, word));
            bytes.extend_from_slice(word);
            assert!(holds(&bytes, word), "behind {before}");
            bytes.extend_from_slice(b"ary-");
            assert!(holds(&bytes, word), "behind {before}");
        }
        assert!(!holds(b"canary-key-arcanary-key-arx", word));
    }
}
