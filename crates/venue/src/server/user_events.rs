//! Step machine: the events of user streams, field by field.

use crate::server::render::text;
use crate::server::sim::Sim;
use aegis_exchange::futures::{
    AccountReport, AlgoKind, AlgoRecord, MarginCall, MarginType, OrderReport, Report,
};
use aegis_types::{Money, Px, Qty, Rate, SCALE};
use serde::Serialize;
use serde_json::json;

/// The asset of every balance.
pub const ASSET: &str = "USDT";

/// The event of a report, with its name; none for what has no event.
pub fn of(sim: &Sim, report: &Report) -> Option<(&'static str, String)> {
    let now = sim.clock.market_ms();
    Some(match report {
        Report::Order(report) => ("ORDER_TRADE_UPDATE", order(sim, now, report)),
        Report::Algo(record) => ("ALGO_UPDATE", algo(sim, now, record)),
        Report::Account(report) => ("ACCOUNT_UPDATE", account(sim, now, report)),
        Report::Leverage { at, symbol, leverage, .. } => {
            let body = json!({
                "e": "ACCOUNT_CONFIG_UPDATE",
                "E": now,
                "T": at.as_millis(),
                "ac": { "s": sim.symbols.name(*symbol), "l": leverage },
            });
            ("ACCOUNT_CONFIG_UPDATE", body.to_string())
        }
        Report::MultiAssets { at, on, .. } => {
            let body = json!({
                "e": "ACCOUNT_CONFIG_UPDATE",
                "E": now,
                "T": at.as_millis(),
                "ai": { "j": on },
            });
            ("ACCOUNT_CONFIG_UPDATE", body.to_string())
        }
        Report::MarginCall { cross_wallet, positions, .. } => {
            ("MARGIN_CALL", margin_call(sim, now, *cross_wallet, positions))
        }
        Report::Print(_) | Report::ForceOrder { .. } | Report::Symbol { .. } => return None,
    })
}

/// The last event of a listen key.
pub fn listen_key_expired(now_ms: i64, key: &str) -> String {
    json!({ "e": "listenKeyExpired", "E": now_ms, "listenKey": key }).to_string()
}

#[derive(Serialize)]
struct Framed<T> {
    e: &'static str,
    #[serde(rename = "E")]
    sent: i64,
    #[serde(rename = "T")]
    at: i64,
    o: T,
}

#[derive(Serialize)]
struct OrderEvent<'a> {
    s: &'a str,
    c: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    o: &'static str,
    f: &'static str,
    q: Qty,
    p: Px,
    ap: Px,
    sp: Px,
    x: &'static str,
    #[serde(rename = "X")]
    status: &'static str,
    i: u64,
    #[serde(rename = "M", skip_serializing_if = "Option::is_none")]
    modify_id: Option<String>,
    l: Qty,
    z: Qty,
    #[serde(rename = "L")]
    last_px: Px,
    #[serde(rename = "N")]
    fee_asset: &'static str,
    n: Money,
    #[serde(rename = "T")]
    at: i64,
    t: u64,
    b: Money,
    a: Money,
    m: bool,
    #[serde(rename = "R")]
    reduce_only: bool,
    wt: &'static str,
    ot: &'static str,
    ps: &'static str,
    cp: bool,
    #[serde(rename = "AP")]
    activation: Px,
    cr: &'static str,
    #[serde(rename = "pP")]
    price_protect: bool,
    si: u8,
    ss: u8,
    rp: Money,
    #[serde(rename = "V")]
    self_trade: &'static str,
    pm: &'static str,
    gtd: i64,
    er: String,
}

