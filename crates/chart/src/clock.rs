//! What the time of day, week and month brings: bands, levels and the day's models.

use crate::canvas::{Canvas, Fit, Ink, Mark, Plane};
use crate::options::Layer;
use aegis_smc::{Event, Kind, Of};
use aegis_types::Side;
use alloc::vec::Vec;

/// Height of a row of sessions.
const LANE: f64 = 11.0;

/// Draws bands, period levels and models.
pub fn draw(canvas: &mut Canvas, events: &[Event]) {
    if canvas.has(Layer::Sessions) {
        draw_bands(canvas, events);
    }
    if canvas.has(Layer::Periods) {
        draw_periods(canvas, events);
    }
    if canvas.has(Layer::Models) {
        draw_midnights(canvas, events);
        draw_biases(canvas, events);
        for event in events {
            draw_model(canvas, event, events);
        }
    }
}

const fn name(of: Of) -> &'static str {
    match of {
        Of::Sydney => "Sydney",
        Of::Tokyo => "Tokyo",
        Of::London => "London",
        Of::NewYork => "New York",
        Of::Asia => "Asia KZ",
        Of::LondonOpen => "London KZ",
        Of::NewYorkOpen => "NY AM KZ",
        Of::LondonClose => "Close KZ",
        Of::Day => "day",
        Of::Week => "week",
        Of::Month => "month",
        _ => "session",
    }
}

/// Row and class of a session; the others are high bands.
const fn lane(of: Of) -> Option<(f64, &'static str)> {
    match of {
        Of::Sydney => Some((0.0, "session sydney")),
        Of::Tokyo => Some((1.0, "session tokyo")),
        Of::London => Some((2.0, "session london")),
        Of::NewYork => Some((3.0, "session newyork")),
        _ => None,
    }
}

const fn kill_zone(of: Of) -> &'static str {
    match of {
        Of::Asia => "killzone asia",
        Of::LondonOpen => "killzone london",
        Of::NewYorkOpen => "killzone newyork",
        _ => "killzone close",
    }
}

/// Pixels at the top that the rows of sessions and names of kill zones need.
pub fn head(events: &[Event], from: u32, to: u32) -> f64 {
    let inside = |event: &&Event| event.at >= from && event.pos < to;
    let mut head: f64 = 0.0;
    for event in events.iter().filter(inside) {
        match event.kind {
            Kind::SessionOpened | Kind::SessionClosed => head = head.max(4.0 * LANE),
            _ => {}
        }
    }
    let named = |event: &Event| matches!(event.kind, Kind::KillZoneOpened | Kind::KillZoneClosed);
    if events.iter().filter(inside).any(named) { head + LANE + 3.0 } else { head }
}

/// Sessions as rows at the top, kill zones as bands over the whole height.
fn draw_bands(canvas: &mut Canvas, events: &[Event]) {
    for (n, event) in events.iter().enumerate() {
        let closed = match event.kind {
            Kind::SessionOpened => Kind::SessionClosed,
            Kind::KillZoneOpened => Kind::KillZoneClosed,
            _ => continue,
        };
        let later = events[n + 1..].iter().find(|later| {
            later.of == event.of && (later.kind == closed || later.kind == event.kind)
        });
        // It is told closed at the first bar that is not in it any more, or at its last one.
        let to = later.map(|later| if later.pos < later.at { later.at } else { later.pos + 1 });
        let high = (0.0, canvas.scale.bottom);
        let row = lane(event.of).filter(|_| event.kind == Kind::SessionOpened);
        let (ink, place, dy) = match row {
            Some((row, class)) => {
                let place = (row * LANE, LANE - 1.0);
                (Ink::new(Layer::Sessions, class, None), place, row * LANE + LANE - 2.5)
            }
            None => {
                let ink = Ink::new(Layer::Sessions, kill_zone(event.of), None);
                (ink, high, canvas.lanes - 4.0)
            }
        };
        if let Some((left, right)) = canvas.band(ink, (event.pos, to), place) {
            let words = name(event.of);
            if right - left.max(0.0) >= words.len() as f64 * 5.4 || canvas.scripted {
                canvas.label(ink, 1, (left, dy), Fit::Flat, words);
            }
        }
    }
}

const fn period(of: Of, side: Side) -> (&'static str, &'static str) {
    match (of, side) {
        (Of::Day, Side::Sell) => ("period day", "PDH"),
        (Of::Day, Side::Buy) => ("period day", "PDL"),
        (Of::Week, Side::Sell) => ("period week", "PWH"),
        (Of::Week, Side::Buy) => ("period week", "PWL"),
        (Of::Month, Side::Sell) => ("period month", "PMH"),
        (Of::Month, Side::Buy) => ("period month", "PML"),
        (_, Side::Sell) => ("period", "PH"),
        (_, Side::Buy) => ("period", "PL"),
    }
}

