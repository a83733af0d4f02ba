//! Step machine: what the node believes against what truly is.
//!
//! | held | how it is seen from outside |
//! |---|---|
//! | I1 | symbols with a position of ours, after every fill |
//! | I4 | requests that place, by id: journalled before, never again after what could be a yes |
//! | I5 | executed and requested quantity against the journal's order |
//! | I6 | wallet of the journal = wallet of the exchange = its ledger |
//! | I8 | each fill of the exchange once in the journal |
//! | I9 | a fill of an order that is no entry makes a position smaller and does not turn it |
//! | I11 | positions and resting orders of both |
//! | I12 | every number of every order is one |

use super::belief::{Belief, Heard};
use super::truth::{TrueFill, TrueRequest, Truth};
use aegis_types::{ClientOrderId, Fill, OrderReason, Px, Qty};
use std::collections::{BTreeMap, BTreeSet};

/// What a round is judged by.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Symbols in which somebody else opened a position; what happens there is not ours.
    pub foreign: BTreeSet<String>,
    /// What happened later, by the market's clock, nobody could hear any more.
    pub until_ms: i64,
    /// Most positions at once.
    pub positions_max: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// In words, one each.
    pub words: Vec<String>,
    /// Fills of the exchange that the journal does not have.
    pub fills_lost: u64,
    /// Fills that the journal has more than once.
    pub fills_doubled: u64,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, what: impl Into<String>) {
        self.words.push(what.into());
    }
}

/// Faults after which nobody can know whether the request was carried out.
const UNKNOWN: [&str; 6] = [
    "reply_cut",
    "reply_delay",
    "http_408",
    "http_503_unknown_executed",
    "http_503_unknown_lost",
    "minus_1007",
];

/// Compares both.
pub fn judge(belief: &Belief, truth: &Truth, terms: &Terms) -> Findings {
    let mut found = Findings::default();
    fills(belief, truth, terms, &mut found);
    positions(belief, truth, terms, &mut found);
    resting(belief, truth, terms, &mut found);
    requests(belief, truth, &mut found);
    course(belief, truth, terms, &mut found);
    if truth.wallet != truth.ledger {
        found.add(format!(
            "the exchange's wallet {} is not its ledger's {}",
            truth.wallet, truth.ledger
        ));
    }
    let late = truth.fills.iter().any(|fill| fill.time_ms > terms.until_ms);
    if let Some(wallet) = belief.wallet
        && wallet != truth.wallet
        && !late
    {
        found.add(format!("wallet: believed {wallet}, truly {} (I6)", truth.wallet));
    }
    found
}

/// Must this fill be believed in? Of those behind the end only the ones that were heard of.
fn heard(belief: &Belief, truth: &Truth, terms: &Terms, fill: &TrueFill) -> bool {
    let ours = truth.ours(fill).is_some() || !terms.foreign.contains(&fill.symbol);
    let booked = || {
        let name = |symbol| belief.symbols.name(symbol) == fill.symbol;
        belief.fills.iter().any(|h| h.fill.trade_id == fill.id && name(h.fill.symbol))
    };
    ours && (fill.time_ms <= terms.until_ms || booked())
}

fn fills(belief: &Belief, truth: &Truth, terms: &Terms, found: &mut Findings) {
    let mut counts: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    for Heard { fill, .. } in &belief.fills {
        *counts.entry((belief.symbols.name(fill.symbol), fill.trade_id)).or_default() += 1;
    }
    for ((symbol, id), count) in &counts {
        if *count > 1 {
            found.fills_doubled += count - 1;
            found.add(format!("fill {id} of {symbol} was booked {count} times (I8)"));
        }
    }
    let mut inferred = inferred(belief);
    for fill in truth.fills.iter().filter(|fill| heard(belief, truth, terms, fill)) {
        if !counts.contains_key(&(fill.symbol.as_str(), fill.id))
            && !inferred.take(&fill.symbol, fill.qty)
        {
            found.fills_lost += 1;
            let (symbol, id, order) = (&fill.symbol, fill.id, fill.order);
            let client = truth.orders.get(&order).map_or("", |order| order.client.as_str());
            let qty = fill.qty;
            found.add(format!("fill {id} of {symbol}, {qty} for order `{client}`, is not booked"));
        }
    }
}

/// Quantities that were booked without the exchange's own trade, by symbol.
struct Inferred(BTreeMap<String, Vec<Qty>>);

impl Inferred {
    /// Was this quantity booked so?
    fn take(&mut self, symbol: &str, qty: Qty) -> bool {
        let Some(open) = self.0.get_mut(symbol) else { return false };
        let place = open.iter().position(|booked| *booked == qty);
        place.map(|place| open.remove(place)).is_some()
    }
}

fn inferred(belief: &Belief) -> Inferred {
    let mut by_symbol: BTreeMap<String, Vec<Qty>> = BTreeMap::new();
    for Heard { fill, .. } in
        belief.fills.iter().filter(|heard| heard.fill.trade_id >= Fill::INFERRED)
    {
        let name = belief.symbols.name(fill.symbol).to_owned();
        by_symbol.entry(name).or_default().push(super::signed(fill.side, fill.qty));
    }
    Inferred(by_symbol)
}

/// Signed positions from the exchange's fills, as far as they are ours.
fn true_positions(belief: &Belief, truth: &Truth, terms: &Terms) -> BTreeMap<String, Qty> {
    let mut positions: BTreeMap<String, Qty> = BTreeMap::new();
    for fill in truth.fills.iter().filter(|fill| heard(belief, truth, terms, fill)) {
        let position = positions.entry(fill.symbol.clone()).or_default();
        *position = position.saturating_plus(fill.qty);
    }
    positions.retain(|_, qty| !qty.is_zero());
    positions
}

