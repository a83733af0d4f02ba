//! Fixed point against exact arithmetic in `i128`.

use aegis_types::{DecimalError, Money, OutOfRange, Px, Qty, Rate, Round, SCALE, parse_decimal};
use proptest::prelude::*;

/// `numerator / denominator` rounded half to even, by the definition.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    floor + i128::from(twice > denominator || (twice == denominator && floor % 2 != 0))
}

/// Raw numbers of all sizes: small ones, prices, and the ends.
fn raw() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -1_000i64..1_000,
        -1_000_000 * SCALE..1_000_000 * SCALE,
        Just(i64::MAX),
        Just(i64::MIN),
    ]
}

proptest! {
    #[test]
    fn text_goes_out_and_in_exactly(raw in raw()) {
        let text = Px::from_raw(raw).to_string();
        prop_assert_eq!(Px::parse(text.as_bytes()), Ok(Px::from_raw(raw)));
        prop_assert_eq!(text.parse::<Money>().map(Money::raw), Ok(raw));
        // Minimal: no exponent, no zero that could be left out, no bare point.
        prop_assert!(!text.contains(['e', 'E', '+']), "{}", text);
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']), "{}", text);
        let digits = text.trim_start_matches('-');
        prop_assert!(digits == "0" || !digits.starts_with('0') || digits.starts_with("0."));
        let json = serde_json::to_string(&Qty::from_raw(raw)).unwrap();
        prop_assert_eq!(&json, &format!("\"{}\"", text));
        prop_assert_eq!(serde_json::from_str::<Qty>(&json).unwrap(), Qty::from_raw(raw));
    }

    #[test]
    fn text_means_its_digits(
        minus in any::<bool>(), whole in "[0-9]{0,13}", fraction in "[0-9]{0,11}",
    ) {
        let text = format!("{}{whole}.{fraction}", if minus { "-" } else { "" });
        let digits = format!("{whole}{fraction:0<11}");
        let exact: i128 = digits.parse().unwrap_or(0);
        let exact = if minus { -exact } else { exact };
        let wanted = if whole.is_empty() && fraction.is_empty() {
            Err(DecimalError::Empty)
        } else {
            i64::try_from(exact / 1_000).map_err(|_| DecimalError::OutOfRange)
        };
        let got = parse_decimal(text.as_bytes());
        if exact % 1_000 == 0 {
            prop_assert_eq!(got, wanted, "{}", text);
        } else {
            prop_assert!(
                matches!(got, Err(DecimalError::TooPrecise | DecimalError::OutOfRange)),
                "{} gave {:?}", text, got
            );
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if parse_decimal(&bytes).is_ok() {
            let text = std::str::from_utf8(&bytes).expect("only ASCII is a number");
            prop_assert!(text.parse::<f64>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn sums_are_exact_or_refused(a in raw(), b in raw()) {
        let (x, y) = (Money::from_raw(a), Money::from_raw(b));
        let exact = |value: i128| i64::try_from(value).map(Money::from_raw).map_err(|_| OutOfRange);
        prop_assert_eq!(x.plus(y), exact(i128::from(a) + i128::from(b)));
        prop_assert_eq!(x.minus(y), exact(i128::from(a) - i128::from(b)));
    }

    #[test]
    fn products_are_rounded_once_half_to_even(a in raw(), b in raw()) {
        let exact = half_even(i128::from(a) * i128::from(b), i128::from(SCALE));
        let wanted = i64::try_from(exact).map(Money::from_raw).map_err(|_| OutOfRange);
        prop_assert_eq!(Px::from_raw(a) * Qty::from_raw(b), wanted);
        prop_assert_eq!(Money::from_raw(a) * Rate::from_raw(b), wanted);
        let moved = exact + i128::from(a);
        let fits = i64::try_from(exact).is_ok();
        let wanted = i64::try_from(moved).ok().filter(|_| fits).map(Px::from_raw);
        prop_assert_eq!(Px::from_raw(a).shifted(Rate::from_raw(b)).ok(), wanted);
    }

    #[test]
    fn quotients_are_rounded_once_half_to_even(a in raw(), b in raw()) {
        let (numerator, sign) = (i128::from(a) * i128::from(SCALE), i128::from(b.signum()));
        let wanted = match b {
            0 => Err(OutOfRange),
            _ => i64::try_from(half_even(sign * numerator, i128::from(b).abs()))
                .map_err(|_| OutOfRange),
        };
        prop_assert_eq!(Money::from_raw(a).over_px(Px::from_raw(b)).map(Qty::raw), wanted);
        prop_assert_eq!(Money::from_raw(a).over_qty(Qty::from_raw(b)).map(Px::raw), wanted);
    }

    #[test]
    fn grids_round_as_they_say(raw in raw(), grid in prop_oneof![1i64..10_000_000_000, -5i64..5]) {
        let (px, tick) = (Px::from_raw(raw), Px::from_raw(grid));
        if grid <= 0 {
            prop_assert_eq!(px.to_grid(tick, Round::Nearest), Err(OutOfRange));
            prop_assert!(!px.is_on_grid(tick));
            return Ok(());
        }
        let (value, step) = (i128::from(raw), i128::from(grid));
        let down = value.div_euclid(step) * step;
        let up = if down == value { down } else { down + step };
        // The nearer one; in the middle the one away from zero.
        let nearest = match (value - down).cmp(&(up - value)) {
            std::cmp::Ordering::Less => down,
            std::cmp::Ordering::Greater => up,
            std::cmp::Ordering::Equal if value < 0 => down,
            std::cmp::Ordering::Equal => up,
        };
        for (round, exact) in [(Round::Down, down), (Round::Up, up), (Round::Nearest, nearest)] {
            let wanted = i64::try_from(exact).map(Px::from_raw).map_err(|_| OutOfRange);
            prop_assert_eq!(px.to_grid(tick, round), wanted, "{:?}", round);
            if let Ok(rounded) = wanted {
                prop_assert!(rounded.is_on_grid(tick));
                prop_assert_eq!(rounded.to_grid(tick, round), Ok(rounded));
            }
        }
        prop_assert_eq!(px.is_on_grid(tick), down == value);
    }

    #[test]
    fn splitting_never_posts_too_little(raw in raw(), divisor in -3i64..200) {
        let split = Money::from_raw(raw).split_up(divisor);
        if divisor <= 0 {
            prop_assert_eq!(split, Err(OutOfRange));
            return Ok(());
        }
        let (part, whole) = (i128::from(split.unwrap().raw()), i128::from(raw));
        let (all, divisor) = (part * i128::from(divisor), i128::from(divisor));
        prop_assert!(all.abs() >= whole.abs() && (all - whole).abs() < divisor);
        prop_assert!(part == 0 || part.signum() == whole.signum());
    }

    #[test]
    fn floats_come_back_rounded(raw in -(1i64 << 50)..1 << 50) {
        prop_assert_eq!(Px::from_f64(Px::from_raw(raw).to_f64()), Ok(Px::from_raw(raw)));
    }
}

#[test]
fn the_rule_of_ties_is_seen() {
    let product = |px, qty| (Px::from_raw(px) * Qty::from_raw(qty)).unwrap().raw();
    let half = SCALE / 2;
    assert_eq!(
        [product(1, half), product(3, half), product(-1, half), product(-3, half)],
        [0, 2, 0, -2]
    );
    let nearest = |raw| Px::from_raw(raw).to_grid(Px::from_raw(10), Round::Nearest).unwrap().raw();
    assert_eq!([nearest(5), nearest(-5), nearest(14), nearest(-16)], [10, -10, 10, -20]);
}

#[test]
fn faults_of_text_have_their_names() {
    let cases: [(&str, DecimalError); 10] = [
        ("", DecimalError::Empty),
        ("-", DecimalError::Empty),
        (".", DecimalError::Empty),
        ("1e5", DecimalError::Unexpected(1)),
        ("1.2.3", DecimalError::Unexpected(3)),
        ("--1", DecimalError::Unexpected(1)),
        (" 1", DecimalError::Unexpected(0)),
        ("1.000000001", DecimalError::TooPrecise),
        ("92233720368.54775808", DecimalError::OutOfRange),
        ("99999999999999999999", DecimalError::OutOfRange),
    ];
    for (text, fault) in cases {
        assert_eq!(Px::parse(text.as_bytes()), Err(fault), "{text}");
        assert!(!fault.to_string().is_empty());
    }
    assert_eq!(Px::parse(b"+.5"), Ok(Px::from_raw(SCALE / 2)));
    assert_eq!(Px::parse(b"1.000000000000"), Ok(Px::whole(1)));
}

#[test]
fn json_numbers_are_read_as_written() {
    let read = |text| serde_json::from_str::<Money>(text).ok().map(|money| money.to_string());
    assert_eq!(read("0.1"), Some("0.1".into()));
    assert_eq!(read("-7"), Some("-7".into()));
    assert_eq!(read("\"0.50\""), Some("0.5".into()));
    for bad in ["null", "\"x\"", "1e300", "true", "99999999999999"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn widths_are_honoured() {
    assert_eq!(
        format!("[{:>8}] [{:<6}]", Px::whole(-2), Px::from_raw(SCALE / 4)),
        "[      -2] [0.25  ]"
    );
    for value in [f64::NAN, f64::INFINITY, 1e11, -1e11] {
        assert_eq!(Px::from_f64(value), Err(OutOfRange));
    }
}
