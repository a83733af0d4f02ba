//! How each fault is made.

use crate::draw::Draw;
use crate::invariants::held_at;
use crate::network::{ConnId, Host};
use crate::world::{Process, World};
use aegis_journal::disk::SimFault;
use aegis_types::Nanos;
use serde_json::{Value, json};

/// Requests that place orders.
const PLACING: &str = "POST /fapi/v1/order";
/// Requests that place conditional orders.
const ALGO: &str = "POST /fapi/v1/algoOrder";

/// An order may not be found for so long: less than what the client waits beyond its window.
const HIDDEN_MAX_MS: i64 = 1_500;

/// Lets a fault happen, or lie in wait at the exchange.
pub fn inject(world: &mut World, name: &'static str, draw: &mut Draw) {
    if name == "fill_after_cancel" {
        // Entries fill at once: one that is taken back must be filled in part before.
        world.flattens = true;
        let body = json!({"fault": "partial_fill", "match": PLACING, "fraction": "0.4"});
        let _ = world.venue.fault(world.now, &body.to_string(), &mut world.network);
    }
    if let Some(posting) = posting(world, name, draw) {
        if let Some(hidden) = posting["hidden_ms"].as_i64().filter(|ms| *ms > 0) {
            // What is not found yet is not told yet either.
            let body = json!({"fault": "ws_late", "match": "user", "count": 6, "ms": hidden});
            let _ = world.venue.fault(world.now, &body.to_string(), &mut world.network);
        }
        let body = posting.to_string();
        let taken = world.venue.fault(world.now, &body, &mut world.network);
        let word = taken.as_ref().err().map_or("posted", |_| "refused");
        world.diary.note(world.now, || format!("fault {name} {word}: {body}"));
        world.checks.asked = true;
        return;
    }
    if network(world, name, draw) || process(world, name, draw) {
        world.diary.note(world.now, || format!("fault {name}"));
        world.trouble.fire(name);
    }
}

/// The name of a fault that acted at the exchange, as the catalogue has it.
pub fn of_exchange(world: &World, name: &str) -> Option<&'static str> {
    // Where one of the exchange's stands for two, those that the seed has take turns.
    let has = |name: &'static str| world.trouble.has(name).then_some(name);
    let either = |one: &'static str, other: &'static str| match (has(one), has(other)) {
        (Some(_), Some(_)) => {
            let fired = |name| world.trouble.fired.get(name).copied().unwrap_or(0);
            Some(if fired(one) <= fired(other) { one } else { other })
        }
        (one, other) => one.or(other),
    };
    Some(match name {
        "reply_cut" => "reply_dropped",
        "http_503_unknown_executed" => "unknown_executed",
        "http_503_unknown_lost" => "unknown_lost",
        "http_503_unavailable" => "unavailable",
        "minus_1007" => "minus_1007",
        "ws_silence" => "stream_silent",
        "ws_reorder" => "frame_reordered",
        "ws_late" => "frame_late",
        "ws_gap" => "frame_lost",
        "ws_malformed" => "frame_malformed",
        "ws_close" => "day_is_over",
        "listen_key_expire" => "listen_key",
        "fill_before_ack" => "fill_before_ack",
        "fill_after_cancel" => "fill_after_cancel",
        "algo_invisible" => "stop_invisible",
        "liquidation" => "liquidation",
        "adl" => "adl",
        "manual_close" => "manual_close",
        "foreign_order" => "foreign_order",
        "http_429" => "too_many",
        "http_418" => "banned",
        "filters_change" => "filters_change",
        "symbol_halt" => "halted",
        "settings_change" => "leverage_differs",
        "funding" => "funding",
        "clock_skew" => "clock",
        "ws_wrong_data" => "wrong_data",
        // These stand for two of the catalogue's each.
        "ws_dup" => either("fill_twice", "frame_twice")?,
        "error_code" => either("duplicate_id", "precision")?,
        "algo_reject" => either("stop_rejected", "stop_would_trigger")?,
        "partial_fill" => either("partial_entry", "stop_partial")?,
        _ => return None,
    })
}

