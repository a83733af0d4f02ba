//! Any bars and any events: a well-formed picture with numbers only, and the same every time.

use crate::xml::parse;
use crate::{bar, waves};
use aegis_chart::{Layer, Options, Theme, render_html, render_svg};
use aegis_smc::{Event, Kind, Of};
use aegis_types::{Bar, Side};
use proptest::prelude::*;

/// Draws it both ways; panics where the picture is not well-formed or holds a number that is none.
fn drawn(bars: &[Bar], events: &[Event], options: &Options) -> String {
    let svg = render_svg(bars, events, options);
    for element in parse(&svg) {
        for (name, value) in &element.attributes {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{name}={value}");
        }
        for name in ["x", "y", "width", "height"] {
            if element.get(name).is_some() {
                assert!(element.number(name).abs() <= 1e6, "{element:?}");
            }
        }
        if element.name == "rect" {
            let (width, height) = (element.number("width"), element.number("height"));
            assert!(width >= 0.0 && height >= 0.0, "{element:?}");
        }
    }
    assert_eq!(render_svg(bars, events, options), svg);
    let html = render_html(bars, events, options);
    let picture = html.split_once("<svg").and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let (picture, rest) = picture.expect("a picture in the page");
    parse(&format!("<svg{picture}</svg>"));
    let data = rest.split_once("id=\"data\">").and_then(|(_, rest)| rest.split_once("</script>"));
    let data = data.expect("data in the page").0;
    assert!(!data.contains("NaN") && !data.contains("inf"));
    svg
}

fn flat(price: f64) -> Vec<Bar> {
    (0..9).map(|n| bar(n, [price; 4], 0.0)).collect()
}

#[test]
fn little_or_odd_input_is_drawn() {
    let options = Options::default();
    drawn(&[], &[], &options);
    drawn(&waves(1), &[], &options);
    for price in [0.0, 1.0, -5.0, 1e-300, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::MIN] {
        drawn(&flat(price), &[], &options);
    }
    let wild = [[f64::MAX, f64::MIN, f64::MAX, 0.0], [f64::MIN, f64::MAX, f64::MIN, 1e-300]];
    let wild: Vec<Bar> = (0..).zip(wild).map(|(n, bar4)| bar(n, bar4, f64::MAX)).collect();
    drawn(&wild, &[], &options);
    let backwards: Vec<Bar> = (0..50).map(|n| bar(-n * i64::pow(10, 6), [1.0; 4], -1.0)).collect();
    drawn(&backwards, &[], &options);
    let far = |n| Bar::new(aegis_types::Nanos(n), 1.0, 2.0, 0.5, 1.5, 1.0).expect("a bar");
    drawn(&[far(i64::MIN), far(i64::MAX), far(0)], &[], &options);
}

#[test]
fn windows_that_make_no_sense_are_moved() {
    let bars = waves(20);
    let windows = [(Some(30), None), (Some(9), Some(3)), (None, Some(0)), (Some(0), Some(900))];
    for (from, to) in windows {
        for (width, height) in [(0, 0), (u32::MAX, u32::MAX)] {
            drawn(&bars, &[], &Options { from, to, width, height, ..Options::default() });
        }
    }
}

#[test]
fn a_title_cannot_leave_its_place() {
    let title = String::from("a<b>&\"'</title><script>alert(1)</script>\u{0}\u{8}.csv");
    for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
        let options = Options { title: title.clone(), theme, ..Options::default() };
        let svg = drawn(&waves(9), &[], &options);
        assert!(svg.contains("<title>a&lt;b&gt;&amp;&quot;&#39;&lt;/title&gt;"), "{svg}");
        assert!(!render_html(&waves(9), &[], &options).contains("<script>alert"));
    }
}

#[test]
fn a_small_picture_is_small() {
    let svg = drawn(&waves(200), &[], &Options::small(&[Layer::Gaps]));
    assert!(svg.contains("width=\"640\" height=\"320\""));
    assert!(!svg.contains("class=\"volume"));
}

fn any_price() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 90.0..110.0_f64, 1 => proptest::num::f64::NORMAL, 1 => Just(0.0)]
}

prop_compose! {
    fn any_bar()(
        prices in prop::array::uniform4(any_price()),
        volume in any_price(),
        n in 0..99_i64,
    ) -> Bar { bar(n, prices, volume) }
}

prop_compose! {
    fn any_event()(
        kind in prop::sample::select(Kind::ALL),
        of in prop::sample::select(Of::ALL),
        side in prop::option::of(prop::sample::select(&[Side::Buy, Side::Sell][..])),
        bars in prop_oneof![9 => (0..80_u32, 0..80_u32), 1 => (0..=u32::MAX, 0..=u32::MAX)],
        level in any_price(),
        far in any_price(),
        amount in any_price(),
    ) -> Event {
        // Mostly about a bar before, as a detector would have it; now and then not.
        Event { at: bars.0, pos: bars.1, kind, of, side, level, far, amount }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bars_and_events_are_drawn(
        bars in prop::collection::vec(any_bar(), 0..60),
        events in prop::collection::vec(any_event(), 0..60),
        from in prop::option::of(0..70_u32),
        to in prop::option::of(0..70_u32),
    ) {
        drawn(&bars, &events, &Options { from, to, ..Options::default() });
    }
}
