//! Step machine: balances, positions, settings, history, permissions.

use crate::server::call::{Answer, ApiError, Call};
use crate::server::gate::keep;
use crate::server::render;
use crate::server::sim::Sim;
use crate::server::texts::error;
use crate::server::trade::{done, filter_of, position_side_of};
use crate::server::user_events::{ASSET, id_or_empty, margin_type};
use aegis_exchange::futures::{
    AccountId, AccountRecord, IncomeKind, IncomeRecord, MarginType, PositionRecord, PositionSide,
    TradeRecord,
};
use aegis_types::{Money, Px, Qty, Rate, Side, SymbolId};
use serde::Serialize;
use serde_json::{Value, json};

/// Margin moved between wallet and isolated position by hand.
#[derive(Clone, Copy, Debug)]
pub struct MarginMove {
    account: AccountId,
    symbol: SymbolId,
    position_side: PositionSide,
    /// Positive when it was added.
    amount: Money,
    market_ms: i64,
}

fn positions(
    sim: &Sim,
    account: AccountId,
    symbol: Option<SymbolId>,
) -> Result<Vec<PositionRecord>, ApiError> {
    Ok(sim.core.positions(account, symbol)?)
}

/// Has it a position or open orders? Newer lists show nothing else.
fn is_used(position: &PositionRecord) -> bool {
    !position.qty.is_zero() || !position.bid_notional.is_zero() || !position.ask_notional.is_zero()
}

/// Open positions, for the truth.
pub fn open_positions(sim: &Sim, account: AccountId) -> Result<Value, ApiError> {
    let open = positions(sim, account, None)?;
    let open = open.iter().filter(|p| !p.qty.is_zero());
    Ok(open.map(|position| render::value(&risk(sim, position))).collect())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RiskLine<'a> {
    symbol: &'a str,
    position_side: &'static str,
    position_amt: Qty,
    entry_price: Px,
    break_even_price: Px,
    mark_price: Px,
    un_realized_profit: Money,
    liquidation_price: Px,
    isolated_margin: Money,
    notional: Money,
    margin_asset: &'static str,
    isolated_wallet: Money,
    initial_margin: Money,
    maint_margin: Money,
    position_initial_margin: Money,
    open_order_initial_margin: Money,
    adl: u8,
    bid_notional: Money,
    ask_notional: Money,
    update_time: i64,
}

fn risk<'a>(sim: &'a Sim, position: &PositionRecord) -> RiskLine<'a> {
    RiskLine {
        symbol: sim.symbols.name(position.symbol),
        position_side: position.position_side.name(),
        position_amt: position.qty,
        entry_price: position.entry_px,
        break_even_price: position.break_even_px,
        mark_price: position.mark,
        un_realized_profit: position.unrealized,
        liquidation_price: position.liquidation.unwrap_or(Px::ZERO),
        isolated_margin: position.isolated_margin,
        notional: position.notional,
        margin_asset: ASSET,
        isolated_wallet: position.isolated_wallet,
        initial_margin: position.initial_margin,
        maint_margin: position.maintenance_margin,
        position_initial_margin: position.position_initial_margin,
        open_order_initial_margin: position.order_initial_margin,
        adl: position.adl,
        bid_notional: position.bid_notional,
        ask_notional: position.ask_notional,
        update_time: position.updated.as_millis(),
    }
}

/// `GET /fapi/v3/positionRisk`.
pub fn position_risk(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_if(&call.params)?;
    let mut lines = positions(sim, account, symbol)?;
    lines.retain(is_used);
    Ok(render::list(&lines, |position| risk(sim, position)))
}