/// Each from the bar at which it is known until it is broken or replaced.
fn draw_periods(canvas: &mut Canvas, events: &[Event]) {
    for (n, event) in events.iter().enumerate() {
        let (Kind::PeriodLevel, Some(side)) = (event.kind, event.side) else { continue };
        let same = |later: &&Event| {
            matches!(later.kind, Kind::PeriodLevel | Kind::PeriodLevelBroken)
                && (later.of, later.side) == (event.of, event.side)
        };
        let later = events[n + 1..].iter().find(same);
        let (class, words) = period(event.of, side);
        let ink = Ink::new(Layer::Periods, class, Some(side));
        let to = later.map(|later| later.at);
        let placed = canvas.level(Plane::Levels, ink, (event.at, to), event.level);
        if let Some((left, _, y)) = placed {
            let fit = if side == Side::Buy { Fit::LeftUnder } else { Fit::Left };
            canvas.label(ink, 1, (left, y), fit, words);
        }
        if let Some(broken) = later.filter(|later| later.kind == Kind::PeriodLevelBroken) {
            let ink = Ink::new(Layer::Periods, "broken", Some(side));
            canvas.mark(ink, Mark::Diamond, broken.at, event.level);
        }
    }
}

fn draw_midnights(canvas: &mut Canvas, events: &[Event]) {
    let opens: Vec<&Event> =
        events.iter().filter(|event| event.kind == Kind::MidnightOpen).collect();
    for (n, event) in opens.iter().enumerate() {
        let to = opens.get(n + 1).map(|next| next.pos);
        let ink = Ink::new(Layer::Models, "midnight", None);
        if let Some((left, _, y)) = canvas.level(Plane::Levels, ink, (event.pos, to), event.level) {
            canvas.label(ink, 4, (left, y), Fit::Left, "Midnight open");
        }
    }
}

fn draw_model(canvas: &mut Canvas, event: &Event, events: &[Event]) {
    let (class, words) = match event.kind {
        Kind::Accumulation => return draw_accumulation(canvas, event, events),
        Kind::Manipulation => ("manipulation", "Manipulation"),
        Kind::Distribution => ("distribution", "Distribution"),
        Kind::JudasSwing => ("judas", "Judas swing"),
        _ => return,
    };
    let ink = Ink::new(Layer::Models, class, event.side);
    if let Some(place) = canvas.mark(ink, Mark::Diamond, event.at, event.far) {
        // Distribution leaves the range on its own side, the others on the wrong one.
        let side = match event.kind {
            Kind::Distribution => event.side.map(Side::opposite),
            _ => event.side,
        };
        canvas.label(ink, 2, place, Fit::outside(side), words);
    }
}

/// The Asian range: a box over its kill zone.
fn draw_accumulation(canvas: &mut Canvas, event: &Event, events: &[Event]) {
    let opened = events.iter().rfind(|open| {
        open.kind == Kind::KillZoneOpened && open.of == Of::Asia && open.at <= event.at
    });
    let from = opened.map_or(event.pos, |open| open.pos);
    let ink = Ink::new(Layer::Models, "asian", None);
    let span = (from, Some(event.at));
    if let Some([left, upper, ..]) = canvas.rect(Plane::Zones, ink, span, (event.level, event.far))
    {
        canvas.label(ink, 3, (left, upper), Fit::Left, "Asian range");
    }
}

/// A stripe at the foot of the candles, from a change to the next.
fn draw_biases(canvas: &mut Canvas, events: &[Event]) {
    let changes: Vec<&Event> =
        events.iter().filter(|event| event.kind == Kind::DailyBias).collect();
    for (n, event) in changes.iter().enumerate() {
        let to = changes.get(n + 1).map(|next| next.at);
        let (ink, foot) = (Ink::new(Layer::Models, "bias", event.side), canvas.scale.bottom + 3.0);
        let words = match event.side {
            Some(Side::Buy) => "Bias up",
            Some(Side::Sell) => "Bias down",
            None => "",
        };
        if let Some((left, right)) = canvas.band(ink, (event.at, to), (foot, 3.0))
            && !words.is_empty()
            && right - left.max(0.0) > 70.0
        {
            canvas.label(ink, 6, (left, foot + 12.0), Fit::Flat, words);
        }
    }
}
