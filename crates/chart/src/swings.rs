//! Swing points and what breaks them.

use crate::canvas::{Canvas, Fit, Ink, Mark, Plane};
use crate::options::Layer;
use aegis_smc::{Event, Kind, Of};
use aegis_types::Side;
use alloc::vec::Vec;

/// A swing and what became of it.
#[derive(Clone, Copy)]
struct Point {
    pos: u32,
    side: Side,
    level: f64,
    is_final: bool,
}

impl Point {
    fn same(&self, other: &Self) -> bool {
        (self.pos, self.side) == (other.pos, other.side)
    }
}

/// Draws both trackers.
pub fn draw(canvas: &mut Canvas, events: &[Event]) {
    if canvas.has(Layer::Swings) {
        let points = points(events, false);
        draw_points(canvas, &points, Layer::Swings);
        draw_strength(canvas, events);
    }
    if canvas.has(Layer::Structure) {
        draw_breaks(canvas, events, Layer::Structure);
    }
    if canvas.has(Layer::Internal) {
        let (mut points, mut swings) = (points(events, true), points(events, false));
        swings.retain(|swing| swing.pos >= canvas.scale.first);
        points.retain(|point| point.pos >= canvas.scale.first);
        let said = |point: &Point| swings.iter().any(|swing| swing.same(point));
        points.retain(|point| !canvas.has(Layer::Swings) || !said(point));
        draw_points(canvas, &points, Layer::Internal);
        draw_breaks(canvas, events, Layer::Internal);
    }
}

/// The swings that stand: final ones, and the open one at the end.
fn points(events: &[Event], internal: bool) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for event in events.iter().filter(|event| (event.of == Of::Internal) == internal) {
        let Some(side) = event.side else { continue };
        let known = |point: &Point| point.pos == event.pos && point.side == side;
        match event.kind {
            Kind::Pivot => {
                let (pos, level) = (event.pos, event.level);
                points.push(Point { pos, side, level, is_final: false });
            }
            Kind::PivotSuperseded => {
                if let Some(at) = points.iter().rposition(known) {
                    points.remove(at);
                }
            }
            Kind::PivotFinal => {
                if let Some(point) = points.iter_mut().rev().find(|point| known(point)) {
                    point.is_final = true;
                }
            }
            _ => {}
        }
    }
    points
}

/// How a swing compares with the one before it of its kind.
fn name(side: Side, level: f64, before: Option<f64>) -> &'static str {
    match (side, before) {
        (Side::Sell, Some(before)) if level > before => "HH",
        (Side::Sell, Some(_)) => "LH",
        (Side::Buy, Some(before)) if level < before => "LL",
        (Side::Buy, Some(_)) => "HL",
        (Side::Sell, None) => "H",
        (Side::Buy, None) => "L",
    }
}

fn draw_points(canvas: &mut Canvas, points: &[Point], layer: Layer) {
    let mut before = [None; 2];
    let internal = layer == Layer::Internal;
    for point in points {
        let Point { pos, side, level, is_final } = *point;
        let words = name(side, level, before[side as usize]);
        if is_final {
            before[side as usize] = Some(level);
        }
        let class = match (internal, is_final) {
            (true, _) => "inner",
            (false, true) => "swing",
            (false, false) => "swing open",
        };
        let ink = Ink::new(layer, class, Some(side));
        let mark = if side == Side::Buy { Mark::Up } else { Mark::Down };
        if let Some(place) = canvas.mark(ink, mark, pos, level)
            && !internal
        {
            canvas.label(ink, 4, place, Fit::outside(Some(side)), words);
        }
    }
}

/// Strong and weak: the last of each side, from its swing to the right edge.
fn draw_strength(canvas: &mut Canvas, events: &[Event]) {
    for side in [Side::Sell, Side::Buy] {
        let judged = |event: &&Event| {
            matches!(event.kind, Kind::Strong | Kind::Weak)
                && event.side == Some(side)
                && event.of != Of::Internal
        };
        let Some(event) = events.iter().rfind(judged) else { continue };
        let (class, words) = match (event.kind, side) {
            (Kind::Strong, Side::Sell) => ("strong", "Strong High"),
            (Kind::Strong, Side::Buy) => ("strong", "Strong Low"),
            (_, Side::Sell) => ("weak", "Weak High"),
            (_, Side::Buy) => ("weak", "Weak Low"),
        };
        let ink = Ink::new(Layer::Swings, class, Some(side));
        if let Some((_, right, y)) =
            canvas.level(Plane::Levels, ink, (event.pos, None), event.level)
        {
            canvas.label(ink, 2, (right, y), Fit::Right, words);
        }
    }
}

fn draw_breaks(canvas: &mut Canvas, events: &[Event], layer: Layer) {
    let internal = layer == Layer::Internal;
    for (n, event) in events.iter().enumerate() {
        if (event.of == Of::Internal) != internal {
            continue;
        }
        let (class, words) = match event.kind {
            Kind::Bos => ("bos", "BOS"),
            Kind::Choch => ("choch", "CHoCH"),
            Kind::Mss => ("mss", "MSS"),
            _ => continue,
        };
        // A shift is a change of character by other means: one line, with the rarer name.
        let same = |other: &&Event| other.at == event.at;
        let shifted = |other: &Event| {
            other.kind == Kind::Mss && other.pos == event.pos && other.side == event.side
        };
        if event.kind == Kind::Choch && events[n..].iter().take_while(same).any(shifted) {
            continue;
        }
        // What both trackers say is drawn once.
        let said = |other: &Event| {
            (other.pos, other.side, other.of) == (event.pos, event.side, Of::Swing)
                && matches!(other.kind, Kind::Bos | Kind::Choch | Kind::Mss)
        };
        let bar =
            events[..n].iter().rev().take_while(same).chain(events[n..].iter().take_while(same));
        if internal && canvas.has(Layer::Structure) && bar.into_iter().any(said) {
            continue;
        }
        let ink = Ink::new(layer, class, event.side);
        let span = (event.pos, Some(event.at));
        if let Some((left, right, y)) = canvas.level(Plane::Front, ink, span, event.level) {
            let middle = if canvas.scripted { left } else { left.max(0.0) };
            let middle = middle.midpoint(right.min(canvas.scale.width));
            let fit = if event.side == Some(Side::Buy) { Fit::Centre } else { Fit::Under };
            canvas.label(ink, if internal { 7 } else { 0 }, (middle, y), fit, words);
        }
    }
}