/// `GET /fapi/v2/positionRisk`: every symbol, with its settings.
pub fn position_risk_v2(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_if(&call.params)?;
    let line = |position: &PositionRecord| {
        json!({
            "symbol": sim.symbols.name(position.symbol),
            "positionAmt": position.qty,
            "entryPrice": position.entry_px,
            "breakEvenPrice": position.break_even_px,
            "markPrice": position.mark,
            "unRealizedProfit": position.unrealized,
            "liquidationPrice": position.liquidation.unwrap_or(Px::ZERO),
            "leverage": position.leverage.to_string(),
            "maxNotionalValue": position.max_notional,
            "marginType": margin_type(position.margin_type),
            "isolatedMargin": position.isolated_margin,
            "isAutoAddMargin": "false",
            "positionSide": position.position_side.name(),
            "notional": position.notional,
            "isolatedWallet": position.isolated_wallet,
            "updateTime": position.updated.as_millis(),
            "isolated": position.margin_type == MarginType::Isolated,
            "adlQuantile": position.adl,
        })
    };
    Ok(render::list(&positions(sim, account, symbol)?, line))
}

/// When the account last changed, ms; never zero, which some clients read as an unused asset.
fn updated_ms(record: &AccountRecord) -> i64 {
    record.updated.as_millis().max(1)
}

fn balance_line(sim: &Sim, call: &Call<'_>) -> Result<Value, ApiError> {
    let account = call.sender(sim)?;
    let record = sim.core.account(account)?;
    Ok(json!({
        "accountAlias": alias(account),
        "asset": ASSET,
        "balance": record.wallet,
        "crossWalletBalance": record.cross_wallet,
        "crossUnPnl": record.cross_unrealized,
        "availableBalance": record.available,
        "maxWithdrawAmount": record.max_withdraw,
        "marginAvailable": true,
        "updateTime": updated_ms(&record),
    }))
}

/// A short name of an account.
fn alias(account: AccountId) -> String {
    format!("sim{:03}", account.0)
}

/// `GET /fapi/v2/balance`, `GET /fapi/v3/balance`.
pub fn balance(sim: &mut Sim, call: &Call<'_>) -> Answer {
    Ok(json!([balance_line(sim, call)?]).to_string())
}

/// The sums of an account, as all versions begin.
fn totals(record: &AccountRecord) -> Value {
    json!({
        "totalInitialMargin": record.initial_margin,
        "totalMaintMargin": record.maintenance_margin,
        "totalWalletBalance": record.wallet,
        "totalUnrealizedProfit": record.unrealized,
        "totalMarginBalance": record.margin_balance,
        "totalPositionInitialMargin": record.position_initial_margin,
        "totalOpenOrderInitialMargin": record.order_initial_margin,
        "totalCrossWalletBalance": record.cross_wallet,
        "totalCrossUnPnl": record.cross_unrealized,
        "availableBalance": record.available,
        "maxWithdrawAmount": record.max_withdraw,
    })
}

fn asset(record: &AccountRecord) -> Value {
    json!({
        "asset": ASSET,
        "walletBalance": record.wallet,
        "unrealizedProfit": record.unrealized,
        "marginBalance": record.margin_balance,
        "maintMargin": record.maintenance_margin,
        "initialMargin": record.initial_margin,
        "positionInitialMargin": record.position_initial_margin,
        "openOrderInitialMargin": record.order_initial_margin,
        "crossWalletBalance": record.cross_wallet,
        "crossUnPnl": record.cross_unrealized,
        "availableBalance": record.available,
        "maxWithdrawAmount": record.max_withdraw,
        "marginAvailable": true,
        "updateTime": updated_ms(record),
    })
}

/// `GET /fapi/v3/account`.
pub fn account(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let id = call.sender(sim)?;
    let record = sim.core.account(id)?;
    let line = |position: &PositionRecord| {
        json!({
            "symbol": sim.symbols.name(position.symbol),
            "positionSide": position.position_side.name(),
            "positionAmt": position.qty,
            "unrealizedProfit": position.unrealized,
            "isolatedMargin": position.isolated_margin,
            "notional": position.notional,
            "isolatedWallet": position.isolated_wallet,
            "initialMargin": position.initial_margin,
            "maintMargin": position.maintenance_margin,
            "updateTime": position.updated.as_millis(),
        })
    };
    let positions = positions(sim, id, None)?;
    let mut body = totals(&record);
    body["assets"] = json!([asset(&record)]);
    body["positions"] = positions.iter().filter(|p| is_used(p)).map(line).collect();
    Ok(body.to_string())
}

