//! The candles, the volume under them, and the last price.

use crate::canvas::Canvas;
use crate::options::Layer;
use crate::text;
use aegis_smc::{Event, Kind};
use aegis_types::Bar;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::fmt::Write as _;

/// Rising, falling; each plain or displacement.
const CLASSES: [&str; 4] = ["up", "down", "up displaced", "down displaced"];

/// Wicks and bodies as eight paths, and displacement by its own class.
pub fn candles(canvas: &Canvas, events: &[Event]) -> String {
    let scale = &canvas.scale;
    let (first, to) = (scale.first as usize, scale.to as usize);
    let mut displaced = vec![false; to - first];
    if canvas.has(Layer::Displacement) {
        for event in events.iter().filter(|event| event.kind == Kind::Displacement) {
            let at = (event.pos as usize).checked_sub(first);
            if let Some(mark) = at.and_then(|at| displaced.get_mut(at)) {
                *mark = true;
            }
        }
    }
    let mut wicks: [String; 4] = Default::default();
    let mut bodies: [String; 4] = Default::default();
    for ((at, bar), displaced) in (scale.first..).zip(&canvas.bars[first..to]).zip(displaced) {
        let class = usize::from(bar.close() < bar.open()) + 2 * usize::from(displaced);
        candle(canvas, at, bar, &mut wicks[class], &mut bodies[class]);
    }
    let mut out = String::new();
    for (n, class) in CLASSES.iter().enumerate() {
        let layer = if n < 2 { "" } else { "displacement " };
        for (part, path) in [("wick", &wicks[n]), ("body", &bodies[n])] {
            if !path.is_empty() {
                let _ = writeln!(out, "<path class=\"{layer}{part} {class}\" d=\"{path}\"/>");
            }
        }
    }
    out
}

/// On whole pixels and a half, where a line of one pixel is crisp.
fn crisp(value: f64) -> f64 {
    libm::floor(value) + 0.5
}

/// Half of a body's width without its outline.
fn half(step: f64) -> f64 {
    libm::floor((step * 0.8 - 1.0).max(0.0) / 2.0)
}

fn candle(canvas: &Canvas, at: u32, bar: &Bar, wick: &mut String, body: &mut String) {
    let scale = &canvas.scale;
    let x = crisp(scale.x(f64::from(at)));
    let (top, low) = (bar.high().max(bar.low()), bar.high().min(bar.low()));
    for (command, number) in [("M", x), (" ", scale.y(top)), ("V", scale.y(low))] {
        wick.push_str(command);
        text::coordinate(wick, number);
    }
    let half = half(scale.step);
    let (open, close) = (crisp(scale.y(bar.open())), crisp(scale.y(bar.close())));
    let numbers = [("M", x - half), (" ", open), ("H", x + half), ("V", close), ("H", x - half)];
    for (command, number) in numbers {
        body.push_str(command);
        text::coordinate(body, number);
    }
    body.push('Z');
}

/// The volume strip.
pub fn volume(canvas: &Canvas) -> String {
    let scale = &canvas.scale;
    let bars = &canvas.bars[scale.first as usize..scale.to as usize];
    let most = bars.iter().map(Bar::volume).fold(0.0, f64::max);
    let mut out = String::new();
    if !canvas.has(Layer::Volume) || most <= 0.0 {
        return out;
    }
    let room = scale.height - scale.bottom - 10.0;
    let mut paths: [String; 2] = Default::default();
    for (at, bar) in (scale.first..).zip(bars) {
        let height = (bar.volume() / most).clamp(0.0, 1.0) * room;
        let (x, half) = (crisp(scale.x(f64::from(at))), half(scale.step));
        let path = &mut paths[usize::from(bar.close() < bar.open())];
        let (left, right) = (x - half - 0.5, x + half + 0.5);
        let top = ("V", scale.height - height);
        let numbers = [("M", left), (" ", scale.height), top, ("H", right), ("V", scale.height)];
        for (command, number) in numbers {
            path.push_str(command);
            text::coordinate(path, number);
        }
        path.push('Z');
    }
    for (class, path) in ["up", "down"].iter().zip(&paths) {
        if !path.is_empty() {
            let _ = writeln!(out, "<path class=\"volume bar {class}\" d=\"{path}\"/>");
        }
    }
    out
}

/// The last price: a line through the plot and a tag on the axis, in the picture's coordinates.
pub fn last_price(canvas: &Canvas, (left, top): (f64, f64), decimals: usize) -> String {
    let scale = &canvas.scale;
    let Some(bar) = canvas.bars[..scale.to as usize].last() else { return String::new() };
    let class = if bar.close() < bar.open() { "down" } else { "up" };
    let y = crisp(top + scale.y(bar.close()));
    let right = left + scale.width;
    let mut out = format!("<g class=\"last {class}\"><path d=\"M");
    for (command, number) in [("", left), (" ", y), ("H", right)] {
        out.push_str(command);
        text::coordinate(&mut out, number);
    }
    out.push_str("\"/><rect x=\"");
    text::coordinate(&mut out, right + 1.0);
    out.push_str("\" y=\"");
    text::coordinate(&mut out, y - 8.0);
    out.push_str("\" width=\"64\" height=\"16\" rx=\"2\"/><text x=\"");
    text::coordinate(&mut out, right + 6.0);
    out.push_str("\" y=\"");
    text::coordinate(&mut out, y + 3.5);
    let _ = writeln!(out, "\">{}</text></g>", text::price(bar.close(), decimals));
    out
}
