//! Where stops rest, and what took them.

use crate::canvas::{Canvas, Fit, Ink, Mark, Plane};
use crate::options::Layer;
use aegis_smc::{Event, Kind};
use aegis_types::{Bar, Side};
use alloc::vec::Vec;

/// Most bars that the other member of a pair is searched back.
const BACK: u32 = 500;

/// A pool of equal highs or lows.
struct Pool {
    side: Side,
    from: u32,
    last: u32,
    level: f64,
    outer: f64,
    /// The bar that went through it, and how far.
    swept: Option<(u32, f64)>,
}

/// Draws pools, what was swept or run through, and failed breaks.
pub fn draw(canvas: &mut Canvas, events: &[Event]) {
    if canvas.has(Layer::Smt) {
        for event in events.iter().filter(|event| event.kind == Kind::Smt) {
            draw_divergence(canvas, event);
        }
    }
    if !canvas.has(Layer::Liquidity) {
        return;
    }
    for pool in pools(canvas.bars, events) {
        draw_pool(canvas, &pool);
    }
    for (n, event) in events.iter().enumerate() {
        // A bar that swept several levels is named once.
        let again = |other: &Event| {
            (other.kind, other.side, other.at) == (event.kind, event.side, event.at)
        };
        let named = events[..n].iter().rev().take_while(|other| other.at == event.at).any(again);
        match event.kind {
            Kind::Sweep if named => draw_taken(canvas, event, "sweep", "", 5),
            Kind::Sweep => draw_taken(canvas, event, "sweep", "sweep", 5),
            Kind::Run => draw_taken(canvas, event, "run", "run", 9),
            Kind::TurtleSoup => draw_taken(canvas, event, "soup", "Turtle soup", 3),
            Kind::Equal => draw_pair(canvas, event),
            _ => {}
        }
    }
}

/// A bar's extreme on the side of the stops: its low for buyers.
fn extreme(bar: &Bar, side: Side) -> f64 {
    match side {
        Side::Buy => bar.low(),
        Side::Sell => bar.high(),
    }
}

/// The latest bar before `pos` with that extreme.
fn found_back(bars: &[Bar], pos: u32, side: Side, price: f64) -> Option<u32> {
    let tolerance = price.abs() * 1e-9;
    let from = pos.saturating_sub(BACK);
    let back = bars.get(from as usize..pos as usize)?;
    let same = |bar: &Bar| (extreme(bar, side) - price).abs() <= tolerance;
    back.iter().rposition(same).map(|at| from + at as u32)
}

fn pools(bars: &[Bar], events: &[Event]) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for event in events {
        let Some(side) = event.side else { continue };
        let &Event { at, pos, level, far, .. } = event;
        let nearest = |pools: &[Pool], price: f64, outer: bool| {
            let distance =
                |pool: &Pool| ((if outer { pool.outer } else { pool.level }) - price).abs();
            let mut best: Option<(usize, f64)> = None;
            for (n, pool) in pools.iter().enumerate() {
                let open = pool.side == side && pool.swept.is_none();
                if open && best.is_none_or(|(_, least)| distance(pool) < least) {
                    best = Some((n, distance(pool)));
                }
            }
            best.map(|(n, _)| n)
        };
        match event.kind {
            Kind::PoolFormed => {
                // The mean of two members, one of which this is.
                let this = bars.get(pos as usize).map_or(far, |bar| extreme(bar, side));
                let other = level + (level - this);
                let from = found_back(bars, pos, side, other).unwrap_or(pos);
                pools.push(Pool { side, from, last: pos, level, outer: far, swept: None });
            }
            Kind::PoolExtended => {
                if let Some(n) = nearest(&pools, level, false) {
                    (pools[n].level, pools[n].outer, pools[n].last) = (level, far, pos);
                }
            }
            Kind::PoolSwept => {
                if let Some(n) = nearest(&pools, level, true) {
                    pools[n].swept = Some((at, far));
                }
            }
            // A pool that was taken is taken, whichever way it is told.
            Kind::Sweep | Kind::Run => {
                if let Some(n) = nearest(&pools, level, true)
                    && pools[n].outer == level
                {
                    pools[n].swept = Some((at, far));
                }
            }
            _ => {}
        }
    }
    pools
}

const fn equal(side: Side) -> &'static str {
    match side {
        Side::Buy => "EQL $$$",
        Side::Sell => "EQH $$$",
    }
}

fn draw_pool(canvas: &mut Canvas, pool: &Pool) {
    let side = Some(pool.side);
    let ink = Ink::new(Layer::Liquidity, "pool", side);
    let to = pool.swept.map(|(at, _)| at);
    if let Some((left, right, y)) = canvas.level(Plane::Levels, ink, (pool.from, to), pool.level) {
        let last = canvas.scale.x(f64::from(pool.last)).clamp(left, right);
        let fit = if side == Some(Side::Buy) { Fit::Below } else { Fit::Above };
        canvas.label(ink, 2, (left.midpoint(last), y), fit, equal(pool.side));
    }
    if let Some((at, extreme)) = pool.swept {
        canvas.mark(Ink::new(Layer::Liquidity, "swept", side), Mark::Cross, at, extreme);
    }
}

/// A level from its bar to the one that took it, and a cross there.
fn draw_taken(canvas: &mut Canvas, event: &Event, class: &'static str, words: &str, rank: u8) {
    let ink = Ink::new(Layer::Liquidity, class, event.side);
    canvas.level(Plane::Levels, ink, (event.pos, Some(event.at)), event.level);
    if event.kind == Kind::Run {
        return;
    }
    if let Some(place) = canvas.mark(ink, Mark::Cross, event.at, event.far)
        && !words.is_empty()
    {
        let fit = if event.side == Some(Side::Buy) { Fit::Low } else { Fit::High };
        canvas.label(ink, rank, place, fit, words);
    }
}

fn draw_pair(canvas: &mut Canvas, event: &Event) {
    let Some(side) = event.side else { return };
    let ink = Ink::new(Layer::Liquidity, "equal", Some(side));
    let from = found_back(canvas.bars, event.pos, side, event.far).unwrap_or(event.pos);
    if canvas.line(Plane::Levels, ink, (from, event.far), (event.pos, event.level)) {
        let middle = f64::from(from).midpoint(f64::from(event.pos));
        let at = (canvas.scale.x(middle), canvas.scale.y(event.level));
        let fit = if side == Side::Buy { Fit::Below } else { Fit::Above };
        canvas.label(ink, 4, at, fit, if side == Side::Buy { "EQL" } else { "EQH" });
    }
}

/// A swing that its pair did not confirm, joined with the swing before it where that is found.
fn draw_divergence(canvas: &mut Canvas, event: &Event) {
    let ink = Ink::new(Layer::Smt, "smt", event.side);
    let before = event.side.and_then(|side| found_back(canvas.bars, event.pos, side, event.far));
    if let Some(before) = before {
        canvas.line(Plane::Front, ink, (before, event.far), (event.pos, event.level));
    }
    if let Some(place) = canvas.mark(ink, Mark::Diamond, event.pos, event.level) {
        canvas.label(ink, 2, place, Fit::outside(event.side), "SMT");
    }
}