/// `GET /fapi/v1/account`, `GET /fapi/v2/account`: every symbol, with its settings.
pub fn account_v2(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let id = call.sender(sim)?;
    let record = sim.core.account(id)?;
    let line = |position: &PositionRecord| {
        json!({
            "symbol": sim.symbols.name(position.symbol),
            "initialMargin": position.initial_margin,
            "maintMargin": position.maintenance_margin,
            "unrealizedProfit": position.unrealized,
            "positionInitialMargin": position.position_initial_margin,
            "openOrderInitialMargin": position.order_initial_margin,
            "leverage": position.leverage.to_string(),
            "isolated": position.margin_type == MarginType::Isolated,
            "entryPrice": position.entry_px,
            "breakEvenPrice": position.break_even_px,
            "maxNotional": position.max_notional,
            "bidNotional": position.bid_notional,
            "askNotional": position.ask_notional,
            "positionSide": position.position_side.name(),
            "positionAmt": position.qty,
            "notional": position.notional,
            "isolatedWallet": position.isolated_wallet,
            "updateTime": position.updated.as_millis(),
        })
    };
    let positions = positions(sim, id, None)?;
    let mut body = totals(&record);
    body["feeTier"] = json!(0);
    body["canTrade"] = json!(true);
    body["canDeposit"] = json!(true);
    body["canWithdraw"] = json!(true);
    body["feeBurn"] = json!(false);
    body["updateTime"] = json!(0);
    body["multiAssetsMargin"] = json!(record.multi_assets);
    body["tradeGroupId"] = json!(-1);
    body["assets"] = json!([asset(&record)]);
    body["positions"] = positions.iter().map(line).collect();
    Ok(body.to_string())
}

/// `GET /fapi/v1/positionSide/dual`.
pub fn dual_side(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let record = sim.core.account(call.sender(sim)?)?;
    Ok(json!({ "dualSidePosition": record.dual_side }).to_string())
}

/// `POST /fapi/v1/positionSide/dual`.
pub fn set_dual_side(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let on = call.params.flag("dualSidePosition")?;
    let on = on.ok_or_else(|| ApiError::mandatory("dualSidePosition"))?;
    sim.core.set_dual_side(account, on)?;
    Ok(done("success"))
}

/// `GET /fapi/v1/multiAssetsMargin`.
pub fn multi_assets(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let record = sim.core.account(call.sender(sim)?)?;
    Ok(json!({ "multiAssetsMargin": record.multi_assets }).to_string())
}

/// `POST /fapi/v1/multiAssetsMargin`.
pub fn set_multi_assets(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let on = call.params.flag("multiAssetsMargin")?;
    let on = on.ok_or_else(|| ApiError::mandatory("multiAssetsMargin"))?;
    sim.ask(|core, reports| core.set_multi_assets(call.at(), account, on, reports))?;
    Ok(done("success"))
}

/// `POST /fapi/v1/leverage`.
pub fn set_leverage(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let leverage = call.params.int("leverage")?;
    let leverage = leverage.ok_or_else(|| ApiError::mandatory("leverage"))?;
    // What does not fit is out of range as well.
    let leverage = u16::try_from(leverage).unwrap_or(0);
    let settings =
        sim.ask(|core, reports| core.set_leverage(call.at(), account, symbol, leverage, reports))?;
    let reply = json!({
        "leverage": settings.leverage,
        "maxNotionalValue": settings.max_notional,
        "symbol": sim.symbols.name(symbol),
    });
    Ok(reply.to_string())
}

/// `POST /fapi/v1/marginType`.
pub fn set_margin_type(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let word = call.params.need("marginType")?;
    // `CROSS` is what some clients write.
    let word = if word == "CROSS" { "CROSSED" } else { word };
    let kind = MarginType::parse(word).ok_or_else(|| ApiError::invalid_value("marginType"))?;
    sim.ask(|core, reports| core.set_margin_type(call.at(), account, symbol, kind, reports))?;
    Ok(done("success"))
}

