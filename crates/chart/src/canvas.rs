//! Where shapes are drawn: planes one above the other, and labels to be placed at the end.

use crate::label::{self, Anchor, Label};
use crate::options::{Layer, Options};
use crate::scale::Scale;
use crate::text;
use aegis_types::{Bar, Side};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// From the back to the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Bands of time behind everything, as high as the plot: they follow the time axis only.
    Bands,
    /// Zones behind the candles.
    Zones,
    /// Lines behind the candles.
    Levels,
    /// Lines before the candles.
    Front,
    /// Small marks.
    Marks,
}

/// What a mark looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Triangle under its place, pointing up.
    Up,
    /// Triangle over its place, pointing down.
    Down,
    Cross,
    Diamond,
}

/// Class, layer and side of a shape.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    pub layer: Layer,
    pub class: &'static str,
    pub side: Option<Side>,
}

impl Ink {
    pub const fn new(layer: Layer, class: &'static str, side: Option<Side>) -> Self {
        Self { layer, class, side }
    }

    fn classes(self) -> String {
        let side = match self.side {
            Some(Side::Buy) => " buy",
            Some(Side::Sell) => " sell",
            None => "",
        };
        format!("{} {}{side}", self.layer.code(), self.class)
    }
}

/// The plot while it is drawn on.
pub struct Canvas<'a> {
    /// All bars; events count them from 0.
    pub bars: &'a [Bar],
    pub options: &'a Options,
    pub scale: Scale,
    /// Hidden labels are written too: a script shows them where there is room.
    pub scripted: bool,
    /// Rows of sessions at the top, 0 without.
    pub lanes: f64,
    planes: [String; 5],
    labels: Vec<Label>,
}

impl<'a> Canvas<'a> {
    pub fn new(bars: &'a [Bar], options: &'a Options, scale: Scale, scripted: bool) -> Self {
        let (planes, labels) = Default::default();
        Self { bars, options, scale, scripted, lanes: 0.0, planes, labels }
    }

    /// What was drawn on a plane.
    pub fn plane(&self, plane: Plane) -> &str {
        &self.planes[plane as usize]
    }

    /// Lowest pixel at which labels of prices stand, in the head of the volume strip.
    pub fn lowest(&self) -> f64 {
        (self.scale.bottom + 24.0).min(self.scale.height)
    }

    /// Places the labels: those of times, and those of prices.
    pub fn labels(&mut self) -> [String; 2] {
        let left = self.scale.x(f64::from(self.scale.first)) - self.scale.step;
        let lowest = self.lowest();
        let plot = (if self.scripted { left.min(0.0) } else { 2.0 }, self.scale.width, lowest);
        let labels = core::mem::take(&mut self.labels);
        let (times, prices) = labels.into_iter().partition(|label| label.of_time);
        [times, prices].map(|labels| {
            let mut out = String::new();
            label::write(&mut out, labels, plot, self.options.labels_max, self.scripted);
            out
        })
    }

    /// Whether the layer is on.
    pub fn has(&self, layer: Layer) -> bool {
        self.options.layers.has(layer) && (self.scripted || !self.options.quiet.has(layer))
    }

    /// The bars drawn that lie in `[from, to)`; none if there is none.
    fn cut(&self, from: u32, to: Option<u32>) -> Option<(f64, f64)> {
        let scale = &self.scale;
        let to = to.unwrap_or(u32::MAX);
        if from >= scale.to || to < scale.first || to < from {
            return None;
        }
        let left = scale.x(f64::from(from)).max(scale.x(f64::from(scale.first)) - scale.step);
        let right = if to >= scale.to { scale.width } else { scale.x(f64::from(to)) };
        Some((left, right))
    }

    /// Whether heights between these two are off the plot for good.
    fn off(&self, upper: f64, lower: f64) -> bool {
        !self.scripted && (lower < self.lanes || upper > self.scale.bottom + 4.0)
    }

