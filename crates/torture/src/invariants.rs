//! What must always hold, looked at after every step: cheap while nothing has changed.
//!
//! Two accounts are held against each other: the exchange's own, and the one that the witness keeps
//! from the journal. Where they may differ for a while, it is told for how long.

use crate::brain::Plan;
use crate::inject;
use crate::network::Arrival as Carried;
use crate::venue::{KEY, SECRET, Venue};
use crate::violation::{Invariant, Violation};
use crate::witness::Witness;
use crate::world::{Process, World};
use aegis_exchange::futures::{AlgoKind, Filter, SymbolRules};
use aegis_node::door::Carrier;
use aegis_types::{Nanos, Qty, SymbolId};
use aegis_venue::client::Note;
use aegis_venue::client::attempts::Phase;
use aegis_venue::server::{Arrival, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// The event by which the exchange says that it tells nothing any more.
const EXPIRED: &[u8] = b"listenKeyExpired";
/// Belief may differ from the exchange for so long while entries are allowed (R): a user stream
/// that is half open is found to be so after forty seconds, and the account is read behind that.
const DIFFERS_MAX: Nanos = Nanos::SECOND.times(60);
/// A flatten that was refused for sure must go again within this.
const BARE_MAX: Nanos = Nanos::from_millis(500);
/// How much later than the deadline the exchange may see the protection: the way there and back.
const WAY: Nanos = Nanos::SECOND.times(15);
/// More than a position needs may rest at the exchange for so long: one stop takes the place of
/// another, and what nobody follows is met in the lists, which are read each minute.
const EXCESS_MAX: Nanos = Nanos::SECOND.times(120);
/// A refused exit goes again within this.
const LEAVING: Nanos = Nanos::SECOND.times(70);
/// How far a request's date may be from the exchange's clock, where that is known.
const DATED_MAX: Nanos = Nanos::SECOND;
/// So well is it known then.
const KNOWN_TO: Nanos = Nanos::from_millis(500);
/// The exchange's code for a symbol that is not trading.
const SYMBOL_STATUS: i32 = -1122;
/// How often what changes without a request is looked at.
const EVERY: Nanos = Nanos::SECOND;

/// What is remembered of a symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The exchange's quantity, negative when short.
    truth: Qty,
    differs: Option<Nanos>,
    bare: Option<Nanos>,
    /// More rests than the position needs.
    excess: Option<Nanos>,
}

/// Has the node been told that the exchange tells it nothing any more?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deaf {
    No,
    /// It lies there to be read, since then.
    Arrived(Nanos),
    /// It was read.
    Told,
}

/// The checks and what they remember.
pub struct Checks {
    /// Requests have come to the exchange since the last look.
    pub asked: bool,
    deadline: Nanos,
    session: u64,
    next: Nanos,
    seen: Vec<Seen>,
    activity: u64,
    /// How often each client id was carried out as an order.
    placed: BTreeMap<String, u32>,
    /// Numbers of orders that arrived, and must be in the journal.
    arrived: BTreeSet<u32>,
    /// Numbers of those that were carried out.
    executed: BTreeSet<u32>,
    /// What the engine must have booked was looked at up to here.
    booked: u64,
    /// Entries that were looked at.
    entries: u64,
    /// When the brain's process came back last.
    lives: Nanos,
    /// The brain's process was told that its listen key has expired, and has had its turn since.
    deaf: Deaf,
    targets: u64,
    overruns: u64,
    /// Answers with 429 that no fault made.
    pub limited: u64,
}

impl Checks {
    /// Of a run.
    pub fn new(plan: &Plan) -> Self {
        Self {
            asked: false,
            deadline: plan.engine.stop_deadline,
            session: plan.engine.session,
            next: Nanos(i64::MIN),
            seen: vec![Seen::default(); plan.session.symbols.len()],
            activity: 0,
            placed: BTreeMap::new(),
            arrived: BTreeSet::new(),
            executed: BTreeSet::new(),
            booked: 0,
            entries: 0,
            lives: Nanos::ZERO,
            deaf: Deaf::No,
            targets: 0,
            overruns: 0,
            limited: 0,
        }
    }