/// `POST /fapi/v1/positionMargin`: 1 adds, 2 takes away.
pub fn move_margin(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let side = position_side_of(&call.params)?;
    let amount = call.params.money("amount")?.ok_or_else(|| ApiError::mandatory("amount"))?;
    let kind = call.params.int("type")?.ok_or_else(|| ApiError::mandatory("type"))?;
    if !amount.is_positive() {
        return Err(error(-4055));
    }
    let signed = match kind {
        1 => amount,
        2 => -amount,
        _ => return Err(ApiError::invalid_value("type")),
    };
    sim.ask(|core, reports| core.move_margin(call.at(), account, symbol, side, signed, reports))?;
    let market_ms = call.market_ms;
    let moved = MarginMove { account, symbol, position_side: side, amount: signed, market_ms };
    keep(&mut sim.gate.margin_moves, moved);
    let reply = json!({
        "amount": amount.to_f64(),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": kind,
    });
    Ok(reply.to_string())
}

/// `GET /fapi/v1/positionMargin/history`.
pub fn margin_history(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let of = |moved: &&MarginMove| moved.account == account && moved.symbol == symbol;
    let line = |moved: &MarginMove| {
        json!({
            "symbol": sim.symbols.name(moved.symbol),
            "type": if moved.amount.is_negative() { 2 } else { 1 },
            "deltaType": "USER_ADJUST",
            "amount": moved.amount.abs(),
            "asset": ASSET,
            "time": moved.market_ms,
            "positionSide": moved.position_side.name(),
        })
    };
    let moves = sim.gate.margin_moves.iter().filter(of);
    Ok(moves.map(line).collect::<Value>().to_string())
}

/// `GET /fapi/v1/leverageBracket`: a list in any case, as clients expect.
pub fn brackets(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let symbol = sim.symbol_if(&call.params)?;
    let rules = sim.core.rules();
    let rules = rules.iter().filter(|r| symbol.is_none_or(|symbol| symbol == r.instrument.symbol));
    let lines = rules.map(|rules| {
        let brackets = rules.instrument.brackets.iter().enumerate().map(|(index, bracket)| {
            json!({
                "bracket": index + 1,
                "initialLeverage": bracket.leverage_max,
                "notionalCap": whole(bracket.cap),
                "notionalFloor": whole(bracket.floor),
                "maintMarginRatio": bracket.rate.to_f64(),
                "cum": bracket.deduction.to_f64(),
            })
        });
        json!({
            "symbol": rules.instrument.name,
            "notionalCoef": 1.0,
            "brackets": brackets.collect::<Value>(),
        })
    });
    Ok(lines.collect::<Value>().to_string())
}

/// Bounds of brackets are numbers on the wire, whole ones as integers.
fn whole(amount: Money) -> Value {
    let unit = Money::whole(1).raw();
    if amount.raw() % unit == 0 { json!(amount.raw() / unit) } else { json!(amount.to_f64()) }
}

/// `GET /fapi/v1/symbolConfig`.
pub fn symbol_config(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let asked = sim.symbol_if(&call.params)?;
    let mut lines = Vec::new();
    for symbol in sim.symbols.ids().filter(|id| asked.is_none_or(|asked| asked == *id)) {
        let settings = sim.core.settings(account, symbol)?;
        lines.push(json!({
            "symbol": sim.symbols.name(symbol),
            "marginType": settings.margin_type.name(),
            "isAutoAddMargin": false,
            "leverage": settings.leverage,
            "maxNotionalValue": settings.max_notional,
        }));
    }
    Ok(Value::Array(lines).to_string())
}

/// `GET /fapi/v1/accountConfig`.
pub fn account_config(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let record = sim.core.account(call.sender(sim)?)?;
    let reply = json!({
        "feeTier": 0,
        "canTrade": true,
        "canDeposit": true,
        "canWithdraw": true,
        "dualSidePosition": record.dual_side,
        "updateTime": 0,
        "multiAssetsMargin": record.multi_assets,
        "tradeGroupId": -1,
    });
    Ok(reply.to_string())
}

