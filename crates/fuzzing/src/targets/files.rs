//! What comes from files that others have written.

use crate::seeds::{CANDLES, USER_FILES, gzip, lines, zip};
use aegis_data::{TimeUnit, rubbish};
use aegis_types::{Bracket, Money, Nanos, Rate, SymbolId};
use aegis_wire::bodies::{self, ExchangeInfo};
use zip::CompressionMethod::{Deflated, Stored};

/// As a reply of the exchange and as a file of a user: which symbols are traded, and each one's
/// rules.
pub(super) fn exchange_info(data: &[u8]) -> bool {
    let mut good = bodies::brackets(data).is_ok();
    if let Ok(info) = bodies::read::<ExchangeInfo>(data) {
        good = true;
        let _ = bodies::universe(&info.symbols.0);
        let cap = Bracket {
            floor: Money::ZERO,
            cap: Money::whole(1_000_000),
            rate: Rate::ZERO,
            deduction: Money::ZERO,
            leverage_max: 20,
        };
        for symbol in info.symbols.0.iter().take(8) {
            let fees = (Rate::ZERO, Rate::ZERO);
            let _ = symbol.instrument(SymbolId(0), fees, &[cap], Nanos::HOUR);
        }
    }
    let Ok(text) = core::str::from_utf8(data) else { return good };
    let Ok(file) = rubbish::instruments(text) else { return good };
    for name in ["BTCUSDT", "ETHUSDT"] {
        let _ = file.instrument(name, SymbolId(0));
        let _ = file.has_brackets(name);
    }
    true
}

pub(super) fn instrument_seeds() -> Vec<Vec<u8>> {
    lines(include_str!("../../../../fixtures/fuzz/instruments.txt"))
}

pub(super) fn archives(data: &[u8]) -> bool {
    rubbish::candle_rows(data.to_vec()).is_ok_and(|(good, _)| good > 0)
}

pub(super) fn archive_seeds() -> Vec<Vec<u8>> {
    vec![
        zip(CANDLES, Deflated),
        zip(CANDLES, Stored),
        gzip(CANDLES),
        [gzip(CANDLES), gzip(CANDLES)].concat(),
        CANDLES.as_bytes().to_vec(),
    ]
}

/// The first byte chooses the layout.
pub(super) fn candle_rows(data: &[u8]) -> bool {
    let Some((&layout, rest)) = data.split_first() else { return false };
    let rows = rubbish::candle_rows(rest.to_vec());
    let cells = rubbish::cells(rest.to_vec(), usize::from(layout));
    rows.is_ok_and(|(good, _)| good > 0) || cells.is_ok_and(|(good, _)| good > 0)
}

pub(super) fn candle_seeds() -> Vec<Vec<u8>> {
    const OTHERS: [(u8, &str); 6] = [
        (3, "calc_time,funding_interval_hours,last_funding_rate\n1735689600000,8,0.00010000\n"),
        (
            4,
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,\
             is_buyer_maker\n\
             2500,93576.0,0.002,5912,5913,1735689600010,true\n",
        ),
        (5, "id,price,qty,quote_qty,time,is_buyer_maker\n1,93576,0.1,9357.6,1735689600010,false\n"),
        (
            6,
            "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,\
             event_time\n1,93575,1,93576,2,1735689600010,1735689600012\n",
        ),
        (7, "timestamp,percentage,depth,notional\n2025-01-01 00:00:08,-5,1200.5,110000000\n"),
        (
            8,
            "create_time,symbol,sum_open_interest,sum_open_interest_value\n\
             2025-01-01 00:05:00,BTCUSDT,80000,7500000000\n",
        ),
    ];
    let with = |layout: u8, text: &str| [&[layout], text.as_bytes()].concat();
    let mut all = vec![with(0, CANDLES), with(1, CANDLES), with(2, CANDLES)];
    all.extend(OTHERS.iter().map(|(layout, text)| with(*layout, text)));
    all
}

/// The first byte chooses the unit of times without one.
pub(super) fn user_csv(data: &[u8]) -> bool {
    const UNITS: [TimeUnit; 5] = [
        TimeUnit::Auto,
        TimeUnit::Seconds,
        TimeUnit::Milliseconds,
        TimeUnit::Microseconds,
        TimeUnit::Nanoseconds,
    ];
    let Some((&unit, rest)) = data.split_first() else { return false };
    let bars = rubbish::bars(rest.to_vec());
    let Ok(text) = core::str::from_utf8(rest) else { return bars > 0 };
    let (good, _) = rubbish::import_rows(text, UNITS[usize::from(unit) % UNITS.len()]);
    bars > 0 || good > 0
}

pub(super) fn user_seeds() -> Vec<Vec<u8>> {
    let all = USER_FILES.iter().zip(0u8..);
    all.map(|(text, unit)| [&[unit], text.as_bytes()].concat()).collect()
}
