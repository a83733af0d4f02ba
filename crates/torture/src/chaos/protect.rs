//! Step machine: how long each position was without a stop for its whole quantity.
//!
//! By the exchange's own clock: a position is unprotected from the fill that makes it larger than
//! what the stops that rest for it would close, until such stops rest or it is gone. The deadline
//! runs from when the node heard of the fill; while no request could reach the exchange, or nothing
//! ran that could send one, it stands still and begins anew behind. A closing order on its way is
//! what the deadline asks for where no stop can be had.

use super::belief::Belief;
use super::truth::{TrueRequest, Truth};
use aegis_types::{ClientOrderId, OrderReason, OrderType, Qty, Side};
use std::collections::{BTreeMap, BTreeSet};

/// A time without protection, market ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Symbol.
    pub symbol: String,
    /// Since when.
    pub from_ms: i64,
    /// Until when; none if it was never protected nor closed.
    pub until_ms: Option<i64>,
    /// The trade that began it, if a trade did.
    pub trade: Option<u64>,
    /// That trade was one of an entry.
    pub entry: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Begins(usize),
    Fill(usize),
    Ends(usize),
}

/// Every gap in symbols that are ours, those of no length too.
pub fn gaps(belief: &Belief, truth: &Truth, foreign: &BTreeSet<String>) -> Vec<Gap> {
    let mut by_symbol: BTreeMap<&str, Vec<(i64, What)>> = BTreeMap::new();
    let ours = |symbol: &String| !foreign.contains(symbol);
    for (place, fill) in truth.fills.iter().enumerate().filter(|(_, fill)| ours(&fill.symbol)) {
        by_symbol.entry(&fill.symbol).or_default().push((fill.time_ms, What::Fill(place)));
    }
    let stops = truth.algos.iter().enumerate();
    for (place, algo) in stops.filter(|(_, algo)| algo.stop && algo.reduces && ours(&algo.symbol)) {
        let events = by_symbol.entry(&algo.symbol).or_default();
        events.push((algo.created_ms, What::Begins(place)));
        events.extend(algo.ended_ms.map(|ms| (ms, What::Ends(place))));
    }
    let mut gaps = Vec::new();
    for (symbol, mut events) in by_symbol {
        events.sort_unstable();
        walk(symbol, &events, belief, truth, &mut gaps);
    }
    gaps
}

fn walk(symbol: &str, events: &[(i64, What)], belief: &Belief, truth: &Truth, gaps: &mut Vec<Gap>) {
    let (mut position, mut live) = (Qty::ZERO, BTreeSet::new());
    let mut open: Option<Gap> = None;
    for (at_ms, what) in events {
        let (mut trade, mut entry) = (None, false);
        match what {
            What::Begins(place) => drop(live.insert(*place)),
            What::Ends(place) => drop(live.remove(place)),
            What::Fill(place) => {
                let fill = &truth.fills[*place];
                position = position.saturating_plus(fill.qty);
                trade = Some(fill.id);
                let sent = truth.ours(fill).and_then(|id| belief.orders.get(&id));
                entry = sent.is_some_and(|sent| sent.order.reason == OrderReason::Entry);
            }
        }
        let covered = is_covered(position, &live, truth);
        if !covered || (entry && open.is_none()) {
            open.get_or_insert_with(|| Gap {
                symbol: symbol.to_owned(),
                from_ms: *at_ms,
                until_ms: None,
                trade,
                entry,
            });
        }
        if covered && let Some(gap) = open.take() {
            gaps.push(Gap { until_ms: Some(*at_ms), ..gap });
        }
    }
    gaps.extend(open);
}

fn is_covered(position: Qty, live: &BTreeSet<usize>, truth: &Truth) -> bool {
    let side = if position.is_negative() { Side::Buy } else { Side::Sell };
    let stops = live.iter().map(|place| &truth.algos[*place]).filter(|algo| algo.side == side);
    let mut sum = Qty::ZERO;
    for stop in stops {
        let qty = if stop.closes { position.abs() } else { stop.qty };
        sum = sum.saturating_plus(qty);
    }
    sum >= position.abs()
}

/// Terms of the deadline.
#[derive(Clone, Debug)]
pub struct Deadline {
    /// Market ms.
    pub ms: i64,
    /// When nothing could be done, market ms.
    pub windows: Vec<(i64, i64)>,
}

/// Was the way from a fill to its stop left alone? No fault met a request that places a protecting
/// order in that symbol meanwhile, and requests could be sent.
pub fn is_undisturbed(gap: &Gap, belief: &Belief, truth: &Truth, windows: &[(i64, i64)]) -> bool {
    let until_ms = gap.until_ms.unwrap_or(i64::MAX);
    let during = |ms: i64| (gap.from_ms..=until_ms).contains(&ms);
    let protects = |request: &TrueRequest| {
        let sent = ClientOrderId::parse(&request.client).and_then(|id| belief.orders.get(&id));
        sent.is_some_and(|sent| {
            sent.order.reduce_only && belief.symbols.name(sent.order.symbol) == gap.symbol
        })
    };
    let mut placed = truth.requests.iter().filter(|r| r.places() && during(r.market_ms));
    !placed.any(|request| request.fault.is_some() && protects(request))
        && !windows.iter().any(|(from, to)| *from <= until_ms && *to >= gap.from_ms)
}

/// Did a gap last beyond its deadline?
pub fn is_late(gap: &Gap, belief: &Belief, deadline: &Deadline) -> bool {
    let symbol = belief.symbols.id(&gap.symbol);
    let same = |trade: u64| {
        let heard = belief.fills.iter();
        let mut of = heard.filter(|h| Some(h.fill.symbol) == symbol && h.fill.trade_id == trade);
        of.next().map(|heard| heard.at.as_millis())
    };
    let from_ms = gap.trade.and_then(same).map_or(gap.from_ms, |ms| ms.max(gap.from_ms));
    let mut limit_ms = from_ms + deadline.ms;
    let mut windows = deadline.windows.clone();
    windows.sort_unstable();
    for (from, to) in windows {
        if from < limit_ms && to > from_ms {
            limit_ms = limit_ms.max(to + deadline.ms);
        }
    }
    if gap.until_ms.is_some_and(|ms| ms <= limit_ms) {
        return false;
    }
    // A closing order on its way.
    !belief.orders.values().any(|sent| {
        Some(sent.order.symbol) == symbol
            && sent.order.reduce_only
            && sent.order.kind == OrderType::Market
            && sent.at.as_millis() <= limit_ms
            && sent.ended.is_none_or(|ended| ended.as_millis() >= gap.from_ms)
    })
}