    /// A box between two prices, from a bar to another or to the right edge. Returns where it lies
    /// (left, top, right, bottom), none where it is off the paper.
    pub fn rect(
        &mut self,
        plane: Plane,
        ink: Ink,
        (from, to): (u32, Option<u32>),
        (one, two): (f64, f64),
    ) -> Option<[f64; 4]> {
        let (left, right) = self.cut(from, to)?;
        let (one, two) = (self.scale.y(one), self.scale.y(two));
        let (upper, lower) = (one.min(two), one.max(two));
        if self.off(upper, lower) {
            return None;
        }
        let size = (right - left, lower - upper);
        self.shape_rect(plane, ink, (left, upper), size);
        Some([left, upper, right, lower])
    }

    /// A band of time between two heights in pixels.
    pub fn band(
        &mut self,
        ink: Ink,
        (from, to): (u32, Option<u32>),
        (top, height): (f64, f64),
    ) -> Option<(f64, f64)> {
        let (left, right) = self.cut(from, to)?;
        // A band covers its bars: from the left edge of the first to the left edge of `to`.
        let left = left - self.scale.step / 2.0;
        let right = if to.is_some_and(|to| to < self.scale.to) {
            right - self.scale.step / 2.0
        } else {
            right
        };
        self.shape_rect(Plane::Bands, ink, (left, top), (right - left, height));
        Some((left, right))
    }

    fn shape_rect(&mut self, plane: Plane, ink: Ink, at: (f64, f64), size: (f64, f64)) {
        let out = &mut self.planes[plane as usize];
        out.push_str("<rect");
        let numbers = [(" x", at.0), (" y", at.1), (" width", size.0), (" height", size.1)];
        for (name, number) in numbers {
            out.push_str(name);
            out.push_str("=\"");
            text::coordinate(out, number);
            out.push('"');
        }
        out.push_str(" class=\"");
        out.push_str(&ink.classes());
        out.push_str("\"/>\n");
    }

    /// A horizontal line at a price, from a bar to another or to the right edge. Returns its left
    /// and right end and its height, none where it is off the paper.
    pub fn level(
        &mut self,
        plane: Plane,
        ink: Ink,
        (from, to): (u32, Option<u32>),
        price: f64,
    ) -> Option<(f64, f64, f64)> {
        let (left, right) = self.cut(from, to)?;
        let y = self.scale.y(price);
        if self.off(y, y) {
            return None;
        }
        self.path(plane, ink, (left, y), (right, y));
        Some((left, right, y))
    }

    /// A line between two points, each a bar and a price.
    pub fn line(&mut self, plane: Plane, ink: Ink, one: (u32, f64), two: (u32, f64)) -> bool {
        if self.cut(one.0.min(two.0), Some(one.0.max(two.0))).is_none() {
            return false;
        }
        let point = |(bar, price): (u32, f64)| (self.scale.x(f64::from(bar)), self.scale.y(price));
        let (one, two) = (point(one), point(two));
        if self.off(one.1.min(two.1), one.1.max(two.1)) {
            return false;
        }
        self.path(plane, ink, one, two);
        true
    }

    fn path(&mut self, plane: Plane, ink: Ink, one: (f64, f64), two: (f64, f64)) {
        let out = &mut self.planes[plane as usize];
        out.push_str("<path d=\"M");
        for (between, number) in [("", one.0), (" ", one.1), ("L", two.0), (" ", two.1)] {
            out.push_str(between);
            text::coordinate(out, number);
        }
        out.push_str("\" class=\"");
        out.push_str(&ink.classes());
        out.push_str("\"/>\n");
    }