fn order(sim: &Sim, now: i64, report: &OrderReport) -> String {
    let order = &report.order;
    // What the exchange places to liquidate has a type of its own here, and here alone.
    let liquidation = order.client_id.as_str().starts_with("autoclose-");
    let kind = if liquidation { "LIQUIDATION" } else { order.kind.name() };
    let o = OrderEvent {
        s: sim.symbols.name(order.symbol),
        c: order.client_id.as_str(),
        side: order.side.order_name(),
        o: kind,
        f: order.time_in_force.name(),
        q: order.qty,
        p: order.price,
        ap: order.average_px(),
        sp: order.stop_price,
        x: report.execution.name(),
        status: order.status.name(),
        i: order.id,
        modify_id: (order.modify_id != 0).then(|| order.modify_id.to_string()),
        l: report.last_qty,
        z: order.filled,
        last_px: report.last_px,
        fee_asset: ASSET,
        n: report.fee,
        at: report.at.as_millis(),
        t: report.trade_id,
        b: report.bid_notional,
        a: report.ask_notional,
        m: report.maker,
        reduce_only: order.reduce_only,
        wt: order.working_type.name(),
        ot: order.origin.map_or(kind, |origin| origin.name()),
        ps: order.position_side.name(),
        cp: order.close_position,
        activation: Px::ZERO,
        cr: "0",
        price_protect: order.price_protect,
        si: 0,
        ss: 0,
        rp: report.realized,
        self_trade: order.self_trade.name(),
        pm: "NONE",
        gtd: sim.gate.good_till(order),
        er: report.expiry.to_string(),
    };
    let at = report.at.as_millis();
    text(&Framed { e: "ORDER_TRADE_UPDATE", sent: now, at, o })
}

#[derive(Serialize)]
struct Lite<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    sent: i64,
    #[serde(rename = "T")]
    at: i64,
    s: &'a str,
    q: Qty,
    p: Px,
    m: bool,
    c: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    #[serde(rename = "L")]
    last_px: Px,
    l: Qty,
    t: u64,
    i: u64,
}

/// The short event of a fill.
pub fn trade_lite(sim: &Sim, report: &OrderReport) -> String {
    let order = &report.order;
    text(&Lite {
        e: "TRADE_LITE",
        sent: sim.clock.market_ms(),
        at: report.at.as_millis(),
        s: sim.symbols.name(order.symbol),
        q: order.qty,
        p: order.price,
        m: report.maker,
        c: order.client_id.as_str(),
        side: order.side.order_name(),
        last_px: report.last_px,
        l: report.last_qty,
        t: report.trade_id,
        i: order.id,
    })
}

#[derive(Serialize)]
struct AlgoEvent<'a> {
    caid: &'a str,
    aid: u64,
    at: &'static str,
    o: &'static str,
    s: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    ps: &'static str,
    f: &'static str,
    q: Qty,
    #[serde(rename = "X")]
    status: &'static str,
    ai: String,
    ap: Px,
    aq: Qty,
    act: &'static str,
    tp: Px,
    p: Px,
    #[serde(rename = "V")]
    self_trade: &'static str,
    wt: &'static str,
    pm: &'static str,
    cp: bool,
    #[serde(rename = "pP")]
    price_protect: bool,
    #[serde(rename = "R")]
    reduce_only: bool,
    tt: i64,
    gtd: i64,
    rm: &'static str,
    ia: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cr: Option<Rate>,
    #[serde(rename = "AP", skip_serializing_if = "Option::is_none")]
    activation: Option<Px>,
}

fn algo(sim: &Sim, now: i64, record: &AlgoRecord) -> String {
    let trails = record.kind == AlgoKind::TrailingStopMarket;
    let o = AlgoEvent {
        caid: record.client_id.as_str(),
        aid: record.id,
        at: "CONDITIONAL",
        o: record.kind.name(),
        s: sim.symbols.name(record.symbol),
        side: record.side.order_name(),
        ps: record.position_side.name(),
        f: record.time_in_force.name(),
        q: record.qty,
        status: record.status.name(),
        ai: id_or_empty(record.order_id),
        ap: record.average_px,
        aq: record.filled,
        act: if record.order_id == 0 { "0" } else { order_type(record.kind) },
        tp: record.trigger,
        p: record.price,
        self_trade: record.self_trade.name(),
        wt: record.working_type.name(),
        pm: "NONE",
        cp: record.close_position,
        price_protect: record.price_protect,
        reduce_only: record.reduce_only,
        tt: record.triggered_at.as_millis(),
        gtd: sim.gate.algo_till(record),
        rm: record.reason,
        ia: record.activated,
        cr: trails.then(|| percent(record.callback)),
        activation: trails.then_some(record.activate_price),
    };
    text(&Framed { e: "ALGO_UPDATE", sent: now, at: record.updated.as_millis(), o })
}

