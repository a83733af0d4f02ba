//! Boxes that live for a while: gaps, imbalances, balanced ranges, blocks.

use crate::canvas::{Canvas, Fit, Ink, Plane};
use crate::options::Layer;
use aegis_smc::{Event, Kind, Of};
use aegis_types::{Bar, Side};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Gap,
    InverseGap,
    VolumeImbalance,
    Balanced,
    Block,
    Breaker,
    Mitigation,
    Opening,
}

/// A zone and its life.
#[derive(Clone, Copy, Debug)]
struct Zone {
    what: What,
    of: Of,
    side: Option<Side>,
    /// The bar that it is about; of a zone that was another before: the bar that turned it.
    pos: u32,
    /// When it became knowable.
    at: u32,
    near: f64,
    far: f64,
    amount: f64,
    touched: Option<u32>,
    halved: Option<u32>,
    ended: Option<u32>,
}

/// What a zone's later events know it by.
type Key = (What, Of, Option<Side>, u32);

#[derive(Default)]
struct Book {
    zones: Vec<Zone>,
    open: BTreeMap<Key, usize>,
}

impl Book {
    /// A zone forms; `from` is the bar at which its box begins.
    fn form(&mut self, what: What, event: &Event, from: u32) {
        let key = (what, event.of, event.side, event.pos);
        let (near, far) = (event.level, event.far);
        let same = |at: &usize| self.zones[*at].near == near && self.zones[*at].far == far;
        if self.open.get(&key).is_some_and(same) {
            return;
        }
        self.open.insert(key, self.zones.len());
        let &Event { at, of, side, amount, .. } = event;
        let none = None;
        let zone = Zone {
            what,
            of,
            side,
            pos: from,
            at,
            near,
            far,
            amount,
            touched: none,
            halved: none,
            ended: none,
        };
        self.zones.push(zone);
    }

    fn find(&mut self, what: What, event: &Event) -> Option<&mut Zone> {
        let at = self.open.get(&(what, event.of, event.side, event.pos))?;
        self.zones.get_mut(*at)
    }

    fn touch(&mut self, what: What, event: &Event) {
        if let Some(zone) = self.find(what, event) {
            zone.touched.get_or_insert(event.at);
        }
    }

    fn end(&mut self, what: What, event: &Event) {
        if let Some(zone) = self.find(what, event) {
            zone.ended.get_or_insert(event.at);
        }
    }

    /// The zone of the other side ends, and is another one from here.
    fn turn(&mut self, from: What, to: What, event: &Event) {
        let old = Event { side: event.side.map(Side::opposite), ..*event };
        self.end(from, &old);
        self.open.remove(&(from, old.of, old.side, old.pos));
        self.form(to, event, event.at);
        if let (Some(block), Some(zone)) = (self.amount(from, &old), self.zones.last_mut()) {
            zone.amount = block;
        }
    }

    fn amount(&self, what: What, event: &Event) -> Option<f64> {
        let same = |zone: &&Zone| {
            (zone.what, zone.of, zone.side, zone.ended)
                == (what, event.of, event.side, Some(event.at))
        };
        self.zones.iter().rev().find(same).map(|zone| zone.amount)
    }

    /// Two gaps in a row are one: its box begins with the first.
    fn join(&mut self, event: &Event) {
        let first = event.pos.checked_sub(1).and_then(|before| {
            let at = self.open.remove(&(What::Gap, event.of, event.side, before))?;
            // An empty life: never drawn.
            self.zones[at].ended = Some(self.zones[at].pos);
            Some(self.zones[at].pos)
        });
        self.form(What::Gap, event, first.unwrap_or(event.pos));
    }

