//! The catalogue read as text: every entry's signature reads back, names and columns are unique,
//! and columns of several calls are told apart.

use aegis_indicators::catalogue::{
    Call, CallError, ENTRIES, MAX_COLUMNS, MAX_PARAMETERS, column_names, find, nearest,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn every_entry_reads_back_from_its_own_words() {
    let (mut names, mut columns) = (BTreeSet::new(), BTreeSet::new());
    for entry in &ENTRIES {
        assert!(names.insert(entry.name), "{} is there twice", entry.name);
        assert!(entry.columns.iter().all(|c| columns.insert(*c)), "a column of {}", entry.name);
        assert!((1..=MAX_COLUMNS).contains(&entry.columns.len()), "{}", entry.name);
        assert!(entry.parameters.len() <= MAX_PARAMETERS, "{}", entry.name);
        assert!(!entry.about.is_empty() && entry.name == entry.name.to_lowercase());
        for parameter in entry.parameters {
            let fine = parameter.allows(parameter.default);
            assert!(fine, "{}: {} by default", entry.signature(), parameter.name);
        }
        let call = Call::parse(&entry.name.to_uppercase()).expect("a call");
        let again = Call::parse(&call.to_string()).expect("its own words");
        assert_eq!(call.arguments(), again.arguments());
        assert_eq!(nearest(entry.name), entry.name);
    }
}

#[test]
fn the_list_of_indicators_is_whole() {
    let all = "rsi macd stoch stochrsi cci willr mom roc ppo ultosc sma ema wma rma hma dema tema \
               adx plus_di minus_di dx adxr supertrend sar aroon vortex tr atr natr bbands stddev \
               donchian keltner obv mfi ad adosc cmf vwma vwap ichimoku";
    for name in all.split_whitespace() {
        assert!(find(name).is_some(), "{name} is missing");
    }
}

#[test]
fn columns_that_occur_twice_get_their_parameters() {
    let names = |calls: &[&str]| {
        let calls: Vec<Call> = calls.iter().map(|call| Call::parse(call).unwrap()).collect();
        column_names(&calls).join(" ")
    };
    assert_eq!(names(&["rsi(9)", "rsi(14)"]), "rsi rsi_14");
    assert_eq!(
        names(&["macd", "macd(8,21,5)"]),
        "macd macd_signal macd_hist macd_8_21_5 macd_signal_8_21_5 macd_hist_8_21_5"
    );
    assert_eq!(names(&["sar", "sar(0.01,0.2)"]), "sar sar_0.01_0.2");
    assert_eq!(
        names(&["vwap_session", "vwap_session(13:30,20:00)"]),
        "vwap_session vwap_session_13:30_20:00"
    );
    assert_eq!(names(&["ema(2)", "ema", "ema(20)", "obv", "obv"]), "ema ema_20 ema_20_2 obv obv_2");
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "\\PC{0,40}") {
        let _ = Call::parse(&text);
    }

    #[test]
    fn calls_in_any_shape_are_read_or_refused_with_reason(
        name in "[a-z_]{1,12}", inside in "[-0-9.,: naife]{0,20}",
    ) {
        let text = format!("{name}({inside})");
        match Call::parse(&text) {
            Ok(call) => {
                let again = Call::parse(&call.to_string()).expect("its own words");
                prop_assert_eq!(call.arguments(), again.arguments());
            }
            Err(CallError::Unknown { nearest, .. }) => prop_assert!(find(nearest).is_some()),
            Err(error) => prop_assert!(error.to_string().contains(&name)),
        }
    }
}
