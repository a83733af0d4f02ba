//! Price and time axis, in the picture's coordinates.

use crate::scale::Scale;
use crate::text;
use aegis_types::{Bar, Nanos};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Minutes between labels of the time axis, in the order in which they are tried.
const SPANS: [i64; 15] =
    [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1_440, 7 * 1_440, 28 * 1_440];

/// Grid and labels of the prices; the second is how many decimals prices have here.
/// Where the tag of the last price stands none is written.
pub fn prices(
    scale: &Scale,
    (left, top): (f64, f64),
    last: Option<f64>,
) -> (String, String, usize) {
    let (ticks, decimals) = scale.prices(46.0);
    let (mut grid, mut labels) = (String::new(), String::new());
    for price in ticks {
        let y = top + scale.y(price);
        grid.push_str("<path d=\"M");
        let y_line = libm::floor(y) + 0.5;
        for (command, number) in [("", left), (" ", y_line), ("H", left + scale.width)] {
            grid.push_str(command);
            text::coordinate(&mut grid, number);
        }
        grid.push_str("\"/>\n");
        if last.is_some_and(|last| (top + scale.y(last) - y).abs() < 14.0) {
            continue;
        }
        tick(&mut labels, left + scale.width + 6.0, y + 3.5, "ts", &text::price(price, decimals));
    }
    (grid, labels, decimals)
}

fn tick(out: &mut String, x: f64, y: f64, class: &str, words: &str) {
    out.push_str("<text x=\"");
    text::coordinate(out, x);
    out.push_str("\" y=\"");
    text::coordinate(out, y);
    let _ = writeln!(out, "\" class=\"{class}\">{words}</text>");
}

/// Grid and labels of the time, UTC: days stand out.
pub fn times(scale: &Scale, bars: &[Bar], (left, top): (f64, f64)) -> (String, String) {
    let bars = &bars[scale.from as usize..scale.to as usize];
    let span = span(scale, bars);
    let (mut grid, mut labels) = (String::new(), String::new());
    let mut named: Vec<(f64, bool, String)> = Vec::new();
    for (at, pair) in (scale.from + 1..).zip(bars.windows(2)) {
        let [before, now] = [pair[0].time(), pair[1].time()];
        let crosses = |span: Nanos| now.0.div_euclid(span.0) != before.0.div_euclid(span.0);
        let day = crosses(Nanos::DAY);
        // With labels farther apart than a day, a day alone does not stand out.
        let day = day && span <= Nanos::DAY;
        if !day && !crosses(span) {
            continue;
        }
        let x = left + scale.x(f64::from(at));
        let (_, month, date, hour, minute, _) = now.civil();
        let words = if day || span >= Nanos::DAY {
            alloc::format!("{date} {}", MONTHS[(month as usize - 1) % 12])
        } else {
            alloc::format!("{hour:02}:{minute:02}")
        };
        let close = |last: &(f64, bool, String)| x - last.0 < 52.0;
        if named.last().is_some_and(|last| close(last) && day && !last.1) {
            named.pop();
        }
        if !named.last().is_some_and(close) {
            named.push((x, day, words));
        }
    }
    for (x, day, words) in named {
        let class = if day { " class=\"day\"" } else { "" };
        let _ = write!(grid, "<path{class} d=\"M");
        let x_line = libm::floor(x) + 0.5;
        for (command, number) in [("", x_line), (" ", top), ("V", top + scale.height)] {
            grid.push_str(command);
            text::coordinate(&mut grid, number);
        }
        grid.push_str("\"/>\n");
        tick(&mut labels, x, top + scale.height + 15.0, if day { "day at" } else { "at" }, &words);
    }
    tick(&mut labels, left + scale.width + 36.0, top + scale.height + 15.0, "at", "UTC");
    (grid, labels)
}

/// The shortest span of which labels have room.
fn span(scale: &Scale, bars: &[Bar]) -> Nanos {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return Nanos::DAY };
    let passed = last.time().since(first.time()).0.max(0) as f64;
    let width = scale.step * bars.len() as f64;
    let room = |minutes: &&i64| {
        let span = Nanos::MINUTE.times(**minutes).0 as f64;
        passed <= 0.0 || span / passed * width >= 64.0
    };
    let longest = SPANS[SPANS.len() - 1];
    Nanos::MINUTE.times(*SPANS.iter().find(room).unwrap_or(&longest))
}