    /// When a check is due by itself.
    pub const fn next(&self) -> Nanos {
        self.next
    }

    /// The client has told something: no secret is in it.
    pub fn note(&mut self, note: &Note, witness: &mut Witness) {
        let text = note.to_string();
        if text.contains(KEY) || text.contains(SECRET) {
            let what = format!("a note says it: {text}");
            witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I14, what));
        }
    }

    /// A brain has read its journal: what had left before must be in it.
    pub fn recovered(&mut self, witness: &mut Witness) {
        let lost = self.arrived.iter().find(|number| !witness.was_commanded(**number));
        if let Some(number) = lost {
            let what = format!("order {number} had arrived, and the journal does not know it");
            witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I4, what));
        }
    }

    /// Something has come to the brain's process.
    pub fn brought(&mut self, now: Nanos, what: &Carried) {
        if let Carried::Frame(bytes) = what
            && bytes.windows(EXPIRED.len()).any(|window| window == EXPIRED)
        {
            self.deaf = Deaf::Arrived(now);
        }
    }

    /// The brain's process has had a turn, and read what had come. What comes in one instant it may
    /// read in any order: an entry of that turn is not behind it.
    pub fn turned(&mut self, now: Nanos, witness: &Witness) {
        if let Deaf::Arrived(at) = self.deaf {
            self.deaf = Deaf::Told;
            if at == now {
                self.entries = witness.entries;
            }
        }
    }

    /// The brain's process has come back, and is ready to act.
    pub const fn lives(&mut self, now: Nanos) {
        self.lives = now;
    }

    /// The brain's process has died, and what it knew with it.
    pub const fn died(&mut self) {
        self.deaf = Deaf::No;
    }

    /// A request leaves the brain: is it dated by the exchange's clock, as far as that is known?
    pub fn leaves(world: &mut World, text: &str) {
        let Process::Up(brain) = &world.brain else { return };
        let Some(client) = brain.client().filter(|client| client.machine().clock().synced()) else {
            return;
        };
        let exchange = world.now.after(Nanos::from_millis(world.venue.sim.skew_ms()));
        let offset = client.machine().clock().offset();
        let error = |known: Nanos, truth: Nanos| Nanos(known.since(truth).0.abs());
        if error(offset, exchange.since(world.now.after(world.brain_skew))) > KNOWN_TO {
            return;
        }
        let dated = text.split_once("timestamp=").map(|(_, rest)| rest);
        let digits = dated.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        let Some(dated) = digits.and_then(|digits| digits.parse().ok()) else { return };
        let off = error(Nanos::from_millis(dated), exchange);
        if off > DATED_MAX {
            let what =
                format!("a request is dated {} ms off the exchange's clock", off.as_millis());
            world.witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I21, what));
        }
    }

    /// Everything is looked at that may have changed.
    ///
    /// # Errors
    /// What must not be.
    pub fn look(world: &mut World) -> Result<(), Violation> {
        if let Some(wrong) = world.witness.wrong.take() {
            return Err(wrong);
        }
        Self::books(world)?;
        Self::deaf(world)?;
        if std::mem::take(&mut world.checks.asked) {
            Self::arrivals(world)?;
            Self::fired(world);
        }
        Self::refused(world)?;
        let due = world.checks.next <= world.now;
        if due {
            world.checks.next = world.now.after(EVERY);
            Self::fired(world);
            Self::own_faults(world);
            Self::gateway(world)?;
        }
        Self::protection(world)?;
        let activity = world.venue.sim.venue().activity();
        if due || activity != world.checks.activity {
            world.checks.activity = activity;
            Self::truth(world)?;
        }
        Ok(())
    }

    /// What the engine has booked is what its journal tells.
    fn books(world: &mut World) -> Result<(), Violation> {
        let booked = world.witness.booked;
        if booked == std::mem::replace(&mut world.checks.booked, booked) {
            return Ok(());
        }
        let Process::Up(brain) = &world.brain else { return Ok(()) };
        let engine = brain.engine();
        let cash = engine.equity().saturating_plus(-engine.unrealized());
        world.witness.differs(engine.positions(), cash).map_or(Ok(()), Err)
    }

    /// No entry leaves once the node has been told that the exchange tells it nothing.
    fn deaf(world: &mut World) -> Result<(), Violation> {
        let entries = world.witness.entries;
        let entered = entries > std::mem::replace(&mut world.checks.entries, entries);
        if world.checks.deaf != Deaf::Told {
            return Ok(());
        }
        if world.venue.sim.listens(world.venue.account) {
            world.checks.deaf = Deaf::No;
            return Ok(());
        }
        if entered && matches!(world.brain, Process::Up(_)) {
            let what = "an entry leaves behind the end of the key of the user stream";
            return Err(Violation::new(Invariant::I10, what));
        }
        Ok(())
    }

    /// What was told as refused was not carried out.
    fn refused(world: &mut World) -> Result<(), Violation> {
        let executed = &world.checks.executed;
        let number = world.witness.refused.drain(..).find(|number| executed.contains(number));
        number.map_or(Ok(()), |number| {
            let what = format!("order {number} is told as refused, and was carried out");
            Err(Violation::new(Invariant::I19, what))
        })
    }

    /// Faults that acted at the exchange.
    fn fired(world: &mut World) {
        let fired: Vec<(&str, bool)> = world.venue.sim.drain_fired().collect();
        for (name, refused) in fired {
            if let Some(known) = inject::of_exchange(world, name).filter(|_| !refused) {
                world.trouble.fire(known);
            }
        }
    }

    /// The gateway had nothing to stop: what reached it was what was approved.
    fn gateway(world: &World) -> Result<(), Violation> {
        let Process::Up(brain) = &world.brain else { return Ok(()) };
        let stopped = brain.client().map_or(0, |c| c.machine().gateway().counts().stopped);
        if stopped > 0 {
            let what = format!("the gateway stopped {stopped} requests that were not approved");
            return Err(Violation::new(Invariant::I5, what));
        }
        Ok(())
    }

    /// Faults that come by themselves.
    fn own_faults(world: &mut World) {
        let targets = world.witness.targets;
        if targets > std::mem::replace(&mut world.checks.targets, targets) {
            world.trouble.fire("target_filled");
        }
        let overruns = world.brain.up().map_or(0, |brain| brain.overruns);
        let before = std::mem::replace(&mut world.checks.overruns, overruns);
        if overruns > before && !world.trouble.is_over() {
            world.trouble.fire("overrun");
        }
    }

    /// What has arrived at the exchange: each order once, as it was approved.
    fn arrivals(world: &mut World) -> Result<(), Violation> {
        let arrivals: Vec<Arrival> = world.venue.sim.drain_arrivals().collect();
        for arrival in &arrivals {
            Self::arrival(world, arrival)?;
        }
        Ok(())
    }

    fn arrival(world: &mut World, arrival: &Arrival) -> Result<(), Violation> {
        let checks = &mut world.checks;
        if arrival.status == Some(429) && arrival.fault.is_none() {
            checks.limited += 1;
            let (method, path) = (&arrival.method, &arrival.path);
            let what = format!("{method} {path} was answered with 429, and no fault made it");
            return Err(Violation::new(Invariant::I17, what));
        }
        let places = arrival.method == "POST"
            && (arrival.path == "/fapi/v1/order" || arrival.path == "/fapi/v1/algoOrder");
        let Some(id) = arrival.client_ids.first().filter(|_| places) else { return Ok(()) };
        if arrival.outcome == Outcome::Executed {
            let count = checks.placed.entry(id.clone()).or_default();
            *count += 1;
            if *count > 1 {
                let what = format!("{id} was carried out {count} times");
                return Err(Violation::new(Invariant::I4, what));
            }
        }
        let number = aegis_types::ClientOrderId::parse(id)
            .filter(|id| id.session == checks.session)
            .map(|id| id.number);
        let Some(number) = number else {
            let what = format!("{id} is no id of this session");
            return Err(Violation::new(Invariant::I4, what));
        };
        checks.arrived.insert(number);
        // Of what the exchange itself does not find, nobody can know.
        let done = arrival.outcome == Outcome::Executed && !is_hidden(&world.venue, id);
        if done {
            checks.executed.insert(number);
        }
        let Some(known) = world.witness.order(number) else {
            // Its brain has died meanwhile; the next one's journal is asked.
            return match world.brain {
                Process::Up(_) if !world.witness.was_commanded(number) => {
                    let what = format!("{id} arrived and is not in the journal");
                    Err(Violation::new(Invariant::I4, what))
                }
                _ => Ok(()),
            };
        };
        if known.refused && done {
            let what = format!("{id} is carried out after it was told as refused");
            return Err(Violation::new(Invariant::I19, what));
        }
        let param = |name: &str| {
            let mut pairs = arrival.params.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
        };
        let qty: Option<Qty> = param("quantity").and_then(|text| text.parse().ok());
        if qty.is_some_and(|qty| qty > known.order.qty) {
            let what = format!("{id} asks for {qty:?}, approved was {}", known.order.qty);
            return Err(Violation::new(Invariant::I5, what));
        }
        let reduces = param("reduceOnly") == Some("true") || param("closePosition") == Some("true");
        // A fault has eaten the protection: the node finds out, and has the same time again. Of a
        // symbol that is halted nothing is taken.
        if known.order.reduce_only
            && (arrival.fault.is_some() || arrival.code == SYMBOL_STATUS)
            && arrival.outcome != Outcome::Executed
            && let Some(seen) = checks.seen.get_mut(known.order.symbol.index())
        {
            seen.bare = None;
        }
        if known.order.reduce_only && !reduces {
            let what = format!("{id} must only reduce: {}", arrival.params);
            return Err(Violation::new(Invariant::I9, what));
        }
        Ok(())
    }

    /// What the journal says of protection, by the engine's time.
    fn protection(world: &mut World) -> Result<(), Violation> {
        if !world.witness.exposed() {
            return Ok(());
        }
        let reaches = world.reaches();
        let stalled = world.now < world.brain_stalled;
        let Process::Up(brain) = &world.brain else { return Ok(()) };
        if !brain.is_live() || !reaches || stalled {
            return Ok(());
        }
        let now = world.now.after(world.brain_skew).max(brain.engine_now());
        for index in 0..world.checks.seen.len() {
            let symbol = SymbolId(index as u16);
            let held = world.witness.holding(symbol);
            let (Some(unprotected), Some(bare)) = (held.unprotected, held.bare) else { continue };
            let late = now.since(unprotected) > world.checks.deadline.after(Nanos::MILLISECOND);
            // Where the exchange has closed it meanwhile, nothing is at risk: that is I11's matter.
            let at_risk = || !held_at(world, symbol).is_zero();
            // A brain that has come back in this instant has not had its first turn.
            let tried = world.now.since(world.checks.lives) > BARE_MAX;
            if late && tried && now.since(bare) > BARE_MAX && at_risk() {
                let what = format!(
                    "{} of {} has had no stop for {} ms and no exit for {} ms",
                    held.qty,
                    world.plan.session.symbols.name(symbol),
                    now.since(unprotected).as_millis(),
                    now.since(bare).as_millis(),
                );
                return Err(Violation::new(Invariant::I3, what));
            }
        }
        Ok(())
    }

    /// The exchange's own account.
    fn truth(world: &mut World) -> Result<(), Violation> {
        Self::ledger(world)?;
        let reaches = world.reaches();
        for index in 0..world.checks.seen.len() {
            Self::position(world, SymbolId(index as u16), reaches)?;
        }
        Ok(())
    }

    fn ledger(world: &World) -> Result<(), Violation> {
        let (core, account) = (world.venue.sim.venue(), world.venue.account);
        let wrong = |what: String| Violation::new(Invariant::I6, what);
        let record = core.account(account).map_err(|e| wrong(format!("{e:?}")))?;
        let l = core.ledger(account).map_err(|e| wrong(format!("{e:?}")))?;
        let sum = l.deposits.raw() + l.realized.raw() - l.fees.raw() + l.funding.raw()
            - l.liquidation_fees.raw();
        if record.wallet.raw() != sum {
            return Err(wrong(format!("the wallet is {}, its parts are {l:?}", record.wallet)));
        }
        Ok(())
    }

    fn position(world: &mut World, symbol: SymbolId, reaches: bool) -> Result<(), Violation> {
        let now = world.now;
        let truth = held_at(world, symbol);
        let believed = world.witness.holding(symbol).qty;
        let seen = &mut world.checks.seen[symbol.index()];
        let before = std::mem::replace(&mut seen.truth, truth);
        let turned = before.raw().signum() * truth.raw().signum() < 0;
        if turned && !world.trouble.has("foreign_order") {
            let what = format!("symbol {} went from {before} to {truth}", symbol.0);
            return Err(Violation::new(Invariant::I9, what));
        }
        let acts = reaches && allowed(world);
        let bare = !truth.is_zero() && believed == truth && !guarded(world, symbol, truth);
        // Who is leaving does not change his stop any more; an exit that is refused goes again.
        let exit_at = world.witness.holding(symbol).exit_at;
        let leaves = exit_at.is_some_and(|at| world.witness.now.since(at) <= LEAVING);
        let settled = truth.is_zero() || !leaves;
        let excess = acts && believed == truth && settled;
        let excess = if excess { in_excess(world, symbol, truth) } else { None };
        let seen = &mut world.checks.seen[symbol.index()];
        seen.excess = excess.as_ref().map(|_| seen.excess.unwrap_or(now));
        if let Some(since) = seen.excess.filter(|since| now.since(*since) > EXCESS_MAX) {
            let what = format!(
                "{}: at a position of {truth} there rest {} for {} s",
                world.plan.session.symbols.name(symbol),
                excess.unwrap_or_default(),
                now.since(since).0 / Nanos::SECOND.0,
            );
            return Err(Violation::new(Invariant::I20, what));
        }
        let seen = &mut world.checks.seen[symbol.index()];
        seen.differs = (truth != believed && acts).then(|| seen.differs.unwrap_or(now));
        seen.bare = (bare && reaches).then(|| seen.bare.unwrap_or(now));
        if let Some(since) = seen.differs.filter(|since| now.since(*since) > DIFFERS_MAX) {
            let what = format!(
                "{}: believed {believed}, the exchange has {truth}, for {} s while entries are \
                 allowed",
                world.plan.session.symbols.name(symbol),
                now.since(since).0 / Nanos::SECOND.0,
            );
            return Err(Violation::new(Invariant::I11, what));
        }
        let most = world.checks.deadline.after(WAY);
        if let Some(since) = seen.bare.filter(|since| now.since(*since) > most) {
            let what = format!(
                "{}: {truth} has rested at the exchange without stop and exit for {} s",
                world.plan.session.symbols.name(symbol),
                now.since(since).0 / Nanos::SECOND.0,
            );
            return Err(Violation::new(Invariant::I3, what));
        }
        Ok(())
    }
}

