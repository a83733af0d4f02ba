//! The picture put together.

use crate::axis;
use crate::candles;
use crate::canvas::{Canvas, Plane};
use crate::clock;
use crate::liquidity;
use crate::options::{Layer, Options};
use crate::range;
use crate::scale::Scale;
use crate::style;
use crate::swings;
use crate::text;
use crate::zones;
use aegis_smc::Event;
use aegis_types::Bar;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// Room beside the plot: right for prices, below for times, above for the title.
const RIGHT: f64 = 70.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 30.0;
const LEFT: f64 = 8.0;

/// A picture as SVG, a document of its own.
///
/// `bars[i]` is the bar that the detector took as its `i`-th; `events` are in the order in which it
/// told them. Events about bars that are not there are left out. Prices are drawn on a linear
/// scale that fits the window, times in UTC.
pub fn render_svg(bars: &[Bar], events: &[Event], options: &Options) -> String {
    picture(bars, events, options, false).0
}

/// The window, moved to where there are bars.
fn window(options: &Options, count: usize) -> (u32, u32) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let to = options.to.unwrap_or(count).min(count);
    let from = options.from.unwrap_or_else(|| to.saturating_sub(options.bars.max(1)));
    (from.min(to), to)
}

/// The picture and the scale that it was drawn on.
pub fn picture(
    bars: &[Bar],
    events: &[Event],
    options: &Options,
    scripted: bool,
) -> (String, Scale) {
    let (from, to) = window(options, bars.len());
    // What came after the window is not known in it.
    let bars = &bars[..to as usize];
    let events: Vec<Event> = events.iter().filter(|event| event.at < to).copied().collect();
    let events = &events[..];
    let first = if scripted { from.min(to.saturating_sub(options.bars_max)) } else { from };
    let (width, height) = (options.width.clamp(160, 8192), options.height.clamp(120, 8192));
    let plot = (f64::from(width) - LEFT - RIGHT, f64::from(height) - ABOVE - BELOW);
    let head = if options.layers.has(Layer::Sessions) {
        clock::head(events, first, to).min(plot.1 / 4.0)
    } else {
        0.0
    };
    let strip = if options.layers.has(Layer::Volume) { plot.1 * 0.14 } else { 0.0 };
    let air = (plot.1 * 0.05).max(14.0);
    let mut scale = Scale {
        width: plot.0,
        height: plot.1,
        top: head + air,
        bottom: plot.1 - strip - air,
        step: 1.0,
        from,
        to,
        first,
        low: 0.0,
        high: 0.0,
    };
    scale.fit(&bars[from as usize..to as usize]);
    let mut canvas = Canvas::new(bars, options, scale, scripted);
    canvas.lanes = head;
    clock::draw(&mut canvas, events);
    zones::draw(&mut canvas, events);
    range::draw(&mut canvas, events);
    liquidity::draw(&mut canvas, events);
    swings::draw(&mut canvas, events);
    (assemble(&mut canvas, events, (width, height)), canvas.scale)
}