fn positions(belief: &Belief, truth: &Truth, terms: &Terms, found: &mut Findings) {
    let believed: BTreeMap<String, Qty> = belief
        .positions()
        .into_iter()
        .map(|(symbol, qty)| (belief.symbols.name(symbol).to_owned(), qty))
        .collect();
    let truly = true_positions(belief, truth, terms);
    let names: BTreeSet<&String> = believed.keys().chain(truly.keys()).collect();
    for name in names {
        let of = |positions: &BTreeMap<String, Qty>| positions.get(name).copied();
        let (ours, theirs) = (of(&believed).unwrap_or_default(), of(&truly).unwrap_or_default());
        if ours != theirs {
            found.add(format!("position in {name}: believed {ours}, truly {theirs} (I11)"));
        }
    }
}

fn resting(belief: &Belief, truth: &Truth, terms: &Terms, found: &mut Findings) {
    let plain = truth.orders.values().filter(|order| order.live).map(|order| &order.client);
    let rest = truth.algos.iter().filter(|algo| algo.ended_ms.is_none()).map(|algo| &algo.client);
    let ids = |client: &String| ClientOrderId::parse(client);
    let truly: BTreeSet<ClientOrderId> = plain.chain(rest).filter_map(ids).collect();
    // What ended while the node was ending may have been heard of or not.
    let late = |ended: Option<i64>| ended.is_some_and(|ms| ms > terms.until_ms);
    let open: BTreeSet<ClientOrderId> = truth
        .algos
        .iter()
        .filter(|algo| late(algo.ended_ms))
        .filter_map(|algo| ids(&algo.client))
        .collect();
    for (id, sent) in &belief.orders {
        let (ended, rests) = (sent.ended.is_some(), truly.contains(id));
        if sent.unknown && !ended {
            found.add(format!("order {id} is unknown to the end"));
        } else if ended && rests {
            found.add(format!("order {id} rests, and is believed to have ended (I11)"));
        } else if !ended && sent.accepted.is_some() && !rests && !open.contains(id) {
            found.add(format!("order {id} does not rest, and is believed to (I11)"));
        }
    }
    for id in truly.iter().filter(|id| !belief.orders.contains_key(id)) {
        found.add(format!("order {id} rests, and is not in the journal (I4)"));
    }
}

/// A number in a request's parameters.
fn number<'a>(request: &'a TrueRequest, key: &str) -> Option<&'a str> {
    let pairs = request.params.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

fn could_be_a_yes(request: &TrueRequest) -> bool {
    let unknown = request.fault.as_deref().is_some_and(|fault| UNKNOWN.contains(&fault));
    request.executed || request.status.is_none() || unknown
}

fn requests(belief: &Belief, truth: &Truth, found: &mut Findings) {
    let mut before: BTreeMap<&str, Vec<&TrueRequest>> = BTreeMap::new();
    for request in truth.requests.iter().filter(|request| request.places()) {
        let Some(id) = ClientOrderId::parse(&request.client) else { continue };
        let earlier = before.entry(&request.client).or_default();
        if earlier.iter().any(|request| could_be_a_yes(request)) {
            found.add(format!("order {id} was sent again at {} ms (I4)", request.market_ms));
        }
        earlier.push(request);
        let Some(sent) = belief.orders.get(&id) else {
            found.add(format!("order {id} was sent, and is not in the journal (I4)"));
            continue;
        };
        let closes = number(request, "closePosition") == Some("true");
        match number(request, "quantity").map(str::parse::<Qty>) {
            Some(Ok(qty)) if qty.is_positive() && qty <= sent.order.qty => {}
            None if closes => {}
            qty => found.add(format!("order {id}: {} approved, {qty:?} sent (I5)", sent.order.qty)),
        }
        for key in ["price", "triggerPrice"] {
            if let Some(text) = number(request, key)
                && !text.parse::<Px>().is_ok_and(Px::is_positive)
            {
                found.add(format!("order {id}: {key} is `{text}` (I12)"));
            }
        }
    }
    for order in truth.orders.values() {
        if let Some(id) = ClientOrderId::parse(&order.client)
            && let Some(sent) = belief.orders.get(&id)
            && order.executed > sent.order.qty
        {
            let (executed, approved) = (order.executed, sent.order.qty);
            found.add(format!("order {id}: {executed} executed, {approved} approved (I5)"));
        }
    }
}

/// What holds after every single fill.
fn course(belief: &Belief, truth: &Truth, terms: &Terms, found: &mut Findings) {
    let mut positions: BTreeMap<&str, Qty> = BTreeMap::new();
    let mut most = 0;
    for fill in &truth.fills {
        let position = positions.entry(&fill.symbol).or_default();
        let before = *position;
        *position = before.saturating_plus(fill.qty);
        let (after, symbol) = (*position, &fill.symbol);
        let reason = truth.ours(fill).and_then(|id| belief.orders.get(&id));
        if reason.is_some_and(|sent| sent.order.reason != OrderReason::Entry) {
            let turned = before.is_negative() != after.is_negative() && !after.is_zero();
            if before.is_zero() || turned || after.abs() > before.abs() {
                found.add(format!("{symbol}: an exit made {after} of a position of {before} (I9)"));
            }
        }
        let open =
            positions.iter().filter(|(s, qty)| !qty.is_zero() && !terms.foreign.contains(**s));
        most = most.max(open.count());
    }
    if most > terms.positions_max {
        found.add(format!("{most} positions at once, {} allowed (I1)", terms.positions_max));
    }
}