    fn read(&mut self, event: &Event) {
        match event.kind {
            Kind::FvgFormed => self.form(What::Gap, event, event.pos),
            Kind::FvgJoined => self.join(event),
            Kind::FvgTouched => self.touch(What::Gap, event),
            Kind::FvgHalved => {
                if let Some(zone) = self.find(What::Gap, event) {
                    zone.halved.get_or_insert(event.at);
                }
            }
            Kind::FvgFilled => self.end(What::Gap, event),
            Kind::FvgInverted => self.turn(What::Gap, What::InverseGap, event),
            Kind::FvgRetested => self.touch(What::InverseGap, event),
            Kind::FvgReclaimed => self.end(What::InverseGap, event),
            Kind::VolumeImbalance => self.form(What::VolumeImbalance, event, event.pos),
            Kind::VolumeImbalanceFilled => self.end(What::VolumeImbalance, event),
            Kind::BalancedRange => self.form(What::Balanced, event, event.pos),
            Kind::BalancedRangeInvalidated => self.end(What::Balanced, event),
            Kind::ObFormed => self.form(What::Block, event, event.pos),
            // LuxAlgo's word for the end.
            Kind::ObMitigated if event.of == Of::Lux => self.end(What::Block, event),
            Kind::ObMitigated => self.touch(What::Block, event),
            Kind::ObRetested => {
                for what in [What::Breaker, What::Mitigation] {
                    self.touch(what, event);
                }
            }
            Kind::ObBreaker => self.turn(What::Block, What::Breaker, event),
            Kind::ObMitigation => self.turn(What::Block, What::Mitigation, event),
            Kind::ObInvalidated => {
                for what in [What::Block, What::Breaker, What::Mitigation] {
                    self.end(what, event);
                }
            }
            Kind::OpeningGap => self.form(What::Opening, event, event.pos),
            Kind::OpeningGapFilled => self.end(What::Opening, event),
            _ => {}
        }
    }
}

impl Zone {
    fn layer(&self) -> Layer {
        match self.what {
            What::Gap | What::InverseGap => Layer::Gaps,
            What::VolumeImbalance | What::Balanced => Layer::Imbalances,
            What::Opening => Layer::OpeningGaps,
            _ if self.of == Of::Lux => Layer::Lux,
            _ if self.of == Of::Internal => Layer::Internal,
            _ => Layer::Blocks,
        }
    }

    const fn class(&self) -> &'static str {
        match self.what {
            What::Gap => "fvg",
            What::InverseGap if self.ended.is_some() => "ifvg past",
            What::InverseGap => "ifvg",
            What::VolumeImbalance => "vi",
            What::Balanced => "bpr",
            What::Block => "ob",
            What::Breaker => "breaker",
            What::Mitigation => "mitigation",
            What::Opening => "opening",
        }
    }

    /// The class after the first touch: the same, and `tested`.
    const fn tested(&self) -> &'static str {
        match self.what {
            What::Gap => "fvg tested",
            What::InverseGap if self.ended.is_some() => "ifvg past tested",
            What::InverseGap => "ifvg tested",
            What::Breaker => "breaker tested",
            What::Mitigation => "mitigation tested",
            _ => "ob tested",
        }
    }

    fn words(&self) -> String {
        match (self.what, self.of) {
            (What::Gap, _) => "FVG".into(),
            (What::InverseGap, _) => "iFVG".into(),
            (What::VolumeImbalance, _) => "VI".into(),
            (What::Balanced, _) => "BPR".into(),
            (What::Block, _) if self.amount > 0.0 => {
                format!("OB {}", crate::text::volume(self.amount))
            }
            (What::Block, _) => "OB".into(),
            (What::Breaker, _) => "BB".into(),
            (What::Mitigation, _) => "MB".into(),
            (What::Opening, Of::Week) => "NWOG".into(),
            (What::Opening, _) => "NDOG".into(),
        }
    }

    /// When it ended: by its event, or by the close that went through a zone whose detector had
    /// forgotten it.
    fn end(&self, bars: &[Bar]) -> Option<u32> {
        if self.ended.is_some() {
            return self.ended;
        }
        let side = self.side?;
        let since = self.at.saturating_add(1);
        let after = bars.get(since as usize..)?;
        let through = |bar: &Bar| match side {
            Side::Buy => bar.close() < self.far,
            Side::Sell => bar.close() > self.far,
        };
        let steps = after.iter().position(through)?;
        Some(since + steps as u32)
    }

    /// How many of its kind and side reach to the right edge while they live.
    const fn reach(&self) -> usize {
        match self.what {
            What::Gap | What::Opening => 3,
            What::Block if !matches!(self.of, Of::Internal) => 3,
            What::Block | What::InverseGap => 2,
            _ => 1,
        }
    }

    const fn priority(&self) -> u8 {
        match self.what {
            What::Breaker | What::Mitigation | What::Block => 3,
            What::Gap | What::InverseGap | What::Opening => 5,
            What::Balanced => 6,
            What::VolumeImbalance => 8,
        }
    }
}

/// Bars that a zone is drawn for that lives, but is not among the nearest of its kind and side.
const STUB: u32 = 20;

