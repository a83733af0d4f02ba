//! Phase 3: a market through the whole engine in this process, down to a signed request.

use super::performance::median_ns;
use super::{Auditor, Finding, Measured};
use crate::bus::{Bus, Class, Noticed};
use crate::session::{self, Wanted};
use aegis_indicators::{Atr, Ema, Indicator, Rsi};
use aegis_settings::{Settings, Sources};
use aegis_types::{Bar, Denial, DenialCode, Nanos, Notice, Side, SymbolId, Topic};
use aegis_wire::{Secret, Signer};
use std::hint::black_box;
use std::num::NonZeroU32;

/// Period of the measured indicators.
const PERIOD: NonZeroU32 = NonZeroU32::new(14).unwrap();
/// Days of the generated market that the dry run trades.
const DAYS: u32 = 3;
/// Futures documentation, signed-endpoint example 1: secret, message, signature.
const VECTOR: [&str; 3] = [
    "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000\
     &timestamp=1591702613943",
    "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
];

pub fn phase(auditor: &mut Auditor, performance: &mut Vec<Measured>) {
    let mut report = None;
    auditor.check("dryrun.pipeline", "data layer", || match trade() {
        Ok(found) => {
            let line = format!(
                "{} candles → {} signals → {} orders → {} fills, digest {}…",
                found.candles,
                found.signals,
                found.orders,
                found.fills,
                &found.digest.get(..12).unwrap_or_default()
            );
            let works = found.candles > 0 && found.signals > 0 && found.fills > 0;
            report = Some(found);
            if works {
                Finding::pass(line)
            } else {
                Finding::fail(line, "the engine forms no trades on a generated market")
            }
        }
        Err(what) => Finding::fail(what, "do not trade with this build"),
    });
    auditor.check("dryrun.risk", "error handling", || match &report {
        Some(r) if r.max_open_positions <= 3 && r.max_leverage <= 3.0 => Finding::pass(format!(
            "at most {} positions, leverage at most {:.3}, {} signals denied with a reason",
            r.max_open_positions,
            r.max_leverage,
            r.rejections.values().sum::<u64>()
        )),
        Some(r) => Finding::fail(
            format!("{} positions, leverage {}", r.max_open_positions, r.max_leverage),
            "do not trade with this build",
        ),
        None => Finding::skip("the pipeline did not run"),
    });
    auditor.check("dryrun.deterministic", "error handling", || match (&report, trade()) {
        (Some(first), Ok(second)) if first.digest == second.digest => {
            Finding::pass("a second run gives the same digest of orders")
        }
        (Some(_), Ok(_)) => Finding::fail("two runs differ", "do not trade with this build"),
        _ => Finding::skip("the pipeline did not run"),
    });
    auditor.check("dryrun.signature", "API signing", || {
        let signer = Signer::hmac(&Secret::new(VECTOR[0].to_owned()));
        let signature = signer.signature(VECTOR[1].as_bytes());
        if signature == VECTOR[2] {
            Finding::pass("the exchange's published vector is reproduced")
        } else {
            Finding::fail(format!("signature {signature}"), "do not trade with this build")
        }
    });
    measure(performance);
}

fn trade() -> Result<aegis_backtest::Report, String> {
    let none = |_: &str| None;
    let sources = Sources { file: None, env: &none, env_keys: Vec::new(), flags: Vec::new() };
    let settings = Settings::load(&sources).map_err(|e| format!("default settings: {e}"))?;
    let wanted = Wanted { days: Some(DAYS), ..Wanted::default() };
    let session = session::prepare(&settings, &wanted).map_err(|e| e.what)?;
    let facts = session::facts(&session).map_err(|e| e.what)?;
    aegis_backtest::run(&session, facts, None, |_| {}).map_err(|e| e.to_string())
}

fn measure(performance: &mut Vec<Measured>) {
    const N: u32 = 20_000;
    let bar = |i: u32| {
        let px = 100.0 + f64::from(i % 17);
        Bar::new(Nanos::ZERO, px, px + 1.0, px - 1.0, px, 1.0).unwrap_or_default()
    };
    let bars: Vec<_> = (0..N).map(bar).collect();
    let indicators = median_ns(5, N, || {
        let (mut rsi, mut atr, mut ema) = (Rsi::new(PERIOD), Atr::new(PERIOD), Ema::new(PERIOD));
        for bar in &bars {
            black_box((rsi.push(bar.close()), atr.push(*bar), ema.push(bar.close())));
        }
    });
    performance.push(Measured {
        name: "indicators a candle",
        value: indicators,
        unit: "ns",
        floor: 200.0,
    });
    let signer = Signer::hmac(&Secret::new(VECTOR[0].to_owned()));
    let sign = median_ns(5, 500, || {
        for _ in 0..500 {
            black_box(signer.signature(black_box(VECTOR[1].as_bytes())));
        }
    });
    performance.push(Measured { name: "signature", value: sign, unit: "ns", floor: 5_000.0 });
    let mut bus = Bus::new();
    let reader = bus.subscribe(&[Topic::RiskRejected], Class::Lossless, 1 << 16);
    let denial = Denial {
        at: Nanos::ZERO,
        symbol: SymbolId(0),
        code: DenialCode::Paused,
        measured: 1.0,
        limit: 0.0,
    };
    let notice = Notice::Denied { denial, confidence: 0.7, side: Side::Buy };
    let publish = median_ns(5, 1_000, || {
        for seq in 0..1_000 {
            bus.publish(Noticed { at: Nanos::ZERO, seq, notice });
        }
        reader.read(&mut Vec::with_capacity(1_000), std::time::Duration::ZERO);
    });
    performance.push(Measured {
        name: "bus publish and read",
        value: publish,
        unit: "ns",
        floor: 5_000.0,
    });
}