/// What the exchange holds of a symbol, negative when short.
pub fn held_at(world: &World, symbol: SymbolId) -> Qty {
    let positions = world.venue.sim.venue().positions(world.venue.account, Some(symbol));
    positions
        .map_or(Qty::ZERO, |all| all.iter().fold(Qty::ZERO, |sum, p| sum.saturating_plus(p.qty)))
}

/// The grid of quantities at the exchange, and the least that an order may be of.
fn grid(world: &World, symbol: SymbolId) -> [Qty; 2] {
    let rules = world.venue.sim.venue().rules().get(symbol.index());
    let of = |rules: &SymbolRules| (rules.instrument.step, rules.instrument.qty_min);
    let (step, least) = rules.map_or((Qty::ZERO, Qty::ZERO), of);
    [step, least.max(step)]
}

/// Does a stop over all of it rest at the exchange, or an order that closes it?
pub fn guarded(world: &World, symbol: SymbolId, qty: Qty) -> bool {
    let (core, account) = (world.venue.sim.venue(), world.venue.account);
    let closes = |side: aegis_types::Side| (side.sign() > 0) == qty.is_negative();
    let algos = core.open_algos(account, Some(symbol)).unwrap_or_default();
    // What is less than a step, no order can be of: grids become coarser, and ADL knows none.
    let [step, least] = grid(world, symbol);
    if qty.abs() < least {
        return true;
    }
    let most = qty.abs().saturating_plus(-step);
    let stops = algos.iter().any(|algo| {
        matches!(algo.kind, AlgoKind::StopMarket)
            && closes(algo.side)
            && (algo.close_position || algo.reduce_only && algo.qty > most)
    });
    let exits = || {
        let filter = Filter { symbol: Some(symbol), ..Filter::default() };
        let orders = core.open_orders(account, filter.symbol).unwrap_or_default();
        orders.iter().any(|order| order.reduce_only && closes(order.side))
    };
    stops || exits()
}

