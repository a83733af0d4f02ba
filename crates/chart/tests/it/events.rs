//! What events become in the picture.

use crate::waves;
use crate::xml::{Element, parse};
use aegis_chart::{Layer, Layers, Options, render_svg};
use aegis_smc::{Event, Kind, Of};
use aegis_types::Side;

fn event(at: u32, pos: u32, kind: Kind, level: f64, far: f64) -> Event {
    Event::new(at, pos, kind, Side::Buy, level, far)
}

fn options(layers: Layers) -> Options {
    Options { layers, quiet: Layers::NONE, ..Options::default() }
}

fn drawn(events: &[Event]) -> Vec<Element> {
    parse(&render_svg(&waves(60), events, &options(Layers::ALL)))
}

/// What a kind needs before it, and the class that it yields.
fn story(kind: Kind) -> (Vec<Event>, &'static str) {
    let gap = event(11, 10, Kind::FvgFormed, 99.5, 98.5);
    let block = Event { kind: Kind::ObFormed, amount: 5.0, ..gap };
    // Above all closes, so that nothing ends it.
    let above = Event { at: 20, side: Some(Side::Sell), level: 103.5, far: 104.5, ..gap };
    let inverted = Event { kind: Kind::FvgInverted, ..above };
    let this = |kind, level, far| event(30, 25, kind, level, far);
    let pool = event(15, 12, Kind::PoolFormed, 99.0, 99.0);
    let vi = Event { kind: Kind::VolumeImbalance, ..gap };
    let balanced = Event { kind: Kind::BalancedRange, ..gap };
    let then = |event: &Event, kind| vec![*event, Event { at: 30, kind, ..*event }];
    let flipped = |kind| vec![block, Event { kind, ..above }];
    let pivot = event(15, 10, Kind::Pivot, 99.0, 99.0).of(Of::Swing);
    let alone = |kind| vec![this(kind, 100.0, 99.0)];
    match kind {
        Kind::Pivot => (vec![pivot], "open"),
        Kind::PivotFinal => (then(&pivot, kind), "swing"),
        Kind::PivotSuperseded => {
            (vec![pivot, this(kind, 99.0, 98.0), event(30, 28, Kind::Pivot, 98.0, 98.0)], "open")
        }
        Kind::Strong => (alone(kind), "strong"),
        Kind::Weak => (alone(kind), "weak"),
        Kind::Bos => (alone(kind), "bos"),
        Kind::Choch => (alone(kind), "choch"),
        Kind::Mss => (alone(kind), "mss"),
        Kind::Displacement => (vec![event(25, 25, kind, 101.0, 100.0)], "displaced"),
        Kind::FvgFormed => (vec![gap], "fvg"),
        Kind::FvgJoined => (vec![gap, event(12, 11, kind, 99.5, 98.5)], "fvg"),
        Kind::FvgTouched => (then(&gap, kind), "tested"),
        Kind::FvgHalved => (then(&gap, kind), "ce"),
        Kind::FvgFilled => (then(&gap, kind), "fvg"),
        Kind::FvgInverted => (vec![gap, inverted], "ifvg"),
        Kind::FvgRetested => (vec![gap, inverted, Event { at: 30, kind, ..inverted }], "tested"),
        Kind::FvgReclaimed => (vec![gap, inverted, Event { at: 30, kind, ..inverted }], "ifvg"),
        Kind::VolumeImbalance => (vec![vi], "vi"),
        Kind::VolumeImbalanceFilled => (then(&vi, kind), "vi"),
        Kind::BalancedRange => (vec![balanced], "bpr"),
        Kind::BalancedRangeInvalidated => (then(&balanced, kind), "bpr"),
        Kind::ObFormed => (vec![block], "ob"),
        Kind::ObMitigated => (then(&block, kind), "tested"),
        Kind::ObBreaker => (flipped(kind), "breaker"),
        Kind::ObMitigation => (flipped(kind), "mitigation"),
        Kind::ObRetested => {
            let turned = Event { kind: Kind::ObBreaker, ..above };
            (vec![block, turned, Event { at: 30, kind, ..turned }], "tested")
        }
        Kind::ObInvalidated => (then(&block, kind), "ob"),
        Kind::PoolFormed => (vec![pool], "pool"),
        Kind::PoolExtended => (then(&pool, kind), "pool"),
        Kind::PoolSwept => (then(&pool, kind), "swept"),
        Kind::Sweep => (alone(kind), "sweep"),
        Kind::Run => (alone(kind), "run"),
        Kind::Equal => (alone(kind), "equal"),
        Kind::TurtleSoup => (alone(kind), "soup"),
        _ => story_of_time(kind),
    }
}

