//! Step machine: between the market that the server shows and the venue that judges orders.

use crate::server::admin;
use crate::server::clock::Speed;
use crate::server::fact::{Fact, FactBody};
use crate::server::gate::{Account, AccountSetup};
use crate::server::limits::OrderCounts;
use crate::server::market::Market;
use crate::server::payload;
use crate::server::sim::{Audience, Sim};
use crate::server::user_stream;
use aegis_exchange::ExchangeError;
use aegis_exchange::futures::{DepthUpdate, Futures, FuturesConfig, Report, SymbolRules};
use aegis_types::{Nanos, Px, Qty, SymbolId};
use aegis_wire::Level;

/// Opens the venue for the symbols of the markets.
///
/// # Errors
/// Rules or settings that cannot be traded by.
pub fn open(markets: &[Market], seed: u64, slippage_bps: f64) -> Result<Futures, ExchangeError> {
    let rules: Vec<SymbolRules> = markets.iter().map(|market| market.rules.clone()).collect();
    Futures::new(FuturesConfig { seed, slippage_bps, ..FuturesConfig::default() }, rules)
}

/// Opens the accounts.
///
/// # Errors
/// A key given twice, or an account that the venue refuses.
pub fn open_accounts(sim: &mut Sim, accounts: Vec<AccountSetup>) -> Result<(), ExchangeError> {
    let at = Nanos::from_millis(sim.clock.market_ms());
    let wrong = |why: String| ExchangeError { violations: vec![why] };
    for setup in accounts {
        if sim.gate.account_of(&setup.key).is_some() {
            return Err(wrong("two accounts have the same key; give each its own".into()));
        }
        let opened = sim.core.open_account(at, setup.config);
        let id = opened.map_err(|refusal| wrong(format!("an account: {refusal}")))?;
        let AccountSetup { key, verifier, withdraw, .. } = setup;
        let counts = OrderCounts::default();
        sim.gate.accounts.push(Account { key, verifier, withdraw, id, counts });
    }
    Ok(())
}

/// A market fact has become known; it is told to the streams after this.
pub fn on_fact(sim: &mut Sim, fact: &Fact) {
    let at = Nanos::from_millis(fact.at_ms);
    let mut reports = Vec::new();
    match &fact.body {
        // A candle is told in its last millisecond and dated at its close.
        FactBody::Tick(tick) => sim.core.on_market(tick.at, tick, &mut reports),
        FactBody::Depth(depth) => {
            let (bids, asks) = (levels(&depth.bids), levels(&depth.asks));
            let update = DepthUpdate { snapshot: false, bids: &bids, asks: &asks };
            sim.core.on_depth(at, depth.symbol, &update, &mut reports);
        }
        FactBody::Snapshot(depth) => {
            let (bids, asks) = (levels(&depth.bids), levels(&depth.asks));
            let update = DepthUpdate { snapshot: true, bids: &bids, asks: &asks };
            sim.core.on_depth(at, depth.symbol, &update, &mut reports);
        }
    }
    if !reports.is_empty() {
        user_stream::publish(sim, &reports);
    }
}

fn levels(levels: &[Level]) -> Vec<(Px, Qty)> {
    levels.iter().map(|level| (level.px, level.qty)).collect()
}

/// The price of a symbol was set by hand; it is told to the streams after this.
pub fn on_price(sim: &mut Sim, symbol: SymbolId, px: Px) {
    let at = Nanos::from_millis(sim.clock.market_ms());
    // A price that the venue refuses was never there for it.
    let _ = sim.ask(|core, reports| core.set_price(at, symbol, px, reports));
}

/// The data has ended. On candles it ends with a close, behind which no price holds until the next
/// open; as none will come, the last price holds from now on. Not where the market is stepped: who
/// steps it goes by the rule, and knows the end.
pub fn on_end(sim: &mut Sim) {
    if !sim.derived || sim.clock.speed() == Speed::Step {
        return;
    }
    for symbol in sim.symbols.ids() {
        let last = sim.core.market(symbol).ok().and_then(|market| market.last);
        if let Some(px) = last {
            on_price(sim, symbol, px);
        }
    }
}

/// Both clocks have moved on: `wall_ms` now, market time as the clock shows.
pub fn on_time(sim: &mut Sim, wall_ms: i64) {
    let at = Nanos::from_millis(sim.clock.market_ms());
    let mut reports = Vec::new();
    sim.core.advance(at, &mut reports);
    sim.core.advance_countdowns(Nanos::from_millis(wall_ms), at, &mut reports);
    if !reports.is_empty() {
        user_stream::publish(sim, &reports);
    }
    user_stream::expire_due(sim, wall_ms);
    admin::resume_due(sim, wall_ms);
}

/// What the venue tells everybody: liquidations and changed symbols.
pub fn tell_everybody(sim: &mut Sim, report: &Report) {
    match report {
        Report::ForceOrder { symbol, at, side, px, qty } => {
            let Some(market) = sim.markets.get(symbol.index()) else { return };
            let side = side.order_name();
            let body = payload::force_order(market, at.as_millis(), side, *px, *qty);
            let name = sim.symbols.name(*symbol).to_ascii_lowercase();
            sim.send(Audience::Market(format!("{name}@forceOrder")), body.clone());
            sim.send(Audience::Market("!forceOrder@arr".to_owned()), body);
        }
        Report::Symbol { symbol, at, .. } => {
            let Some(rules) = sim.core.rules().get(symbol.index()).cloned() else { return };
            let market = &mut sim.markets[symbol.index()];
            market.instrument = rules.instrument.clone();
            market.rules = rules;
            let body = payload::contract_info(market, at.as_millis());
            sim.send(Audience::Market("!contractInfo".to_owned()), body);
        }
        _ => {}
    }
}