    /// A small mark at a bar and a price. Returns its place, none where it is off the paper.
    pub fn mark(&mut self, ink: Ink, mark: Mark, bar: u32, price: f64) -> Option<(f64, f64)> {
        let (x, y) = self.place(bar, price)?;
        let out = &mut self.planes[Plane::Marks as usize];
        out.push_str("<path transform=\"translate(");
        text::coordinate(out, x);
        out.push(' ');
        text::coordinate(out, y);
        out.push_str(match mark {
            Mark::Up => ")\" d=\"M-3.5 9L0 3L3.5 9Z\" class=\"",
            Mark::Down => ")\" d=\"M-3.5 -9L0 -3L3.5 -9Z\" class=\"",
            Mark::Cross => ")\" d=\"M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5\" class=\"",
            Mark::Diamond => ")\" d=\"M-4 0L0 -4L4 0L0 4Z\" class=\"",
        });
        out.push_str(&ink.classes());
        out.push_str("\"/>\n");
        Some((x, y))
    }

    /// Where a bar and a price lie; none off the paper.
    pub fn place(&self, bar: u32, price: f64) -> Option<(f64, f64)> {
        self.cut(bar, Some(bar))?;
        let (x, y) = (self.scale.x(f64::from(bar)), self.scale.y(price));
        (!self.off(y, y)).then_some((x, y))
    }

    /// A label at a place; the lower its rank, the more important.
    pub fn label(&mut self, ink: Ink, priority: u8, at: (f64, f64), fit: Fit, words: &str) {
        let (anchor, dy, evade) = match fit {
            Fit::Above => (Anchor::Middle, -3.0, -1.0),
            Fit::Below => (Anchor::Middle, 11.0, 1.0),
            Fit::HighAbove => (Anchor::Middle, -12.0, -1.0),
            Fit::LowBelow => (Anchor::Middle, 20.0, 1.0),
            Fit::Centre => (Anchor::Middle, -3.0, 0.0),
            Fit::Under => (Anchor::Middle, 10.0, 0.0),
            Fit::Inside => (Anchor::Start, 3.5, 0.0),
            Fit::Left => (Anchor::Start, -3.0, 0.0),
            Fit::Right => (Anchor::End, -3.0, 1.0),
            Fit::RightInside => (Anchor::End, 3.5, 0.0),
            Fit::High => (Anchor::Middle, -7.0, 0.0),
            Fit::Low => (Anchor::Middle, 15.0, 0.0),
            Fit::Within => (Anchor::Middle, 3.5, 0.0),
            Fit::Flat => (Anchor::Start, 0.0, 0.0),
            Fit::LeftUnder => (Anchor::Start, 10.0, 0.0),
        };
        // At its left edge the paper cuts what is named at the start.
        let x = match anchor {
            Anchor::Start if !self.scripted => at.0.max(0.0) + 3.0,
            Anchor::Start => at.0 + 3.0,
            Anchor::End => at.0 - 3.0,
            Anchor::Middle => at.0,
        };
        let (class, text) = (ink.classes(), String::from(words));
        let y = at.1;
        let of_time = fit == Fit::Flat;
        self.labels.push(Label { priority, x, y, dy, evade, anchor, of_time, class, text });
    }
}

/// How a label lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Over it, higher if taken.
    Above,
    /// Under it, lower if taken.
    Below,
    /// Over a mark on it, higher if taken.
    HighAbove,
    /// Under a mark on it, lower if taken.
    LowBelow,
    /// Just over it, or not at all.
    Centre,
    /// Just under it, or not at all.
    Under,
    /// Right of it, on its height, or not at all.
    Inside,
    /// Right of it, just over it, or not at all.
    Left,
    /// Left of it, over it, lower if taken.
    Right,
    /// Left of it, on its height, or not at all.
    RightInside,
    /// Over a cross on it, or not at all.
    High,
    /// Under a cross on it, or not at all.
    Low,
    /// In the middle of it, or not at all.
    Within,
    /// Right of a time, standing on a height of the plot, or not at all.
    Flat,
    /// Right of it, just under it, or not at all.
    LeftUnder,
}

impl Fit {
    /// Over what speaks for sellers (a high), under what speaks for buyers (a low).
    pub const fn outside(side: Option<Side>) -> Self {
        match side {
            Some(Side::Buy) => Self::LowBelow,
            _ => Self::HighAbove,
        }
    }
}