fn symbol(world: &World, draw: &mut Draw) -> String {
    let names = world.plan.session.symbols.names();
    draw.one(names).clone()
}

/// A symbol of which something is held, if any is.
fn held(world: &World, draw: &mut Draw) -> Option<String> {
    let symbols = &world.plan.session.symbols;
    let held: Vec<&str> = symbols
        .ids()
        .filter(|id| !world.witness.holding(*id).qty.is_zero())
        .map(|id| symbols.name(id))
        .collect();
    (!held.is_empty()).then(|| (*draw.one(&held)).to_owned())
}

/// What is posted to the exchange for a fault, if it is one of the exchange's.
fn posting(world: &World, name: &str, draw: &mut Draw) -> Option<Value> {
    let seed = draw.below(1 << 40);
    let count = draw.between(1, 3);
    let of_order = |fault: &str| json!({"fault": fault, "match": PLACING, "count": count});
    let of_frame = |fault: &str| json!({"fault": fault, "count": count * 4, "seed": seed});
    Some(match name {
        "reply_dropped" => {
            let target = *draw.one(&[PLACING, ALGO, "DELETE /fapi/v1/order", ""]);
            json!({"fault": "reply_cut", "match": target, "bytes": -1, "count": count})
        }
        "unknown_executed" => {
            let hidden = draw.between(300, HIDDEN_MAX_MS) * i64::from(draw.permille(500));
            json!({
                "fault": "http_503_unknown_executed", "match": PLACING, "count": count,
                "hidden_ms": hidden,
            })
        }
        "unknown_lost" => of_order("http_503_unknown_lost"),
        "unavailable" => json!({"fault": "http_503_unavailable", "count": count, "seed": seed}),
        "minus_1007" => {
            json!({"fault": "minus_1007", "match": PLACING, "executed": true, "count": count})
        }
        "duplicate_id" => json!({
            "fault": "error_code", "match": PLACING, "code": -4116, "executed": true,
            "msg": "ClientOrderId is duplicated.",
        }),
        "precision" => {
            let (code, msg) = *draw.one(&[
                (-1_111, "Precision is over the maximum defined for this asset."),
                (-4_164, "Order's notional must be no smaller than 5.0."),
                (-4_014, "Price not increased by tick size."),
            ]);
            let target = *draw.one(&[PLACING, ALGO]);
            json!({"fault": "error_code", "match": target, "code": code, "msg": msg})
        }
        "stream_silent" => {
            json!({"fault": "ws_silence", "ms": draw.between(2_000, 90_000)})
        }
        "frame_twice" => of_frame("ws_dup"),
        "fill_twice" => {
            json!({"fault": "ws_dup", "match": "ORDER_TRADE_UPDATE", "count": count * 3})
        }
        "frame_reordered" => of_frame("ws_reorder"),
        "frame_late" => {
            let to = *draw.one(&["", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE"]);
            let ms = draw.between(200, 30_000);
            json!({"fault": "ws_late", "ms": ms, "count": count * 3, "match": to})
        }
        "frame_lost" => {
            let to = *draw.one(&["", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE"]);
            json!({"fault": "ws_gap", "count": count * 2, "match": to})
        }
        "frame_malformed" => of_frame("ws_malformed"),
        "wrong_data" => of_frame("ws_wrong_data"),
        "day_is_over" => json!({"fault": "ws_close"}),
        "listen_key" => json!({"fault": "listen_key_expire"}),
        "fill_before_ack" => of_order("fill_before_ack"),
        "partial_entry" => json!({
            "fault": "partial_fill", "match": PLACING, "fraction": "0.4", "rest": "expire",
        }),
        "stop_partial" => json!({"fault": "partial_fill", "match": ALGO, "fraction": "0.4"}),
        "fill_after_cancel" => json!({"fault": "fill_after_cancel"}),
        "stop_rejected" => json!({
            "fault": "algo_reject", "code": -2_010, "msg": "NEW_ORDER_REJECTED", "count": count,
        }),
        "stop_would_trigger" => json!({
            "fault": "algo_reject", "code": -2_021,
            "msg": "Order would immediately trigger.", "count": count,
        }),
        "stop_invisible" => {
            json!({"fault": "algo_invisible", "ms": draw.between(1_000, 1_800_000)})
        }
        _ => return of_account(world, name, draw),
    })
}

/// The same for what happens to market and account.
fn of_account(world: &World, name: &str, draw: &mut Draw) -> Option<Value> {
    Some(match name {
        "liquidation" => json!({"fault": "liquidation", "symbol": held(world, draw)?}),
        "adl" => json!({"fault": "adl", "symbol": held(world, draw)?, "fraction": "0.5"}),
        "manual_close" => {
            let fraction = *draw.one(&["0.3", "1"]);
            json!({"fault": "manual_close", "symbol": held(world, draw)?, "fraction": fraction})
        }
        "foreign_order" => foreign(world, draw),
        "too_many" => json!({"fault": "http_429"}),
        "banned" => json!({"fault": "http_418", "ms": draw.between(3_000, 90_000)}),
        "filters_change" => json!({"fault": "filters_change", "symbol": symbol(world, draw)}),
        "halted" => {
            let (symbol, ms) = (symbol(world, draw), draw.between(5_000, 600_000));
            json!({"fault": "symbol_halt", "symbol": symbol, "ms": ms})
        }
        "leverage_differs" => {
            let leverage = draw.between(1, 20);
            json!({"fault": "settings_change", "symbol": symbol(world, draw), "leverage": leverage})
        }
        "funding" => {
            let rate = *draw.one(&["0.0001", "-0.0003", "0.002"]);
            json!({"fault": "funding", "symbol": symbol(world, draw), "rate": rate})
        }
        _ => return None,
    })
}

/// An order of somebody else, of about a hundred units of money.
fn foreign(world: &World, draw: &mut Draw) -> Value {
    let symbols = &world.plan.session.symbols;
    let id = aegis_types::SymbolId(draw.below(symbols.len() as u64) as u16);
    let instrument = &world.plan.session.instruments[id.index()];
    let px = world.witness.holding(id).close.max(1e-6);
    let steps = (100.0 / px / instrument.step.to_f64()).ceil().max(1.0) as i64;
    let qty = aegis_types::Qty::from_raw(steps * instrument.step.raw()).max(instrument.qty_min);
    let side = *draw.one(&["BUY", "SELL"]);
    json!({
        "fault": "foreign_order", "symbol": symbols.name(id), "side": side,
        "quantity": qty.to_string(),
    })
}

/// The user takes back what he has traded beside the node.
pub fn take_back(world: &mut World) {
    if !world.trouble.fired.contains_key("foreign_order") {
        return;
    }
    let symbols = world.plan.session.symbols.clone();
    for id in symbols.ids() {
        let (truth, ours) = (held_at(world, id), world.witness.holding(id).qty);
        let (truth, ours) = (truth.raw(), ours.raw());
        if truth == ours {
            continue;
        }
        let side = if truth > ours { "SELL" } else { "BUY" };
        let quantity = aegis_types::Qty::from_raw((truth - ours).abs()).to_string();
        let body = json!({
            "fault": "foreign_order", "symbol": symbols.name(id), "side": side,
            "quantity": quantity,
        });
        let body = body.to_string();
        let taken = world.venue.fault(world.now, &body, &mut world.network);
        world.diary.note(world.now, || format!("the user takes back {body}: {taken:?}"));
    }
}

fn host(draw: &mut Draw) -> Host {
    *draw.one(&[Host::Rest, Host::Streams, Host::User])
}

/// A connection of a kind that is open.
fn connection(world: &World, draw: &mut Draw) -> Option<ConnId> {
    let open: Vec<ConnId> = world.network.open(host(draw)).collect();
    (!open.is_empty()).then(|| *draw.one(&open))
}

/// Faults of the network. False when it is none, or could not be.
fn network(world: &mut World, name: &str, draw: &mut Draw) -> bool {
    let now = world.now;
    match name {
        "reset_mid_body" => {
            let Some(conn) = connection(world, draw) else { return false };
            world.network.cut(now, conn);
        }
        "half_open" => {
            let Some(conn) = connection(world, draw) else { return false };
            world.network.deafen(now, conn);
        }
        "latency" => {
            let latency = Nanos::from_millis(draw.between(50, 10_000));
            let weather = world.network.weather(host(draw));
            (weather.latency, weather.jitter) = (latency, Nanos(latency.0 / 4));
            world.network.calm_at(now.after(Nanos(draw.wait(Nanos::SECOND.0 * 30))));
        }
        "bandwidth" => {
            world.network.weather(host(draw)).bandwidth = 1_000;
            world.network.calm_at(now.after(Nanos(draw.wait(Nanos::SECOND.0 * 60))));
        }
        "dns" => {
            let hosts = [Host::Rest, Host::Streams, Host::User];
            let until = now.after(Nanos(draw.between(Nanos::SECOND.0, Nanos::MINUTE.0 * 10)));
            for host in hosts {
                world.network.weather(host).refuse_until = until;
            }
            for _ in 0..draw.below(4) {
                if let Some(conn) = connection(world, draw) {
                    world.network.cut(now, conn);
                }
            }
        }
        _ => return false,
    }
    true
}

/// Faults of processes, clocks and disks. False when it is none, or could not be.
fn process(world: &mut World, name: &str, draw: &mut Draw) -> bool {
    let now = world.now;
    let up = matches!(world.brain, Process::Up(_));
    match name {
        "clock" => clock(world, draw),
        "kill" if up => {
            if draw.permille(300) {
                world.end_feed();
            }
            let disk = world.disk.clone();
            let Some(brain) = world.brain.up() else { return false };
            if draw.permille(150) {
                brain.dies_in_snapshot(disk, draw.below(8));
                return true;
            }
            match brain.client_mut() {
                // Where the journal matters most.
                Some(client) if draw.permille(400) => client.dies_behind_order = Some(disk),
                _ => disk.stop_after(draw.below(40)),
            }
        }
        "stall" if up => {
            let span = Nanos(draw.between(Nanos::SECOND.0, Nanos::SECOND.0 * 60));
            if draw.permille(300) {
                world.feed_stalled = now.after(span);
            } else {
                world.brain_stalled = now.after(span);
            }
        }
        "hang" if up => world.hang(now.after(Nanos::SECOND.times(10))),
        "disk_full" if up => {
            world.disk.limit(Some(world.disk.used() + draw.below(200_000)));
            world.space_at = now.after(Nanos(draw.wait(Nanos::MINUTE.0 * 2)));
        }
        "sync_fails" if up && world.is_synced() => world.disk.fail(SimFault::Sync, draw.below(5)),
        "torn_tail" if up && world.is_synced() => world.power_cut(),
        "bit_flip" if up && draw.permille(300) => return world.flip_a_snapshot(),
        "bit_flip" if up => return world.flip_a_bit(),
        "database" => {
            let span = Nanos(draw.wait(Nanos::MINUTE.0 * 3));
            if draw.permille(500) {
                world.rows.down_until = now.after(span);
            } else {
                world.rows.slow = Nanos(draw.between(0, Nanos::SECOND.0 * 5));
            }
        }
        "overrun" if up => world.flood(draw.between(Nanos::SECOND.0 * 5, Nanos::SECOND.0 * 80)),
        _ => return false,
    }
    true
}

/// A process's clock is off when it starts next; the exchange's jumps.
fn clock(world: &mut World, draw: &mut Draw) {
    let off = Nanos(draw.between(-5_000_000_000, 5_000_000_000));
    match draw.below(3) {
        0 => world.skew_at_restart(off),
        1 => {
            world.feed_skew = off;
            world.end_feed();
        }
        _ => {
            let body = json!({"fault": "clock_skew", "ms": off.as_millis()}).to_string();
            // One skew at a time: they would add up.
            world.venue.unskew(world.now, &mut world.network);
            let _ = world.venue.fault(world.now, &body, &mut world.network);
        }
    }
}
