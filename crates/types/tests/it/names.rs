//! Ids, names, dates, and the tables that refuse instead of growing.

use aegis_types::{
    ClientOrderId, Command, Full, List, Nanos, Out, SYMBOLS_MAX, SymbolError, SymbolId,
    SymbolTable, Timeframe, exchange_name,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn order_ids_have_one_text(session in any::<u64>(), number in any::<u32>()) {
        let id = ClientOrderId { session, number };
        let text = id.to_string();
        prop_assert!(text.len() <= 36 && text.starts_with("aegis-"), "{}", text);
        prop_assert_eq!(ClientOrderId::parse(&text), Some(id));
        prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }

    #[test]
    fn foreign_ids_are_not_ours(text in "(aegis-)?[0-9a-fA-F+]{0,18}-?[0-9+]{0,12}") {
        // Whatever parses is the one spelling of its id.
        if let Some(id) = ClientOrderId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn dates_come_back(days in -3_000_000i64..100_000) {
        // Nanoseconds hold the years 1678 to 2261.
        let days = days.clamp(-106_000, 106_000);
        let midnight = Nanos::DAY.times(days);
        let (year, month, day, h, m, s) = midnight.civil();
        prop_assert_eq!(Nanos::from_civil(year, month, day), midnight);
        prop_assert_eq!((h, m, s), (0, 0, 0));
        prop_assert_eq!(days_by_counting(year, month, day), days);
    }

    #[test]
    fn clocks_are_read_within_the_day(at in any::<i64>()) {
        let (_, month, day, hour, minute, second) = Nanos(at).civil();
        prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
        prop_assert!(hour < 24 && minute < 60 && second < 60);
        let seconds = i64::from(hour * 3_600 + minute * 60 + second);
        prop_assert_eq!(at.div_euclid(1_000_000_000).rem_euclid(86_400), seconds);
    }

    #[test]
    fn floors_are_multiples_at_or_before(at in -(1i64 << 60)..1 << 60, which in 0u8..5) {
        let span = Timeframe::from_index(which).unwrap().span();
        let floor = Nanos(at).floor(span);
        prop_assert!(floor.0 % span.0 == 0 && floor.0 <= at && at - floor.0 < span.0);
    }

    #[test]
    fn ids_follow_the_names_and_not_the_order_given(
        names in prop::collection::btree_set("[A-Z0-9]{3,8}USDT", 1..40), seed in any::<u64>(),
    ) {
        let sorted: Vec<String> = names.into_iter().collect();
        let mut given = sorted.clone();
        // Any other order: a rotation, perhaps reversed.
        given.rotate_left(seed as usize % sorted.len());
        if seed % 2 == 0 {
            given.reverse();
        }
        let table = SymbolTable::new(&given).unwrap();
        prop_assert_eq!(table.names(), &sorted[..]);
        for (id, name) in table.ids().zip(&sorted) {
            prop_assert_eq!(table.id(name), Some(id));
            prop_assert_eq!(table.name(id), name);
        }
        prop_assert_eq!(table.id("NOTHERE"), None);
        prop_assert_eq!(table.name(SymbolId(table.len() as u16)), "?");
        let json = serde_json::to_string(&table).unwrap();
        prop_assert_eq!(serde_json::from_str::<SymbolTable>(&json).unwrap(), table);
        let base = &sorted[0][..sorted[0].len() - 4];
        let spoken = format!("{}/usdt:USDT", base.to_lowercase());
        prop_assert_eq!(exchange_name(&spoken), sorted[0].clone());
    }
}

/// Days since 1970-01-01, counted year by year and month by month.
fn days_by_counting(year: i64, month: u32, day: u32) -> i64 {
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let length = |y: i64| if leap(y) { 366 } else { 365 };
    let years: i64 = if year >= 1970 {
        (1970..year).map(length).sum()
    } else {
        -(year..1970).map(length).sum::<i64>()
    };
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + months[..month as usize - 1].iter().sum::<i64>() + i64::from(day) - 1
}

#[test]
fn known_dates() {
    let cases = [
        (0, "1970-01-01 00:00:00"),
        (951_782_399, "2000-02-28 23:59:59"),
        (951_782_400, "2000-02-29 00:00:00"),
        (1_746_814_680, "2025-05-09 18:18:00"),
        (4_107_542_400, "2100-03-01 00:00:00"),
        (-1, "1969-12-31 23:59:59"),
    ];
    for (seconds, text) in cases {
        assert_eq!(Nanos::SECOND.times(seconds).utc().to_string(), text);
    }
    assert_eq!(Nanos::from_millis(1_746_814_680_123).as_millis(), 1_746_814_680_123);
    assert_eq!(Nanos::from_millis(i64::MAX), Nanos::MAX);
    assert_eq!(Nanos(-1).as_millis(), -1);
}

#[test]
fn ids_of_others_are_refused() {
    let ours = ClientOrderId { session: 0xAB, number: 7 };
    assert_eq!(ours.to_string(), "aegis-00000000000000ab-7");
    for foreign in [
        "",
        "aegis-",
        "aegis-ab-7",
        "aegis-00000000000000AB-7",
        "aegis-00000000000000ab-07",
        "aegis-00000000000000ab-+7",
        "aegis-00000000000000ab-4294967296",
        "x-aegis-00000000000000ab-7",
        "autoclose-1",
    ] {
        assert_eq!(ClientOrderId::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn what_is_no_table_says_why() {
    let fault = |names: &[&str]| SymbolTable::new(names).unwrap_err();
    assert_eq!(fault(&["BTCUSDT", "BTCUSDT"]), SymbolError::Duplicate("BTCUSDT".into()));
    for bad in ["", "B", "btcusdt", "BTC/USDT", "BTC USDT", "ABCDEFGHIJKLMNOPQRSTUVWXY"] {
        assert_eq!(fault(&[bad]), SymbolError::BadName(bad.into()));
        assert!(fault(&[bad]).to_string().contains("BTCUSDT"), "an example helps");
    }
    let many: Vec<String> = (0..=SYMBOLS_MAX).map(|n| format!("S{n}USDT")).collect();
    assert_eq!(SymbolTable::new(&many), Err(SymbolError::TooMany(SYMBOLS_MAX + 1)));
    assert_eq!(SymbolTable::new(&many[1..]).unwrap().len(), SYMBOLS_MAX);
    assert!(SymbolTable::default().is_empty());
}

#[test]
fn a_full_list_refuses() {
    let mut list = List::<u8, 3>::new();
    for value in [1, 2, 3] {
        assert_eq!(list.push(value), Ok(()));
    }
    assert_eq!(list.push(4), Err(Full(3)));
    assert_eq!((list.remove(1), list.remove(7)), (Some(2), None));
    assert_eq!(*list, [1, 3]);
    assert_eq!(list.push(5), Ok(()));
    list.retain(|value| *value != 3);
    assert_eq!(*list, [1, 5]);
    list.clear();
    assert!(list.is_empty() && list.capacity() == 3);
}

#[test]
fn commands_beyond_the_capacity_are_counted() {
    let mut out = Out::new();
    for id in 0..Out::COMMANDS_MAX as u64 + 2 {
        out.command(Command::WakeAt { at: Nanos::ZERO, id });
    }
    assert_eq!((out.commands().len(), out.refused()), (Out::COMMANDS_MAX, 2));
    out.clear();
    assert!(out.commands().is_empty() && out.notices().is_empty());
    assert_eq!(out.refused(), 2, "what was lost stays visible");
}
