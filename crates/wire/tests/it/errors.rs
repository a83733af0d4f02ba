//! Every error has the reaction that the reference asks for, whatever it comes with, and what is
//! not known is never taken for harmless. `docs/errors.md` is generated from the same data.

use aegis_types::RejectCode;
use aegis_wire::errors::{
    Answer, Class, ERRORS, ErrorRow, Hint, STATUSES, Wait, banned_until, code, reject_code, text,
};
use proptest::prelude::*;
use std::fmt::Write;
use std::path::PathBuf;

/// Codes by reaction of a write, as the reference lists them.
const REFERENCE: &[(&str, &[i32])] = &[
    ("C", &[-1021, -5028]),
    ("U", &[-1000, -1001, -1006, -1007, -4116, -4117]),
    ("R", &[-1003, -1008, -1015, -1125]),
    ("S", &[-1002, -2014, -2015, -2017, -1099, -4056, -4057, -1016, -1020, -2023, -4109, -4192]),
    ("S", &[-4402]),
    ("X", &[-1010, -1013, -1014, -1022, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1114]),
    ("X", &[-1115, -1116, -1117, -1118, -1119, -1120, -1128, -1130, -1136, -4015, -4060, -4061]),
    ("X", &[-1131, -4062, -4120, -4135, -4137, -4138]),
    ("M", &[-1111, -1121, -1122, -4001, -4002, -4003, -4004, -4005, -4013, -4014, -4023]),
    ("D", &[-2010, -2013, -2018, -2019, -2020, -2021, -2022, -2024, -2025, -2026, -2027, -2028]),
    ("D", &[-4016, -4024, -4131, -4028, -4045, -4047, -4048, -4067, -4068, -4531, -4168, -4170]),
    ("D", &[-4087, -4088, -4105, -4106, -4107, -4189, -4400, -4401, -4118, -4142, -4161, -4164]),
    ("D", &[-4183, -4184, -4210, -4211, -5021, -5022, -5041, -5024, -5026, -5029, -5043, -5047]),
    ("D", &[-4202, -4203, -4204, -4205, -4206, -4207, -4208, -4209, -4403]),
    ("OK", &[-2011, -4046, -4059, -4171, -4052, -5027]),
];

#[test]
fn every_code_of_the_reference_has_its_class() {
    for (letter, codes) in REFERENCE {
        for code in *codes {
            let row = ErrorRow::find(*code).unwrap_or_else(|| panic!("{code} is missing"));
            assert_eq!(row.write.letter(), *letter, "{code}");
            let read = if *letter == "U" { "R" } else { letter };
            assert_eq!(row.read.letter(), read, "{code}");
        }
    }
}

#[test]
fn every_line_is_found_and_reacts_as_it_says() {
    for pair in ERRORS.windows(2) {
        assert!(pair[0].code > pair[1].code, "{} before {}", pair[0].code, pair[1].code);
    }
    for row in ERRORS {
        assert_eq!(ErrorRow::find(row.code), Some(row));
        assert!(!row.name.is_empty() && !row.text.is_empty());
        for write in [false, true] {
            let answer = Answer {
                status: row.status,
                code: Some(row.code),
                message: row.text,
                retry_after_s: None,
            };
            let want = if write { row.write } else { row.read };
            let got = answer.classify(write);
            assert_eq!((got.class, got.hint), (want, row.hint), "{} write {write}", row.code);
            assert_eq!((got.alert, got.row), (row.alert, Some(row)), "{}", row.code);
            // The same code as one item of a batch, under status 200.
            let item = Answer { status: 200, ..answer };
            assert_eq!(item.classify(write).class, want, "{}", row.code);
        }
    }
    assert_eq!(ErrorRow::find(-9999), None);
}

fn answer(status: u16, found: Option<i32>, message: &str) -> Answer<'_> {
    Answer { status, code: found, message, retry_after_s: None }
}

#[test]
fn statuses_decide_where_the_code_cannot() {
    use Class::{Retry, Stop, Unknown};
    let busy = Some(code::SERVER_BUSY);
    let cases: &[(u16, Option<i32>, &str, Class, Class)] = &[
        (0, None, "", Unknown, Retry),
        (403, None, "<html>", Stop, Stop),
        (408, None, "", Unknown, Retry),
        (408, Some(code::TIMEOUT), "", Unknown, Retry),
        (418, None, "", Retry, Retry),
        (429, None, "", Retry, Retry),
        (500, None, "", Unknown, Retry),
        (502, None, "bad gateway", Unknown, Retry),
        (503, None, text::UNKNOWN_503, Unknown, Retry),
        (503, Some(code::UNKNOWN), text::UNKNOWN_503, Unknown, Retry),
        (503, None, text::UNAVAILABLE_503, Retry, Retry),
        (503, None, text::INTERNAL_503, Retry, Retry),
        (503, Some(code::DISCONNECTED), text::INTERNAL_503, Retry, Retry),
        (503, busy, "Request throttled by system-level protection.", Retry, Retry),
        (503, busy, "other words", Retry, Retry),
        (503, None, "", Unknown, Retry),
        (504, Some(code::MARGIN_NOT_SUFFICIENT), "a code under 5xx proves nothing", Unknown, Retry),
        // The WebSocket API and batches may carry the code without the status.
        (200, busy, "", Retry, Retry),
    ];
    for (status, found, message, write, read) in cases {
        let answer = answer(*status, *found, message);
        assert_eq!(answer.classify(true).class, *write, "{answer:?}");
        assert_eq!(answer.classify(false).class, *read, "{answer:?}");
    }
    assert_eq!(answer(503, busy, "").classify(true).hint, Hint::LowerConcurrency);
    assert!(answer(403, None, "").classify(false).alert);
    assert_eq!(Answer::LOST.classify(true).class, Unknown);
}

