//! Cheap and dear: the dealing range, optimal trade entry, retracements.

use crate::canvas::{Canvas, Fit, Ink, Mark, Plane};
use crate::options::Layer;
use aegis_smc::{Event, Kind, Of};
use aegis_types::{Bar, Side};

/// Most bars that an entry zone is drawn.
const ENTRY: u32 = 24;

/// Most pullbacks in a window that are drawn.
const FEW: usize = 20;

/// Draws the range as it is at the end of the window, and entries and pullbacks as they came.
pub fn draw(canvas: &mut Canvas, events: &[Event]) {
    if !canvas.has(Layer::Range) {
        return;
    }
    draw_range(canvas, events);
    let pullback = |event: &&Event| {
        event.kind == Kind::Retraced && event.of != Of::Internal && event.at >= canvas.scale.from
    };
    // Of many none is drawn: they would hide the candles.
    let few = events.iter().filter(pullback).count() <= FEW;
    for event in events {
        match event.kind {
            Kind::OteEntered if event.of != Of::Internal => draw_entry(canvas, event),
            Kind::Retraced if few && event.of != Of::Internal => {
                let ink = Ink::new(Layer::Range, "retraced", event.side);
                let span = (event.at.saturating_sub(1), Some(event.at.saturating_add(1)));
                if let Some((left, right, y)) = canvas.level(Plane::Front, ink, span, event.level) {
                    let words = alloc::format!("{:.0}%", event.amount.clamp(0.0, 1000.0));
                    canvas.label(ink, 9, (left.midpoint(right), y), Fit::Centre, &words);
                }
            }
            _ => {}
        }
    }
}

/// Low and high of the dealing range at the end of the window: the last swings, trailed.
fn bounds(canvas: &Canvas, events: &[Event]) -> Option<(u32, f64, f64)> {
    let last = |side: Side| {
        events.iter().rfind(|event| {
            event.kind == Kind::Pivot && event.side == Some(side) && event.of != Of::Internal
        })
    };
    let (low, high) = (last(Side::Buy)?, last(Side::Sell)?);
    let after = |event: &Event| {
        let from = (event.pos as usize).min(canvas.scale.to as usize);
        &canvas.bars[from..canvas.scale.to as usize]
    };
    let lowest = after(low).iter().map(Bar::low).fold(low.level, f64::min);
    let highest = after(high).iter().map(Bar::high).fold(high.level, f64::max);
    (highest > lowest).then(|| (low.pos.max(high.pos), lowest, highest))
}

fn draw_range(canvas: &mut Canvas, events: &[Event]) {
    // Only where the detector reads it: its first word about the range is an entry into a half.
    if !events.iter().any(|event| event.kind == Kind::CheapHalf) {
        return;
    }
    let Some((_, low, high)) = bounds(canvas, events) else { return };
    let middle = low.midpoint(high);
    let from = canvas.scale.to.saturating_sub(1);
    let halves =
        [(Side::Sell, "premium", "Premium", high), (Side::Buy, "discount", "Discount", low)];
    for (side, class, words, edge) in halves {
        let ink = Ink::new(Layer::Range, class, Some(side));
        if let Some([_, upper, right, lower]) =
            canvas.rect(Plane::Zones, ink, (from, None), (edge, middle))
        {
            let y = if side == Side::Sell {
                upper.max(0.0) + 12.0
            } else {
                lower.min(canvas.scale.bottom) - 2.0
            };
            canvas.label(ink, 2, (right, y), Fit::Right, words);
        }
    }
    let ink = Ink::new(Layer::Range, "equilibrium", None);
    if let Some((_, right, y)) = canvas.level(Plane::Levels, ink, (from, None), middle) {
        canvas.label(ink, 3, (right, y), Fit::Right, "EQ 50%");
    }
}

/// From the edge that price meets first, as far from the ideal price as the edge behind it, until a
/// close goes through.
fn draw_entry(canvas: &mut Canvas, event: &Event) {
    let Some(side) = event.side else { return };
    let near = event.level + (event.level - event.far);
    let since = event.at.saturating_add(1);
    let until = since.saturating_add(ENTRY);
    let bars = canvas.bars;
    let through = |bar: &Bar| match side {
        Side::Buy => bar.close() < event.far,
        Side::Sell => bar.close() > event.far,
    };
    let last = (until as usize).min(bars.len());
    let steps = bars.get(since as usize..last).and_then(|bars| bars.iter().position(through));
    let to = steps.map_or(until, |steps| since + steps as u32);
    let ink = Ink::new(Layer::Range, "ote", Some(side));
    let place = canvas.rect(Plane::Zones, ink, (event.at, Some(to)), (near, event.far));
    if let Some([left, upper, _, lower]) = place {
        canvas.level(Plane::Zones, ink, (event.at, Some(to)), event.level);
        canvas.label(ink, 5, (left, upper.midpoint(lower)), Fit::Inside, "OTE");
        let mark = if side == Side::Buy { Mark::Up } else { Mark::Down };
        canvas.mark(ink, mark, event.at, near);
    }
}
