//! Proves what the teacher and the features promise.

mod data;
use aegis_learn::{Analysis, Config, Found, propose};
use aegis_types::{Side, SymbolId};

#[test]
#[ignore = "a survey to read, not a check: cargo test --release -p aegis-learn -- --ignored --nocapture"]
fn survey_of_real_proposals() {
    let config = Config::default();
    let mut all = Vec::new();
    for name in data::SYMBOLS {
        let Some(candles) = data::real(name) else { return };
        let mut analysis = Analysis::new(SymbolId(0), &config);
        let (mut n, mut strong, mut long, mut wide) = (0, 0, 0, 0);
        for candle in &candles {
            analysis.push(candle, &mut |_| {}).unwrap();
            if analysis.minutes() <= 250 {
                continue;
            }
            let Some(p) = propose(&analysis, &config) else { continue };
            let price = candle.close.to_f64();
            let risk = (price - p.stop).abs() / price;
            n += 1;
            if p.confidence > 0.60 {
                strong += 1;
                long += u32::from(p.side == Side::Buy);
                wide += u32::from(risk >= 0.00667);
            }
            let r = (p.target - price).abs() / (price - p.stop).abs();
            all.push((p.confidence, risk, r, p.side));
        }
        println!("{name}: proposals {n}, > 0.60 {strong} (long {long}), stop >= 0.667% {wide}");
    }
    let mut c: Vec<f64> = all.iter().map(|a| a.0).collect();
    c.sort_by(f64::total_cmp);
    let q = |v: &[f64], p: f64| v[((v.len() - 1) as f64 * p) as usize];
    println!(
        "all {}: conf p1 {:.3} p10 {:.3} p50 {:.3} p75 {:.3} p90 {:.3} p99 {:.3} max {:.3}",
        c.len(),
        q(&c, 0.01),
        q(&c, 0.1),
        q(&c, 0.5),
        q(&c, 0.75),
        q(&c, 0.9),
        q(&c, 0.99),
        q(&c, 1.0)
    );
    let mut r: Vec<f64> = all.iter().map(|a| a.1 * 100.0).collect();
    r.sort_by(f64::total_cmp);
    println!(
        "risk%: p10 {:.2} p50 {:.2} p90 {:.2} max {:.2}",
        q(&r, 0.1),
        q(&r, 0.5),
        q(&r, 0.9),
        q(&r, 1.0)
    );
    let mut t: Vec<f64> = all.iter().map(|a| a.2).collect();
    t.sort_by(f64::total_cmp);
    println!(
        "R: p0 {:.2} p10 {:.2} p50 {:.2} p90 {:.2}",
        q(&t, 0.0),
        q(&t, 0.1),
        q(&t, 0.5),
        q(&t, 0.9)
    );
}

#[test]
#[ignore = "a measurement"]
fn time_per_candle() {
    let config = Config::default();
    println!("Analysis {} B", size_of::<Analysis>());
    let Some(candles) = data::real("ETHUSDT") else { return };
    for round in 0..6 {
        let mut analysis = Analysis::new(SymbolId(0), &config);
        let mut n = 0u64;
        let t = std::time::Instant::now();
        for candle in &candles {
            analysis
                .push(candle, &mut |f| {
                    if let Found::Structure { .. } = f {
                        n += 1
                    }
                })
                .unwrap();
        }
        let push = t.elapsed();
        let mut analysis2 = Analysis::new(SymbolId(0), &config);
        let t = std::time::Instant::now();
        for candle in &candles {
            analysis2.push(candle, &mut |_| {}).unwrap();
            n += u64::from(std::hint::black_box(propose(&analysis2, &config)).is_some());
        }
        let both = t.elapsed();
        println!(
            "{round}: push {} ns, push+propose {} ns ({n})",
            push.as_nanos() / candles.len() as u128,
            both.as_nanos() / candles.len() as u128
        );
    }
}