/// `GET /fapi/v1/commissionRate`.
pub fn commission_rate(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let (maker, taker) = sim.core.fees(account, symbol)?;
    let reply = json!({
        "symbol": sim.symbols.name(symbol),
        "makerCommissionRate": maker,
        "takerCommissionRate": taker,
        "rpiCommissionRate": Rate::from_raw(5_000),
    });
    Ok(reply.to_string())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
/// A fill as `userTrades` shows it.
pub struct TradeLine<'a> {
    symbol: &'a str,
    pair: &'a str,
    id: u64,
    order_id: u64,
    side: &'static str,
    price: Px,
    qty: Qty,
    realized_pnl: Money,
    quote_qty: Money,
    base_qty: Qty,
    commission: Money,
    commission_asset: &'static str,
    margin_asset: &'static str,
    time: i64,
    position_side: &'static str,
    buyer: bool,
    maker: bool,
}

/// A fill as `userTrades` shows it.
pub fn trade<'a>(sim: &'a Sim, trade: &TradeRecord) -> TradeLine<'a> {
    let symbol = sim.symbols.name(trade.symbol);
    TradeLine {
        symbol,
        pair: symbol,
        id: trade.id,
        order_id: trade.order_id,
        side: trade.side.order_name(),
        price: trade.px,
        qty: trade.qty,
        realized_pnl: trade.realized,
        quote_qty: trade.quote,
        base_qty: Qty::ZERO,
        commission: trade.fee,
        commission_asset: ASSET,
        margin_asset: ASSET,
        time: trade.at.as_millis(),
        position_side: trade.position_side.name(),
        buyer: trade.side == Side::Buy,
        maker: trade.maker,
    }
}

/// `GET /fapi/v1/userTrades`.
pub fn user_trades(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    sim.symbol_of(&call.params)?;
    let mut filter = filter_of(sim, call, "fromId", 500, 1_000)?;
    filter.order_id = call.params.int("orderId")?.map(|id| u64::try_from(id).unwrap_or(0));
    let trades = sim.core.trades(account, &filter)?;
    Ok(render::list(&trades, |line| trade(sim, line)))
}

/// `GET /fapi/v1/income`.
pub fn income(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let mut filter = filter_of(sim, call, "fromId", 100, 1_000)?;
    if let Some(word) = call.params.get("incomeType") {
        match IncomeKind::parse(word) {
            Some(kind) => filter.kind = Some(kind),
            // Kinds that this exchange never pays.
            None => return Ok("[]".to_owned()),
        }
    }
    let line = |income: &IncomeRecord| {
        json!({
            "symbol": income.symbol.map_or("", |symbol| sim.symbols.name(symbol)),
            "incomeType": income.kind.name(),
            "income": income.amount,
            "asset": ASSET,
            "info": income.kind.name(),
            "time": income.at.as_millis(),
            "tranId": income.id,
            "tradeId": id_or_empty(income.trade_id),
        })
    };
    let incomes = sim.core.income(account, &filter)?;
    Ok(render::list(&incomes, line))
}

/// `GET /fapi/v1/adlQuantile`: of symbols with a position.
pub fn adl_quantile(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let asked = sim.symbol_if(&call.params)?;
    let dual_side = sim.core.account(account)?.dual_side;
    let open = positions(sim, account, asked)?;
    let mut lines: Vec<Value> = Vec::new();
    for symbol in sim.symbols.ids() {
        let of = |side: PositionSide| {
            let at = |p: &&PositionRecord| p.symbol == symbol && p.position_side == side;
            open.iter().find(at).filter(|p| !p.qty.is_zero()).map(|p| p.adl)
        };
        let (long, short, both) =
            (of(PositionSide::Long), of(PositionSide::Short), of(PositionSide::Both));
        let quantile = match (dual_side, long, short, both) {
            (_, None, None, None) => continue,
            (true, ..) => json!({
                "LONG": long.unwrap_or(0), "SHORT": short.unwrap_or(0), "HEDGE": 0,
            }),
            (false, ..) => json!({ "LONG": 0, "SHORT": 0, "BOTH": both.unwrap_or(0) }),
        };
        lines.push(json!({ "symbol": sim.symbols.name(symbol), "adlQuantile": quantile }));
    }
    Ok(Value::Array(lines).to_string())
}