/// What a conditional order becomes.
pub const fn order_type(kind: AlgoKind) -> &'static str {
    match kind {
        AlgoKind::Stop | AlgoKind::TakeProfit => "LIMIT",
        AlgoKind::StopMarket | AlgoKind::TakeProfitMarket | AlgoKind::TrailingStopMarket => {
            "MARKET"
        }
    }
}

/// The id as text, or nothing.
pub fn id_or_empty(id: u64) -> String {
    if id == 0 { String::new() } else { id.to_string() }
}

/// A fraction as the percentage that the exchange writes.
pub fn percent(fraction: Rate) -> Rate {
    Rate::from_raw(fraction.raw().saturating_mul(100))
}

/// A percentage that the exchange reads, as a fraction.
pub const fn fraction(percent: Rate) -> Rate {
    const PERCENT: i64 = 100;
    const _: () = assert!(SCALE % PERCENT == 0);
    Rate::from_raw(percent.raw() / PERCENT)
}

#[derive(Serialize)]
struct AccountEvent<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    sent: i64,
    #[serde(rename = "T")]
    at: i64,
    a: Changes<'a>,
}

#[derive(Serialize)]
struct Changes<'a> {
    m: &'static str,
    #[serde(rename = "B")]
    balances: [BalanceChange; 1],
    #[serde(rename = "P")]
    positions: Vec<PositionChange<'a>>,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
}

#[derive(Serialize)]
struct BalanceChange {
    a: &'static str,
    wb: Money,
    cw: Money,
    bc: Money,
}

#[derive(Serialize)]
struct PositionChange<'a> {
    s: &'a str,
    pa: Qty,
    ep: Px,
    bep: Px,
    cr: Money,
    up: Money,
    mt: &'static str,
    iw: Money,
    ps: &'static str,
    ma: &'static str,
}

/// The margin type as events and the second version of queries write it.
pub const fn margin_type(margin_type: MarginType) -> &'static str {
    match margin_type {
        MarginType::Crossed => "cross",
        MarginType::Isolated => "isolated",
    }
}

fn account(sim: &Sim, now: i64, report: &AccountReport) -> String {
    let position = |p: &aegis_exchange::futures::PositionReport| PositionChange {
        s: sim.symbols.name(p.symbol),
        pa: p.qty,
        ep: p.entry_px,
        bep: p.break_even_px,
        cr: p.realized,
        up: p.unrealized,
        mt: margin_type(p.margin_type),
        iw: p.isolated_wallet,
        ps: p.position_side.name(),
        ma: ASSET,
    };
    text(&AccountEvent {
        e: "ACCOUNT_UPDATE",
        sent: now,
        at: report.at.as_millis(),
        a: Changes {
            m: report.reason.name(),
            balances: [BalanceChange {
                a: ASSET,
                wb: report.wallet,
                cw: report.cross_wallet,
                bc: report.change,
            }],
            positions: report.positions.iter().map(position).collect(),
            symbol: report.symbol.map(|symbol| sim.symbols.name(symbol)),
        },
    })
}

fn margin_call(sim: &Sim, now: i64, cross_wallet: Money, calls: &[MarginCall]) -> String {
    let position = |p: &MarginCall| {
        json!({
            "s": sim.symbols.name(p.symbol),
            "ps": p.position_side.name(),
            "pa": p.qty,
            "mt": p.margin_type.name(),
            "iw": p.isolated_wallet,
            "mp": p.mark,
            "up": p.unrealized,
            "mm": p.maintenance_margin,
        })
    };
    let positions: Vec<serde_json::Value> = calls.iter().map(position).collect();
    json!({ "e": "MARGIN_CALL", "E": now, "cw": cross_wallet, "p": positions }).to_string()
}
