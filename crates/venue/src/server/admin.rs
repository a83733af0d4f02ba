//! Step machine: posting, listing and deleting faults, and the events that some of them are.

use crate::server::call::{Answer, ApiError, Call};
use crate::server::faults::{Acts, Fault, Kind};
use crate::server::limits::Limits;
use crate::server::sim::Sim;
use crate::server::texts::error;
use crate::server::user_stream;
use aegis_exchange::futures::{
    AccountId, MarginType, OrderRequest, PositionRecord, PositionSide, SymbolRules, SymbolStatus,
};
use aegis_types::{Nanos, Px, Qty, Rate, Round, Side, SymbolId};
use serde_json::json;

/// `GET /sim/v1/faults`.
pub fn faults(sim: &mut Sim, _: &Call<'_>) -> Answer {
    Ok(sim.faults.json().to_string())
}

/// `POST /sim/v1/faults`.
pub fn post_fault(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let fault = sim.faults.post(&call.request.body, call.wall_ms)?;
    let now = fault.kind.acts() == Acts::Event && fault.target.is_empty();
    // A clock that is skewed until further notice is so from here on, for whatever comes.
    let lasts = fault.kind == Kind::ClockSkew && fault.left.is_none();
    if now || lasts {
        let happened = happen(sim, call.wall_ms, &fault);
        let refused = happened.as_ref().err().map(|error| error.msg.clone());
        sim.faults.record(&fault, "", (call.wall_ms, call.market_ms), refused);
        happened?;
    }
    let mut reply = json!({
        "id": fault.id,
        "fault": fault.kind.name(),
        "state": if now { "happened" } else { "waiting" },
    });
    if !fault.unknown.is_empty() {
        reply["ignored"] = json!(fault.unknown);
    }
    Ok(reply.to_string())
}

/// `DELETE /sim/v1/faults`, or of one name with `?fault=`. What they left behind goes too: bans
/// and halts end, limits are as they were, hidden orders are seen again.
pub fn clear_faults(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let kind = match call.params.get("fault") {
        None => None,
        Some(name) => Some(Kind::parse(name).ok_or_else(|| {
            wrong(format!("`{name}` is no fault; GET /sim/v1/faults lists them"))
        })?),
    };
    let deleted = sim.faults.clear(kind);
    let goes = |some: Kind| kind.is_none_or(|kind| kind == some);
    if goes(Kind::Http418) {
        sim.gate.weights.lift();
    }
    if goes(Kind::AlgoInvisible) {
        sim.gate.invisible.clear();
    }
    if goes(Kind::UnknownExecuted) {
        sim.gate.hidden.clear();
    }
    if goes(Kind::LimitsChange)
        && let Some(limits) = sim.gate.limits_before.take()
    {
        sim.gate.limits = limits;
    }
    if goes(Kind::SymbolHalt) {
        for (symbol, _) in core::mem::take(&mut sim.gate.halted) {
            set_status(sim, symbol, SymbolStatus::Trading)?;
        }
    }
    Ok(json!({ "deleted": deleted }).to_string())
}

fn wrong(why: impl Into<String>) -> ApiError {
    ApiError::new(-1102, why)
}

fn at(sim: &Sim) -> Nanos {
    Nanos::from_millis(sim.clock.market_ms())
}