#[test]
fn what_is_not_known_is_unknown_and_wakes_someone() {
    for status in [200, 400, 404, 451] {
        for found in [None, Some(-9_999), Some(0), Some(i32::MIN)] {
            let got = answer(status, found, "?").classify(true);
            assert_eq!((got.class, got.alert), (Class::Unknown, true), "{status} {found:?}");
            let got = answer(status, found, "?").classify(false);
            assert_eq!((got.class, got.alert), (Class::Defect, true), "{status} {found:?}");
        }
    }
}

#[test]
fn waits_are_those_that_the_answer_names() {
    let banned = "Way too many requests; IP(1.2.3.4) banned until 1591702613943. Please use";
    assert_eq!(banned_until(banned), Some(1_591_702_613_943));
    for none in ["", "banned until ", "banned until soon", "banned until 99999999999999999999"] {
        assert_eq!(banned_until(none), None, "{none}");
    }
    let limit = Some(code::TOO_MANY_REQUESTS);
    let wait = |answer: Answer<'_>| answer.classify(true).wait;
    assert_eq!(wait(answer(418, limit, banned)), Wait::Until(1_591_702_613_943));
    assert!(answer(418, limit, banned).classify(true).alert);
    assert_eq!(wait(answer(418, limit, "")), Wait::Minutes);
    assert_eq!(wait(answer(429, limit, "")), Wait::WeightMinute);
    assert_eq!(wait(answer(429, Some(code::TOO_MANY_ORDERS), "")), Wait::OrderWindow);
    assert_eq!(wait(answer(503, None, text::UNAVAILABLE_503)), Wait::Backoff);
    assert_eq!(wait(answer(400, Some(code::INVALID_TIMESTAMP), "")), Wait::None);
    let mut patient = answer(429, limit, "");
    patient.retry_after_s = Some(7);
    assert_eq!(wait(patient), Wait::Seconds(7));
}

#[test]
fn texts_take_their_values() {
    let row = ErrorRow::find(code::ILLEGAL_CHARS).expect("a row");
    assert_eq!(
        row.text_with(&["symbol", "^[A-Z]+$"]),
        "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z]+$'."
    );
    assert_eq!(
        row.text_with(&["%s"]),
        "Illegal characters found in parameter '%s'; legal range is ''."
    );
}

#[test]
fn refusals_have_the_engines_word() {
    for (code, want) in [
        (code::MARGIN_NOT_SUFFICIENT, RejectCode::Margin),
        (code::REDUCE_ONLY_REJECT, RejectCode::ReduceOnly),
        (code::ORDER_WOULD_IMMEDIATELY_TRIGGER, RejectCode::WouldTrigger),
        (code::PRICE_NOT_INCREASED_BY_TICK_SIZE, RejectCode::Price),
        (code::QTY_NOT_INCREASED_BY_STEP_SIZE, RejectCode::Quantity),
        (code::MIN_NOTIONAL, RejectCode::Notional),
        (code::BAD_SYMBOL, RejectCode::Symbol),
        (code::DUPLICATED_CLIENT_ORDER_ID, RejectCode::DuplicateId),
        (code::INVALID_LEVERAGE, RejectCode::Leverage),
        (code::CANCEL_REJECTED, RejectCode::UnknownOrder),
        (code::UNKNOWN, RejectCode::VenueFailed),
    ] {
        assert_eq!(reject_code(code), want, "{code}");
    }
}

proptest! {
    #[test]
    fn a_write_that_may_have_been_done_is_never_sent_again(
        status in 0u16..700, found in prop::option::of(-6_000i32..10), message in ".{0,60}",
    ) {
        let got = answer(status, found, &message).classify(true);
        let lost = matches!(status, 0 | 408 | 500..=502 | 504..=599);
        if lost && found.and_then(ErrorRow::find).is_none() {
            prop_assert_eq!(got.class, Class::Unknown);
        }
        if got.class == Class::Unknown {
            prop_assert_eq!(got.wait, Wait::None);
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# What the exchange's errors mean\n\n\
         Generated from `crates/wire/src/errors`; a test of `aegis-wire` holds it true, and\n\
         `UPDATE=1 cargo test -p aegis-wire errors` writes it anew. The client reacts by these\n\
         tables, and the simulated exchange answers with these texts and statuses.\n\n\
         | class | what the client does |\n|---|---|\n",
    );
    for class in Class::ALL {
        let _ = writeln!(page, "| {} | {} |", class.letter(), class.meaning());
    }
    page.push_str(
        "\nA code that is not in the table leaves a write unknown (U) and wakes a human.\n\n\
         ## By status\n\nThe first line that fits holds. Below 500 a known code has the word.\n\n\
         | status | message contains | meaning | write | read | human |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in STATUSES {
        let status = match row.statuses {
            (0, 0) => "none".to_string(),
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}–{last}"),
        };
        let alert = if row.alert { "wakes" } else { "" };
        let classes = format!("{} | {}", row.write.letter(), row.read.letter());
        let _ =
            writeln!(page, "| {status} | {} | {} | {classes} | {alert} |", row.text, row.meaning);
    }
    page.push_str(
        "\n## By code\n\n| code | name | status | write | read | besides | human |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in ERRORS {
        let alert = if row.alert { "wakes" } else { "" };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {alert} |",
            row.code,
            row.name,
            row.status,
            row.write.letter(),
            row.read.letter(),
            row.hint.meaning(),
        );
    }
    page
}

#[test]
fn the_page_of_errors_is_generated() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).expect("docs/errors.md is writable");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        stored, page,
        "docs/errors.md is out of date; run `UPDATE=1 cargo test -p aegis-wire errors`"
    );
}