/// The same for ranges, times and what is left.
fn story_of_time(kind: Kind) -> (Vec<Event>, &'static str) {
    let this = |kind, level, far| event(30, 25, kind, level, far);
    let alone = |kind| vec![this(kind, 100.0, 99.0)];
    let then = |event: &Event, kind| vec![*event, Event { at: 30, kind, ..*event }];
    let asia = event(20, 20, Kind::KillZoneOpened, 103.0, 99.0).of(Of::Asia).both();
    let london = event(20, 20, Kind::SessionOpened, 103.0, 99.0).of(Of::London).both();
    let day = event(15, 14, Kind::PeriodLevel, 99.0, 99.0).of(Of::Day);
    let opening = event(11, 10, Kind::OpeningGap, 99.5, 98.5).of(Of::Day).both();
    let pivot = event(15, 10, Kind::Pivot, 99.0, 99.0).of(Of::Swing);
    match kind {
        Kind::CheapHalf => {
            let high = Event { side: Some(Side::Sell), level: 104.0, far: 104.0, ..pivot };
            (vec![pivot, high, this(kind, 101.5, 101.0)], "premium")
        }
        Kind::OteEntered => (alone(kind), "ote"),
        Kind::Retraced => (alone(kind), "retraced"),
        Kind::SessionOpened => (vec![london], "session"),
        Kind::SessionClosed => (then(&london, kind), "session"),
        Kind::KillZoneOpened => (vec![asia], "killzone"),
        Kind::KillZoneClosed => (then(&asia, kind), "killzone"),
        Kind::PeriodLevel => (vec![day], "period"),
        Kind::PeriodLevelBroken => (then(&day, kind), "broken"),
        Kind::Accumulation => (vec![this(kind, 102.0, 99.0).both()], "asian"),
        Kind::Manipulation => (alone(kind), "manipulation"),
        Kind::Distribution => (alone(kind), "distribution"),
        Kind::JudasSwing => (alone(kind), "judas"),
        Kind::MidnightOpen => (alone(kind), "midnight"),
        Kind::DailyBias => (alone(kind), "bias"),
        Kind::OpeningGap => (vec![opening], "opening"),
        Kind::OpeningGapFilled => (then(&opening, kind), "opening"),
        Kind::Smt => (alone(kind), "smt"),
        _ => panic!("{} is drawn by nothing", kind.code()),
    }
}

#[test]
fn every_kind_yields_its_class_and_only_then() {
    let nothing = drawn(&[]);
    for &kind in Kind::ALL {
        let (events, class) = story(kind);
        assert!(events.iter().any(|event| event.kind == kind) || kind == Kind::Pivot);
        assert!(drawn(&events).iter().any(|shape| shape.is(class)), "{} {class}", kind.code());
        assert!(!nothing.iter().any(|shape| shape.is(class)), "{} {class}", kind.code());
    }
}

#[test]
fn a_layer_that_is_off_leaves_nothing() {
    let all: Vec<Event> = Kind::ALL.iter().flat_map(|&kind| story(kind).0).collect();
    let text = render_svg(&waves(60), &all, &options(Layers::ALL));
    let layers = parse(&text);
    for &layer in Layer::ALL.iter().filter(|layer| !matches!(layer, Layer::Lux | Layer::Internal)) {
        assert!(layers.iter().any(|shape| shape.is(layer.code())), "{}", layer.code());
        let text = render_svg(&waves(60), &all, &options(Layers::ALL.without(layer)));
        assert!(!parse(&text).iter().any(|shape| shape.is(layer.code())), "{}", layer.code());
    }
}

#[test]
fn a_tracker_draws_on_its_own_layer() {
    let block = |of| event(12, 10, Kind::ObFormed, 99.5, 98.5).of(of);
    for (of, layer) in [(Of::Swing, "blocks"), (Of::Internal, "internal"), (Of::Lux, "lux")] {
        assert!(drawn(&[block(of)]).iter().any(|shape| shape.is("ob") && shape.is(layer)));
        let broken = event(30, 25, Kind::Bos, 100.0, 99.0).of(of);
        let layer = if of == Of::Internal { "internal" } else { "structure" };
        assert!(drawn(&[broken]).iter().any(|shape| shape.is("bos") && shape.is(layer)));
    }
}

/// The boxes of that class: left and right end.
fn boxes(shapes: &[Element], class: &str) -> Vec<(f64, f64)> {
    let boxes = shapes.iter().filter(|shape| shape.name == "rect" && shape.is(class));
    boxes.map(|shape| (shape.number("x"), shape.number("x") + shape.number("width"))).collect()
}