/// Lets an event happen now.
///
/// # Errors
/// What is missing in the posting, or why it cannot happen.
pub fn happen(sim: &mut Sim, wall_ms: i64, fault: &Fault) -> Result<(), ApiError> {
    match fault.kind {
        Kind::ListenKeyExpire => {
            let account = fault.key.as_ref().map(|_| account_of(sim, fault)).transpose()?;
            user_stream::expire_now(sim, account);
            Ok(())
        }
        Kind::Liquidation | Kind::Adl | Kind::ManualClose => close_positions(sim, fault),
        Kind::ForeignOrder => foreign_order(sim, fault),
        Kind::Funding => {
            let rate = fault.rate("rate").unwrap_or(Rate::from_raw(10_000));
            let at = at(sim);
            symbols_of(sim, fault)?.into_iter().try_for_each(|symbol| {
                sim.ask(|core, reports| core.force_funding(at, symbol, rate, reports))
            })
        }
        Kind::SymbolHalt => {
            let word = fault.text("status").unwrap_or_else(|| "TRADING_HALT".to_owned());
            let status = SymbolStatus::parse(&word)
                .ok_or_else(|| wrong(format!("`{word}` is no status of a symbol")))?;
            let until = fault.ms.map_or(i64::MAX, |ms| wall_ms.saturating_add(ms));
            symbols_of(sim, fault)?.into_iter().try_for_each(|symbol| {
                sim.gate.halted.retain(|(halted, _)| *halted != symbol);
                sim.gate.halted.push((symbol, until));
                set_status(sim, symbol, status)
            })
        }
        Kind::FiltersChange => {
            let symbols = symbols_of(sim, fault)?;
            symbols.into_iter().try_for_each(|symbol| change_filters(sim, fault, symbol))
        }
        Kind::SettingsChange => change_settings(sim, fault),
        Kind::LimitsChange => {
            change_limits(sim, fault);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Lets symbols trade again whose halt is over.
pub fn resume_due(sim: &mut Sim, wall_ms: i64) {
    let due: Vec<SymbolId> =
        sim.gate.halted.extract_if(.., |(_, until)| *until <= wall_ms).map(|(s, _)| s).collect();
    for symbol in due {
        // The symbol was there when it was halted.
        let _ = set_status(sim, symbol, SymbolStatus::Trading);
    }
}

fn set_status(sim: &mut Sim, symbol: SymbolId, status: SymbolStatus) -> Result<(), ApiError> {
    let at = at(sim);
    sim.ask(|core, reports| core.set_status(at, symbol, status, reports))
}

fn symbol_of(sim: &Sim, fault: &Fault) -> Result<SymbolId, ApiError> {
    let name = fault.symbol.as_deref().ok_or_else(|| wrong("`symbol` is missing"))?;
    sim.symbols.id(name).ok_or_else(|| error(-1121))
}

/// The symbol that is named, else all.
fn symbols_of(sim: &Sim, fault: &Fault) -> Result<Vec<SymbolId>, ApiError> {
    match fault.symbol {
        Some(_) => Ok(vec![symbol_of(sim, fault)?]),
        None => Ok(sim.symbols.ids().collect()),
    }
}

/// The account of `key`; where there is one account only, that one.
fn account_of(sim: &Sim, fault: &Fault) -> Result<AccountId, ApiError> {
    match (&fault.key, sim.gate.accounts.as_slice()) {
        (None, [only]) => Ok(only.id),
        (None, _) => Err(wrong("`key` is missing: there is more than one account")),
        (Some(key), accounts) => {
            let account = accounts.iter().find(|account| account.key == *key);
            account.map(|account| account.id).ok_or_else(|| wrong("no account has this `key`"))
        }
    }
}

/// The positions that an event means: of `key`, `symbol` and `positionSide`, as far as it says.
fn positions_of(sim: &Sim, fault: &Fault) -> Result<Vec<(AccountId, PositionRecord)>, ApiError> {
    let accounts: Vec<AccountId> = match fault.key {
        Some(_) => vec![account_of(sim, fault)?],
        None => sim.gate.accounts.iter().map(|account| account.id).collect(),
    };
    let symbol = fault.symbol.as_ref().map(|_| symbol_of(sim, fault)).transpose()?;
    let side = fault.text("positionSide").and_then(|word| PositionSide::parse(&word));
    let mut found = Vec::new();
    for account in accounts {
        let positions = sim.core.positions(account, symbol)?.into_iter();
        let meant = |p: &PositionRecord| {
            !p.qty.is_zero() && side.is_none_or(|side| side == p.position_side)
        };
        found.extend(positions.filter(meant).map(|position| (account, position)));
    }
    if found.is_empty() {
        return Err(wrong("there is no such position"));
    }
    Ok(found)
}

fn close_positions(sim: &mut Sim, fault: &Fault) -> Result<(), ApiError> {
    let at = at(sim);
    for (account, position) in positions_of(sim, fault)? {
        let (symbol, side) = (position.symbol, position.position_side);
        let step = sim.core.rules()[symbol.index()].instrument.step;
        let part = fault.rate("fraction").map(|rate| part_of(position.qty.abs(), rate, step));
        match fault.kind {
            Kind::Adl => {
                sim.ask(|core, reports| core.force_adl(at, account, symbol, side, part, reports))?
            }
            Kind::Liquidation => {
                sim.ask(|core, reports| core.force_liquidation(at, account, symbol, side, reports))?
            }
            _ => {
                let closing = if position.qty.is_negative() { Side::Buy } else { Side::Sell };
                let request = OrderRequest {
                    position_side: side,
                    reduce_only: side == PositionSide::Both,
                    ..OrderRequest::market(symbol, closing, part.unwrap_or(position.qty.abs()))
                };
                sim.ask(|core, reports| core.place(at, account, &request, reports))?;
            }
        }
    }
    Ok(())
}

/// A part of a quantity on the grid, at least one step.
pub fn part_of(qty: Qty, fraction: Rate, step: Qty) -> Qty {
    let part =
        i128::from(qty.raw()) * i128::from(fraction.raw()) / i128::from(Rate::whole(1).raw());
    let part = Qty::from_raw(i64::try_from(part).unwrap_or(i64::MAX));
    part.to_grid(step, Round::Down).unwrap_or(step).max(step).min(qty)
}

fn foreign_order(sim: &mut Sim, fault: &Fault) -> Result<(), ApiError> {
    let account = account_of(sim, fault)?;
    let symbol = symbol_of(sim, fault)?;
    let side = match fault.text("side").as_deref() {
        None | Some("BUY") => Side::Buy,
        Some("SELL") => Side::Sell,
        Some(_) => return Err(error(-1117)),
    };
    let qty = fault.qty("quantity").ok_or_else(|| wrong("`quantity` is missing"))?;
    let position_side = match fault.text("positionSide") {
        None => PositionSide::Both,
        Some(word) => PositionSide::parse(&word).ok_or_else(|| error(-4060))?,
    };
    let request = OrderRequest { position_side, ..OrderRequest::market(symbol, side, qty) };
    let at = at(sim);
    sim.ask(|core, reports| core.place(at, account, &request, reports))?;
    Ok(())
}

fn change_limits(sim: &mut Sim, fault: &Fault) {
    let usual = sim.gate.limits;
    let of = |name: &str, usual: u32| {
        fault.whole(name).and_then(|limit| u32::try_from(limit).ok()).unwrap_or(usual)
    };
    sim.gate.limits_before.get_or_insert(usual);
    sim.gate.limits = Limits {
        weight_per_minute: of("weight", usual.weight_per_minute),
        orders_per_minute: of("orders_1m", usual.orders_per_minute),
        orders_per_10s: of("orders_10s", usual.orders_per_10s),
        refusals_before_ban: of("ban_after", usual.refusals_before_ban),
    };
}

fn change_settings(sim: &mut Sim, fault: &Fault) -> Result<(), ApiError> {
    let account = account_of(sim, fault)?;
    let symbol = symbol_of(sim, fault)?;
    let (leverage, margin) = (fault.whole("leverage"), fault.text("marginType"));
    if leverage.is_none() && margin.is_none() {
        return Err(wrong("`leverage` or `marginType` is missing"));
    }
    let at = at(sim);
    if let Some(word) = margin {
        let kind = MarginType::parse(&word).ok_or_else(|| ApiError::invalid_value("marginType"))?;
        sim.ask(|core, reports| core.set_margin_type(at, account, symbol, kind, reports))?;
    }
    if let Some(leverage) = leverage {
        let leverage = u16::try_from(leverage).unwrap_or(0);
        sim.ask(|core, reports| core.set_leverage(at, account, symbol, leverage, reports))?;
    }
    Ok(())
}

fn change_filters(sim: &mut Sim, fault: &Fault, symbol: SymbolId) -> Result<(), ApiError> {
    let mut rules: SymbolRules = sim.core.rules()[symbol.index()].clone();
    let (tick, step) = (fault.px("tickSize"), fault.qty("stepSize"));
    let (least, notional) = (fault.qty("minQty"), fault.money("minNotional"));
    let coarser = |raw: i64| raw.saturating_mul(10);
    let instrument = &mut rules.instrument;
    if tick.is_none() && step.is_none() && least.is_none() && notional.is_none() {
        instrument.tick = Px::from_raw(coarser(instrument.tick.raw()));
        instrument.step = Qty::from_raw(coarser(instrument.step.raw()));
        instrument.qty_min = instrument.qty_min.max(instrument.step);
    }
    instrument.tick = tick.unwrap_or(instrument.tick);
    instrument.step = step.unwrap_or(instrument.step);
    instrument.qty_min = least.unwrap_or(instrument.qty_min.max(instrument.step));
    instrument.notional_min = notional.unwrap_or(instrument.notional_min);
    rules.price_min = rules.price_min.max(rules.instrument.tick);
    let at = at(sim);
    sim.ask(|core, reports| core.set_rules(at, symbol, rules, reports))?;
    Ok(())
}