fn assemble(canvas: &mut Canvas, events: &[Event], (width, height): (u32, u32)) -> String {
    let at = (LEFT, ABOVE);
    let [flat, names] = canvas.labels();
    let (grid, prices, decimals) =
        axis::prices(&canvas.scale, at, canvas.bars.last().map(Bar::close));
    let (time_grid, times) = axis::times(&canvas.scale, canvas.bars, at);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"aegis\" role=\"img\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    about(&mut out, canvas);
    let _ = writeln!(out, "<style>\n{}</style>", style::sheet(canvas.options.theme));
    let _ = writeln!(out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    let _ = writeln!(out, "<g class=\"grid\">\n{grid}{time_grid}</g>");
    out.push_str("<svg class=\"plot\"");
    let size = [("x", LEFT), ("y", ABOVE), ("width", canvas.scale.width)];
    for (name, number) in size.into_iter().chain([("height", canvas.scale.height)]) {
        attribute(&mut out, name, number);
    }
    out.push_str(">\n<g class=\"along\">\n");
    out.push_str(canvas.plane(Plane::Bands));
    let _ = writeln!(out, "<g class=\"strip\">\n{}</g>", candles::volume(canvas));
    let _ = write!(out, "<g class=\"names\">\n{flat}</g>\n</g>\n<svg");
    // Under the rows of sessions and above the volume; the same coordinates inside.
    let inner = [0.0, canvas.lanes, canvas.scale.width, canvas.lowest() - canvas.lanes];
    for (name, number) in ["x", "y", "width", "height"].into_iter().zip(inner) {
        attribute(&mut out, name, number);
    }
    out.push_str(" viewBox=\"");
    for (n, number) in inner.into_iter().enumerate() {
        out.push_str(if n == 0 { "" } else { " " });
        text::coordinate(&mut out, number);
    }
    out.push_str("\">\n<g class=\"both\">\n");
    out.push_str(canvas.plane(Plane::Zones));
    out.push_str(canvas.plane(Plane::Levels));
    let _ = writeln!(out, "<g class=\"candles\">\n{}</g>", candles::candles(canvas, events));
    out.push_str(canvas.plane(Plane::Front));
    let _ = writeln!(out, "<g class=\"marks\">\n{}</g>", canvas.plane(Plane::Marks));
    let _ = writeln!(out, "<g class=\"names\">\n{names}</g>\n</g>\n</svg>\n</svg>");
    let _ = writeln!(out, "<g class=\"axis prices\">\n{prices}</g>");
    let _ = writeln!(out, "<g class=\"axis times\">\n{times}</g>");
    out.push_str(&candles::last_price(canvas, at, decimals));
    frame(&mut out, canvas);
    out.push_str("</svg>\n");
    out
}

fn attribute(out: &mut String, name: &str, number: f64) {
    let _ = write!(out, " {name}=\"");
    text::coordinate(out, number);
    out.push('"');
}

fn title<'a>(canvas: &Canvas<'a>) -> &'a str {
    let title = canvas.options.title.trim();
    if title.is_empty() { "Candles with market structure" } else { title }
}

/// From when to when the picture is, and of how many bars.
fn span(canvas: &Canvas) -> String {
    let bars = &canvas.bars[canvas.scale.from as usize..canvas.scale.to as usize];
    match (bars.first(), bars.last()) {
        (Some(first), Some(last)) => {
            let (first, last) =
                (format!("{}", first.time().utc()), format!("{}", last.time().utc()));
            // Without seconds.
            let minutes = |text: &str| String::from(text.rsplit_once(':').map_or(text, |s| s.0));
            let count = bars.len();
            let bars = if count == 1 { "bar" } else { "bars" };
            format!("{count} {bars}, {} – {} UTC", minutes(&first), minutes(&last))
        }
        _ => String::from("no bars"),
    }
}

fn about(out: &mut String, canvas: &Canvas) {
    out.push_str("<title>");
    text::escaped(out, title(canvas));
    out.push_str("</title>\n<desc>Candlestick chart with market structure: ");
    text::escaped(out, &span(canvas));
    let bars = &canvas.bars[canvas.scale.from as usize..canvas.scale.to as usize];
    if let Some(last) = bars.last() {
        let _ = write!(out, "; last price {}", text::exact(last.close()));
    }
    out.push_str(".</desc>\n");
}

fn frame(out: &mut String, canvas: &Canvas) {
    let scale = &canvas.scale;
    out.push_str("<path class=\"frame\" d=\"M");
    let (right, bottom) = (LEFT + scale.width + 0.5, ABOVE + scale.height + 0.5);
    let corners = [("", LEFT), (" ", bottom), ("H", right), ("V", ABOVE)];
    for (command, number) in corners {
        out.push_str(command);
        text::coordinate(out, number);
    }
    out.push_str("\"/>\n<text class=\"head\" x=\"8\" y=\"19\">");
    // About 8 pixels a character; the span stands at the right where both have room.
    let room = ((scale.width + RIGHT) / 8.0) as usize;
    let title = title(canvas);
    let shown: String = title.chars().take(room).collect();
    text::escaped(out, &shown);
    out.push_str("</text>\n");
    let span = span(canvas);
    if title.chars().count() * 8 + span.chars().count() * 6 + 24 < (scale.width + RIGHT) as usize {
        out.push_str("<text class=\"sub te\" x=\"");
        text::coordinate(out, LEFT + scale.width + RIGHT - 8.0);
        out.push_str("\" y=\"19\">");
        text::escaped(out, &span);
        out.push_str("</text>\n");
    }
}