#[test]
fn a_gap_lives_from_its_bar_to_the_one_that_filled_it() {
    let gap = event(11, 10, Kind::FvgFormed, 99.5, 98.5);
    let step = (1280.0 - 78.0 - 56.0) / 60.0;
    let middle = |bar: f64| ((bar + 0.5) * step * 100.0).round() / 100.0;
    let shapes = drawn(&[gap, Event { at: 40, kind: Kind::FvgFilled, ..gap }]);
    let near = |ends: &[(f64, f64)], left: f64, right: f64| {
        let [(l, r)] = ends else { panic!("{ends:?}") };
        assert!((l - left).abs() < 0.02 && (r - right).abs() < 0.02, "{ends:?} {left} {right}");
    };
    near(&boxes(&shapes, "fvg"), middle(10.0), middle(40.0));
    near(&boxes(&drawn(&[gap]), "fvg"), middle(10.0), 1202.0);
}

#[test]
fn a_forgotten_zone_ends_at_the_close_through_it() {
    // A gap above all lows but below the closes of a wave's foot.
    let gap = event(7, 6, Kind::FvgFormed, 101.5, 101.0);
    let [(_, right)] = boxes(&drawn(&[gap]), "fvg")[..] else { panic!("one box") };
    assert!(right < 600.0, "{right}");
}

#[test]
fn a_joined_gap_is_one_box_from_the_first_bar() {
    let gap = event(11, 10, Kind::FvgFormed, 99.5, 98.5);
    let joined = event(12, 11, Kind::FvgJoined, 99.6, 98.5);
    let shapes = drawn(&[gap, joined]);
    let [(left, _)] = boxes(&shapes, "fvg")[..] else { panic!("one box") };
    let alone = drawn(&[gap]);
    assert_eq!(left, boxes(&alone, "fvg")[0].0);
}

#[test]
fn a_shift_is_named_instead_of_its_change_of_character() {
    let choch = event(30, 25, Kind::Choch, 100.0, 101.0).of(Of::Swing);
    let shapes = drawn(&[choch, Event { kind: Kind::Mss, ..choch }]);
    assert!(shapes.iter().any(|shape| shape.is("mss")));
    assert!(!shapes.iter().any(|shape| shape.is("choch")));
}

#[test]
fn swings_are_named_by_the_swing_before() {
    let swing = |pos: u32, side, level: f64| {
        let pivot = Event::new(pos + 3, pos, Kind::Pivot, side, level, level).of(Of::Swing);
        [pivot, Event { at: pos + 5, kind: Kind::PivotFinal, ..pivot }]
    };
    let swings = [
        swing(5, Side::Sell, 102.0),
        swing(10, Side::Buy, 99.5),
        swing(15, Side::Sell, 103.0),
        swing(20, Side::Buy, 99.0),
        swing(25, Side::Sell, 102.5),
        swing(30, Side::Buy, 100.0),
    ];
    let text = render_svg(&waves(60), &swings.concat(), &options(Layers::of(&[Layer::Swings])));
    let names: Vec<&str> = ["H", "L", "HH", "LL", "LH", "HL"].into();
    for name in names {
        assert_eq!(text.matches(&format!(">{name}</text>")).count(), 1, "{name}");
    }
}

#[test]
fn only_what_lived_in_the_window_is_drawn() {
    let bars = waves(300);
    let gap = |pos: u32| event(pos + 1, pos, Kind::FvgFormed, 99.5, 98.5);
    let filled = |pos: u32, at| Event { at, kind: Kind::FvgFilled, ..gap(pos) };
    let events = [gap(10), filled(10, 40), gap(50), filled(50, 120), gap(210)];
    let options = Options { from: Some(100), to: Some(200), ..options(Layers::ALL) };
    let shapes = parse(&render_svg(&bars, &events, &options));
    assert_eq!(boxes(&shapes, "fvg").len(), 1);
    let (left, right) = boxes(&shapes, "fvg")[0];
    assert!(left >= -20.0 && right < 400.0, "{left} {right}");
    let plot = shapes.iter().find(|shape| shape.is("plot")).expect("a plot");
    for shape in shapes.iter().filter(|shape| shape.name == "rect" && shape.depth > 2) {
        assert!(shape.number("x") + shape.number("width") <= plot.number("width") + 0.01);
    }
}

#[test]
fn labels_at_one_place_stand_apart_or_give_way() {
    let many = [event(15, 12, Kind::PoolFormed, 99.0, 99.0); 40];
    let text = render_svg(&waves(60), &many, &options(Layers::of(&[Layer::Liquidity])));
    let placed = text.matches(">EQL $$$</text>").count();
    assert!((1..=2).contains(&placed), "{placed}: at its place or a line farther");
}
