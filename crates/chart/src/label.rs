//! Labels: the more important one stays where two would cover each other.

use crate::text;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// Pixels that a character takes on average, and a line.
const CHARACTER: f64 = 6.0;
const LINE: f64 = 11.0;
/// Width of the buckets in which placed labels are looked up.
const BUCKET: f64 = 64.0;

/// Which point of the text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn class(self) -> &'static str {
        match self {
            Self::Start => "ts",
            Self::Middle => "tm",
            Self::End => "te",
        }
    }
}

/// A text at a place of the plot.
#[derive(Clone, Debug)]
pub struct Label {
    /// The smaller, the more important.
    pub priority: u8,
    pub x: f64,
    pub y: f64,
    /// Baseline below `y` by so many pixels.
    pub dy: f64,
    /// Up (−1) or down (+1) when the place is taken; 0: it gives way.
    pub evade: f64,
    pub anchor: Anchor,
    /// It stands at a height of the plot, not at a price.
    pub of_time: bool,
    pub class: String,
    pub text: String,
}

type Rect = [f64; 4];

impl Label {
    fn rect(&self, dy: f64) -> Rect {
        let width = self.text.chars().count() as f64 * CHARACTER;
        let left = match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - width / 2.0,
            Anchor::End => self.x - width,
        };
        [left, self.y + dy - LINE + 2.0, left + width, self.y + dy + 2.0]
    }
}

/// Where something stands already.
struct Taken {
    buckets: Vec<Vec<Rect>>,
    left: f64,
}

impl Taken {
    fn new(left: f64, width: f64) -> Self {
        let count = (((width - left) / BUCKET).clamp(0.0, 1e5)) as usize + 2;
        Self { buckets: vec![Vec::new(); count], left }
    }

    fn span(&self, rect: &Rect) -> core::ops::RangeInclusive<usize> {
        let last = (self.buckets.len() - 1) as f64;
        let bucket = |x: f64| ((x - self.left) / BUCKET).clamp(0.0, last) as usize;
        bucket(rect[0])..=bucket(rect[2])
    }

    fn free(&self, rect: &Rect) -> bool {
        let apart = |other: &Rect| {
            rect[0] >= other[2] || other[0] >= rect[2] || rect[1] >= other[3] || other[1] >= rect[3]
        };
        self.buckets[self.span(rect)].iter().flatten().all(apart)
    }

    fn take(&mut self, rect: Rect) {
        let span = self.span(&rect);
        for bucket in &mut self.buckets[span] {
            bucket.push(rect);
        }
    }
}

/// Writes the labels, the most important first. Those that find no place, or come after
/// `most` others, are left out, or hidden with `hide`.
pub fn write(
    out: &mut String,
    mut labels: Vec<Label>,
    plot: (f64, f64, f64),
    most: u32,
    hide: bool,
) {
    let (left, width, height) = plot;
    labels.sort_by_key(|label| label.priority);
    let mut taken = Taken::new(left, width);
    let mut placed = 0;
    for label in &labels {
        let inside = |rect: &Rect| rect[1] >= -2.0 && rect[3] <= height + 2.0;
        let reach = |rect: &Rect| rect[0] >= left - 2.0 && rect[2] <= width + 2.0;
        let tries = if label.evade == 0.0 { 1 } else { 2 };
        let place = (0..tries)
            .map(|n| label.dy + f64::from(n) * LINE * label.evade)
            .map(|dy| (dy, label.rect(dy)))
            .find(|(_, rect)| inside(rect) && reach(rect) && taken.free(rect))
            .filter(|_| placed < most);
        if let Some((_, rect)) = place {
            taken.take(rect);
            // Those before the window do not crowd out those inside it.
            placed += u32::from(label.x >= 0.0);
        } else if !hide {
            continue;
        }
        out.push_str("<text transform=\"translate(");
        text::coordinate(out, label.x);
        out.push(' ');
        text::coordinate(out, label.y);
        out.push_str(")\" dy=\"");
        text::coordinate(out, place.map_or(label.dy, |(dy, _)| dy));
        let hidden = if place.is_none() { " hid" } else { "" };
        let _ = write!(out, "\" class=\"{} {}{hidden}\">", label.anchor.class(), label.class);
        text::escaped(out, &label.text);
        out.push_str("</text>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(priority: u8, x: f64, y: f64, evade: f64, text: &str) -> Label {
        let (class, text) = (String::from("c"), String::from(text));
        let (dy, anchor, of_time) = (0.0, Anchor::Start, false);
        Label { priority, x, y, dy, evade, anchor, of_time, class, text }
    }

    fn written(labels: Vec<Label>, most: u32, hide: bool) -> String {
        let mut out = String::new();
        write(&mut out, labels, (0.0, 400.0, 300.0), most, hide);
        out
    }

    #[test]
    fn the_more_important_label_stays() {
        let labels = vec![label(5, 10.0, 50.0, 0.0, "less"), label(1, 12.0, 52.0, 0.0, "more")];
        let out = written(labels.clone(), 9, false);
        assert!(out.contains("more") && !out.contains("less"), "{out}");
        let out = written(labels, 9, true);
        assert!(out.contains("hid\">less") && out.contains("ts c\">more"), "{out}");
    }

    #[test]
    fn a_label_that_may_evade_does() {
        let labels = vec![label(1, 10.0, 50.0, -1.0, "one"), label(2, 10.0, 50.0, -1.0, "two")];
        let out = written(labels, 9, false);
        assert!(out.contains("dy=\"0\"") && out.contains("dy=\"-11\""), "{out}");
    }

    #[test]
    fn no_more_than_asked_for_and_none_off_the_plot() {
        let labels = (0..9).map(|n| label(n, 10.0, f64::from(n) * 30.0 + 20.0, 0.0, "x"));
        assert_eq!(written(labels.collect(), 3, false).matches("<text").count(), 3);
        let off = vec![label(0, 399.0, 50.0, 0.0, "long text"), label(0, 5.0, -40.0, 0.0, "x")];
        assert_eq!(written(off, 9, false), "");
    }
}