/// Draws every zone that lived within the window.
pub fn draw(canvas: &mut Canvas, events: &[Event]) {
    let mut book = Book::default();
    for event in events {
        book.read(event);
    }
    let bars = canvas.bars;
    for zone in &mut book.zones {
        zone.ended = zone.end(bars);
    }
    let zones = book.zones;
    let same_box = |one: &Zone, two: &Zone| {
        (one.what, one.side, one.pos, one.at) == (two.what, two.side, two.pos, two.at)
    };
    let far = distant(&zones, bars.last().map_or(0.0, Bar::close));
    for (n, zone) in zones.iter().enumerate() {
        // What both trackers say is drawn once.
        let said = |other: &Zone| other.of == Of::Swing && same_box(zone, other);
        let swing = canvas.has(Layer::Blocks) && zone.of == Of::Internal;
        let before = zone.ended.is_some_and(|end| end < canvas.scale.first);
        if !canvas.has(zone.layer()) || zone.ended == Some(zone.pos) || before {
            continue;
        }
        if swing && zones.iter().any(said) {
            continue;
        }
        let stub = far[n].then(|| zone.at.saturating_add(STUB));
        paint(canvas, &Zone { ended: zone.ended.or(stub), ..*zone });
    }
}

/// Which zones are alive but not among the nearest of their kind to the last price.
fn distant(zones: &[Zone], last: f64) -> Vec<bool> {
    let mut far = alloc::vec![false; zones.len()];
    let mut alive: BTreeMap<(What, Of, Option<Side>), Vec<usize>> = BTreeMap::new();
    for (n, zone) in zones.iter().enumerate().filter(|(_, zone)| zone.ended.is_none()) {
        alive.entry((zone.what, zone.of, zone.side)).or_default().push(n);
    }
    for mut kind in alive.into_values() {
        kind.sort_by(|one, two| {
            let distance = |n: &usize| (zones[*n].near - last).abs();
            distance(one).total_cmp(&distance(two))
        });
        let nearest = kind.first().map_or(0, |n| zones[*n].reach());
        for n in kind.into_iter().skip(nearest) {
            far[n] = true;
        }
    }
    far
}

fn paint(canvas: &mut Canvas, zone: &Zone) {
    let end = zone.ended;
    let ink = Ink::new(zone.layer(), zone.class(), zone.side);
    let prices = (zone.near, zone.far);
    // Fresh until the first touch; fainter afterwards.
    let touched = zone.touched.filter(|at| end.is_none_or(|end| *at < end));
    let mut place = None;
    if let Some(touched) = touched {
        let tested = Ink::new(zone.layer(), zone.tested(), zone.side);
        place = canvas.rect(Plane::Zones, tested, (touched, end), prices);
    }
    let fresh = canvas.rect(Plane::Zones, ink, (zone.pos, touched.or(end)), prices);
    let place = match (fresh, place) {
        (Some(fresh), Some(tested)) => Some([fresh[0], fresh[1], tested[2], fresh[3]]),
        (fresh, tested) => fresh.or(tested),
    };
    let Some([left, upper, right, lower]) = place else { return };
    if matches!(zone.what, What::Gap | What::InverseGap | What::Opening) {
        let middle = zone.near.midpoint(zone.far);
        let encroached = Ink::new(zone.layer(), "ce", zone.side);
        canvas.level(Plane::Zones, encroached, (zone.pos, zone.halved.or(end)), middle);
    }
    let words = zone.words();
    let height = lower - upper;
    let wide = right - left >= words.len() as f64 * 6.0 + 16.0;
    let live = end.is_none();
    // A short or thin zone is a common one: its colour says what it is.
    let common = matches!(zone.what, What::InverseGap | What::VolumeImbalance | What::Balanced);
    if !live && (common || !canvas.scripted && (!wide || height < 4.0)) {
        return;
    }
    let priority = zone.priority() + u8::from(!live);
    let inside = height >= 9.0;
    let y = if inside { upper.max(0.0).midpoint(lower.min(canvas.scale.bottom)) } else { upper };
    // Between its bar and the one that ended it a zone is mostly free of candles.
    let left = if canvas.scripted { left } else { left.max(0.0) };
    let (x, fit) = match (live, inside) {
        (true, true) => (right, Fit::RightInside),
        (true, false) => (right, Fit::Right),
        (false, true) => (left.midpoint(right), Fit::Within),
        (false, false) => (left.midpoint(right), Fit::Centre),
    };
    canvas.label(ink, priority + u8::from(!inside), (x, y), fit, &words);
}