/// `GET /fapi/v1/forceOrders`: own liquidations and deleveragings.
pub fn force_orders(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let filter = filter_of(sim, call, "fromId", 50, 100)?;
    let prefix = match call.params.get("autoCloseType") {
        None => None,
        Some("LIQUIDATION") => Some("autoclose-"),
        Some("ADL") => Some("adl_autoclose"),
        Some(_) => return Err(ApiError::invalid_value("autoCloseType")),
    };
    let every = aegis_exchange::futures::Filter { limit: usize::MAX, ..filter };
    let mut orders = sim.core.all_orders(account, &every)?;
    orders.retain(|order| {
        let id = order.client_id.as_str();
        match prefix {
            Some(prefix) => id.starts_with(prefix),
            None => id.starts_with("autoclose-") || id.starts_with("adl_autoclose"),
        }
    });
    let skip = orders.len().saturating_sub(filter.limit);
    Ok(render::list(&orders[skip..], |order| render::order(sim, order)))
}

/// `GET /fapi/v1/rateLimit/order`.
pub fn order_limits(sim: &mut Sim, _: &Call<'_>) -> Answer {
    let limits = sim.gate.limits;
    let line = |interval: &str, number: u32, limit: u32| {
        json!({
            "rateLimitType": "ORDERS",
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
        })
    };
    let lines =
        [line("SECOND", 10, limits.orders_per_10s), line("MINUTE", 1, limits.orders_per_minute)];
    Ok(json!(lines).to_string())
}

/// `GET /fapi/v1/feeBurn`: there is no BNB here.
pub fn fee_burn(_: &mut Sim, _: &Call<'_>) -> Answer {
    Ok(json!({ "feeBurn": false }).to_string())
}

/// `POST /fapi/v1/feeBurn`.
pub fn set_fee_burn(_: &mut Sim, call: &Call<'_>) -> Answer {
    let on = call.params.flag("feeBurn")?.ok_or_else(|| ApiError::mandatory("feeBurn"))?;
    if on { Err(error(-1020)) } else { Ok(done("success")) }
}

/// `GET /sapi/v1/account/apiRestrictions`.
pub fn restrictions(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let index = call.account.and_then(|index| sim.gate.accounts.get(index));
    let withdraw = index.ok_or_else(|| error(-2015))?.withdraw;
    let reply = json!({
        "ipRestrict": false,
        "createTime": 1_700_000_000_000_i64,
        "enableReading": true,
        "enableWithdrawals": withdraw,
        "enableInternalTransfer": false,
        "enableMargin": false,
        "enableFutures": true,
        "permitsUniversalTransfer": false,
        "enableVanillaOptions": false,
        "enableFixApiTrade": false,
        "enableFixReadOnly": false,
        "enableSpotAndMarginTrading": false,
        "enablePortfolioMarginTrading": false,
    });
    Ok(reply.to_string())
}

/// What has nothing in it here.
pub fn nothing(_: &mut Sim, _: &Call<'_>) -> Answer {
    Ok("[]".to_owned())
}

/// `POST /fapi/v1/listenKey`.
pub fn start_stream(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let seed = sim.core.config().seed;
    let key = sim.gate.keys.start(account, call.request.arrived_ms, seed);
    Ok(json!({ "listenKey": key }).to_string())
}

/// `PUT /fapi/v1/listenKey`.
pub fn keep_stream(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let named = call.params.get("listenKey");
    let key = sim.gate.keys.keep(account, named, call.request.arrived_ms)?;
    Ok(json!({ "listenKey": key }).to_string())
}

/// `DELETE /fapi/v1/listenKey`.
pub fn close_stream(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    sim.gate.keys.close(account)?;
    Ok("{}".to_owned())
}