/// Does a fault hide the conditional order of this client id?
fn is_hidden(venue: &Venue, id: &str) -> bool {
    let algos = venue.sim.venue().open_algos(venue.account, None).unwrap_or_default();
    let of_id = algos.iter().find(|algo| algo.client_id.as_str() == id);
    of_id.is_some_and(|algo| venue.sim.hides(venue.account, algo.id))
}

/// What rests at the exchange beyond what a position needs: anything of ours where nothing is held,
/// stops over more than is held, or of the other side.
fn in_excess(world: &World, symbol: SymbolId, qty: Qty) -> Option<String> {
    let (core, account) = (world.venue.sim.venue(), world.venue.account);
    let mut algos = core.open_algos(account, Some(symbol)).unwrap_or_default();
    // What the exchange itself does not find, nobody can take back.
    algos.retain(|algo| !world.venue.sim.hides(account, algo.id));
    if qty.is_zero() {
        let orders = core.open_orders(account, Some(symbol)).unwrap_or_default();
        let orders = orders.iter().filter(|order| order.reduce_only).count();
        return (algos.len() + orders > 0)
            .then(|| format!("{} conditional orders and {orders} others", algos.len()));
    }
    let [step, least] = grid(world, symbol);
    if qty.abs() < least {
        return None;
    }
    let stops = algos.iter().filter(|algo| matches!(algo.kind, AlgoKind::StopMarket));
    let over = stops.fold(Qty::ZERO, |sum, stop| {
        let closes = (stop.side.sign() > 0) == qty.is_negative();
        sum.saturating_plus(if closes && stop.close_position { qty.abs() } else { stop.qty })
    });
    (over >= qty.abs().saturating_plus(step)).then(|| format!("stops over {over}"))
}

/// Are entries allowed, as far as the node knows, and is nothing of it open to doubt?
fn allowed(world: &World) -> bool {
    let Process::Up(brain) = &world.brain else { return false };
    let sure = brain.client().is_some_and(|client| {
        let machine = client.machine();
        let waits = |phase: &Phase| !matches!(phase, Phase::Open | Phase::Over);
        machine.ready() && !machine.attempts().all().iter().any(|a| waits(&a.phase))
    });
    brain.is_live() && sure && brain.engine().entries_allowed() && world.now >= world.brain_stalled
}
