//! `aegis bench sign`: nanoseconds to sign a request, HMAC-SHA256 and Ed25519.
//!
//! Workload: the market order of the contracts' vector (about 120 bytes signed). `ns_median` is
//! what the order path pays: parameters already gathered, then encode, append timestamp and window,
//! sign with the keyed state, append the signature. Gathering the parameters and the bare signature
//! are printed beside it. Every batch uses new timestamps, so no result can be reused. Left out:
//! the socket.

use crate::Options;
use aegis_types::Qty;
use aegis_wire::{Query, RECV_WINDOW_MS, Secret, Signer};
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

const BATCH: i64 = 200;
/// The secret of the futures documentation's examples, so that the result can be checked.
const SECRET: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
const VECTOR: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5&timestamp=1700656000000\
                      &recvWindow=5000&signature=\
                      ae3e4b253a565a026f3e801d7d9f7a73f7409f401dc7ade99e71081d577de271";

/// Measures for `opts.seconds`.
///
/// # Errors
/// When the signature of the pinned vector is wrong: then no figure means anything.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let (hmac, ed25519) = (Signer::hmac(&Secret::from(SECRET)), Signer::ed25519(&[7; 32]));
    let query = order();
    let signed = query.signed(&hmac, 1_700_656_000_000, RECV_WINDOW_MS);
    if signed != VECTOR {
        return Err(format!("the pinned vector is signed differently: {signed}"));
    }
    let message = signed.as_bytes()[..signed.len() - "&signature=".len() - 64].to_vec();
    let until = Instant::now() + Duration::from_secs_f64(opts.seconds.max(0.1));
    let mut times = [const { Vec::new() }; 4];
    let mut ms = 1_700_656_000_000;
    while times[0].len() < 11 || Instant::now() < until {
        times[0].push(batch(ms, |ms| query.signed(&hmac, ms, RECV_WINDOW_MS)));
        times[1].push(batch(ms, |ms| order().signed(&hmac, ms, RECV_WINDOW_MS)));
        times[2].push(batch(ms, |_| hmac.signature(black_box(&message))));
        times[3].push(batch(ms, |ms| query.signed(&ed25519, ms, RECV_WINDOW_MS)));
        ms += BATCH;
    }
    let samples = times[0].len();
    let [request, gathered, bare, ed25519] = times.map(|mut list| median(&mut list));
    let mut report = Map::new();
    report.insert("ns_median".into(), json!(request));
    report.insert("with_parameters_ns_median".into(), json!(gathered));
    report.insert("hmac_only_ns_median".into(), json!(bare));
    report.insert("ed25519_ns_median".into(), json!(ed25519));
    report.insert("message_bytes".into(), json!(message.len()));
    report.insert("samples".into(), json!(samples));
    Ok(report)
}

fn order() -> Query {
    Query::new()
        .with("symbol", "BTCUSDT")
        .with("side", "BUY")
        .with("type", "MARKET")
        .with("quantity", Qty::from_raw(50_000_000))
}

/// Nanoseconds per call.
fn batch(first_ms: i64, mut sign: impl FnMut(i64) -> String) -> f64 {
    let start = Instant::now();
    for ms in first_ms..first_ms + BATCH {
        black_box(sign(black_box(ms)));
    }
    start.elapsed().as_nanos() as f64 / BATCH as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2] * 10.0).round() / 10.0
}
