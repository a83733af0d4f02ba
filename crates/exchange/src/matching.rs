//! What the data showed of one symbol, and what each price fact does to that symbol's orders.
//!
//! Passes of one price fact, in this order:
//!
//! 1. *adverse*: stops and liquidation, the one nearest to where the price came from first;
//! 2. *limits* that the price went through;
//! 3. *favourable*: targets; not in a candle in which a limit order opened something, because the
//!    target's price may have been there before the position was;
//! 4. *market*: orders that waited for a price (never on a candle, whose prices are all past).
//!
//! Taking orders are worsened by slippage, but only as far as the data allows: inside the candle
//! that is judged, or, at an open, inside the candle that closed just before, because of the coming
//! one nothing but its open is known yet.

use crate::account::Account;
use crate::execution::{self, Execution};
use crate::orders::RestingOrder;
use crate::position::VenuePosition;
use crate::random::{Purpose, draw};
use aegis_types::{Answers, FillReason, Instrument, Nanos, OrderType, Px, Rate, Round, Side};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The price at which a taker sells and the one at which a taker buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touch {
    pub sell: Px,
    pub buy: Px,
}

impl Touch {
    pub(crate) const fn at(px: Px) -> Self {
        Self { sell: px, buy: px }
    }

    pub(crate) const fn taker(self, side: Side) -> Px {
        match side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        }
    }
}

/// What the data has shown of a symbol so far.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Market {
    /// Newest prices; none before the first fact.
    pub touch: Option<Touch>,
    /// Newest mark price, where there is a mark series.
    pub mark: Option<Px>,
    /// Low and high of the candle that closed last.
    pub range: Option<(Px, Px)>,
    /// Instant of the newest open.
    pub opened: Nanos,
    /// That open, as long as it is the newest price.
    pub opened_px: Option<Px>,
    /// Instant of the newest book or trade that is not derived from candles.
    pub quoted: Nanos,
    /// When funding is due by the mark series.
    pub settle_at: Nanos,
    /// The rate that is then due.
    pub settle_rate: Rate,
    /// Minute of the last settlement by the mark series.
    pub settled: Nanos,
}

/// One symbol: its market, its orders, its position.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub market: Market,
    pub leverage: u16,
    pub position: Option<VenuePosition>,
    /// In order of arrival; capacity is allocated once.
    pub orders: Vec<RestingOrder>,
    /// Most orders ever open at once.
    pub orders_most: usize,
    /// Trades so far; the number of the last one.
    pub trades: u64,
    pub instrument: Instrument,
}

impl Market {
    /// Before the first fact.
    pub(crate) const fn new() -> Self {
        Self {
            touch: None,
            mark: None,
            range: None,
            opened: Nanos(i64::MIN),
            opened_px: None,
            quoted: Nanos(i64::MIN),
            settle_at: Nanos::MAX,
            settle_rate: Rate::ZERO,
            settled: Nanos(i64::MIN),
        }
    }
}

impl Desk {
    pub(crate) fn new(instrument: Instrument, leverage: u16, capacity: usize) -> Self {
        let market = Market::new();
        let orders = Vec::with_capacity(capacity);
        Self { market, leverage, position: None, orders, orders_most: 0, trades: 0, instrument }
    }

    /// Nothing here that a price could change.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.orders.is_empty() && self.position.is_none()
    }
}

/// A price fact as the passes see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// The first price of a minute, with the range of prices that were shown beside it.
    Open { px: Px, shown: Option<(Px, Px)> },
    /// Live prices.
    Quote(Touch),
    /// A whole candle.
    Candle { low: Px, high: Px },
    /// A mark price: liquidates, fills nothing else.
    Mark(Px),
}

impl Way {
    /// How far down and up the price went for stops and liquidation.
    pub(crate) fn adverse(self) -> (Px, Px) {
        match self {
            Self::Open { px, .. } | Self::Mark(px) => (px, px),
            Self::Quote(touch) => (touch.sell, touch.buy),
            Self::Candle { low, high } => (low, high),
        }
    }

    /// How far down (for buyers) and up (for sellers) it went for targets and limits.
    pub(crate) fn favourable(self) -> (Px, Px) {
        match self {
            Self::Open { px, .. } | Self::Mark(px) => (px, px),
            Self::Quote(touch) => (touch.buy, touch.sell),
            Self::Candle { low, high } => (low, high),
        }
    }
}

/// What the passes need of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luck {
    pub seed: u64,
    pub slippage_max: Rate,
}

/// One price fact at work on one symbol.
pub(crate) struct Pass<'a> {
    pub desk: &'a mut Desk,
    pub account: &'a mut Account,
    pub answers: &'a mut Answers,
    pub luck: Luck,
    /// Time of the event.
    pub at: Nanos,
    /// Since when the fact's prices held: orders sent later do not profit from them.
    pub since: Nanos,
    /// When the venue saw the fills.
    pub venue_time: Nanos,
    pub way: Way,
    /// Where the price came from.
    pub from: Px,
    /// A position was closed by this fact; reduce-only orders now wait for the engine's cancel.
    pub closed: bool,
    /// Side of the orders that may have opened something in this fact. Inside one candle no order
    /// of the other side profits from them: nobody knows which price came first.
    pub entered: Option<Side>,
}

impl Pass<'_> {
    /// Everything that the fact does.
    pub(crate) fn run(&mut self) {
        self.adverse();
        self.limits();
        match self.way {
            Way::Mark(_) => {}
            Way::Candle { .. } => {
                if self.entered.is_some() {
                    self.adverse();
                } else {
                    self.favourable();
                }
            }
            Way::Open { .. } | Way::Quote(_) => {
                self.favourable();
                self.market();
            }
        }
    }

    fn adverse(&mut self) {
        let (low, high) = self.way.adverse();
        loop {
            let stop = self.nearest(OrderType::StopMarket, |o| o.triggered(low, high));
            let liquidation = self.liquidation_touched(low, high);
            match (stop, liquidation) {
                (None, None) => break,
                (Some((index, _)), None) => self.take(index, FillReason::StopTouched),
                (Some((index, distance)), Some(px)) if distance < self.distance(px) => {
                    self.take(index, FillReason::StopTouched);
                }
                (_, Some(px)) => self.liquidate(px),
            }
        }
    }

    fn favourable(&mut self) {
        let (low, high) = self.way.favourable();
        while let Some((index, _)) =
            self.nearest(OrderType::TakeProfitMarket, |o| o.triggered(low, high))
        {
            self.take(index, FillReason::TargetTouched);
        }
    }

    /// Fills the orders that waited for a price.
    pub(crate) fn market(&mut self) {
        while let Some((index, _)) = self.nearest(OrderType::Market, |_| true) {
            let resting = self.desk.orders.remove(index);
            let side = resting.order.side;
            let base = self.way.adverse();
            let base = if side == Side::Buy { base.1 } else { base.0 };
            let px = self.taker_px(&resting, base, None);
            self.fill(&resting, px, false, FillReason::NextPrice);
        }
    }

    fn limits(&mut self) {
        let (low, high) = self.way.favourable();
        let crossed = |o: &RestingOrder| match (o.order.side, o.fresh) {
            (Side::Buy, true) => low <= o.order.price,
            (Side::Buy, false) => low < o.order.price,
            (Side::Sell, true) => high >= o.order.price,
            (Side::Sell, false) => high > o.order.price,
        };
        let candle = matches!(self.way, Way::Candle { .. });
        loop {
            let entered = self.entered.filter(|_| candle);
            let picks =
                |o: &RestingOrder| entered.is_none_or(|side| side == o.order.side) && crossed(o);
            let Some((index, _)) = self.nearest(OrderType::Limit, picks) else { break };
            let resting = self.desk.orders.remove(index);
            let point = if resting.order.side == Side::Buy { low } else { high };
            let (px, maker) = match self.way {
                // It rested on the way of the price, so it was met at its own price.
                Way::Candle { low, high } => (resting.order.price.clamp(low, high), true),
                _ if resting.fresh => {
                    (self.taker_px(&resting, point, Some(resting.order.price)), false)
                }
                _ => (point, true),
            };
            let reason = if maker { FillReason::LimitThrough } else { FillReason::LimitCrossed };
            self.fill(&resting, px, maker, reason);
        }
        if !matches!(self.way, Way::Candle { .. } | Way::Mark(_)) {
            let (since, at, way) = (self.since, self.at, self.way);
            for resting in &mut self.desk.orders {
                resting.fresh &= !arrived(resting, since, at, way);
            }
        }
    }

    /// The order of a kind that a test picks, nearest to where the price came from, the older one
    /// at equal distance; and the distance.
    fn nearest(
        &self,
        kind: OrderType,
        picks: impl Fn(&RestingOrder) -> bool,
    ) -> Option<(usize, u64)> {
        let mut best: Option<(usize, u64)> = None;
        for (index, resting) in self.desk.orders.iter().enumerate() {
            let order = &resting.order;
            let waits = order.reduce_only && self.closed && self.desk.position.is_none();
            let waits = waits && kind != OrderType::Market;
            if order.kind != kind || waits || !self.counts(resting) || !picks(resting) {
                continue;
            }
            let level = match kind {
                OrderType::Market => self.from,
                OrderType::Limit => order.price,
                OrderType::StopMarket | OrderType::TakeProfitMarket => order.trigger,
            };
            let distance = self.distance(level);
            if best.is_none_or(|(_, nearest)| distance < nearest) {
                best = Some((index, distance));
            }
        }
        best
    }

    /// Was the order there when the fact happened? A stop that came inside a candle is judged
    /// against all of it, to the owner's disadvantage; other orders are not, for the same reason.
    fn counts(&self, resting: &RestingOrder) -> bool {
        match self.way {
            Way::Mark(_) => false,
            Way::Candle { .. } if resting.order.kind == OrderType::StopMarket => true,
            way => arrived(resting, self.since, self.at, way),
        }
    }

    fn distance(&self, px: Px) -> u64 {
        px.raw().abs_diff(self.from.raw())
    }

    /// Fills a triggered order as a taker.
    fn take(&mut self, index: usize, touched: FillReason) {
        let resting = self.desk.orders.remove(index);
        let trigger = resting.order.trigger;
        let base = match self.way {
            Way::Candle { low, high } => trigger.clamp(low, high),
            Way::Open { px, .. } | Way::Mark(px) => px,
            Way::Quote(touch) => touch.taker(resting.order.side),
        };
        let gapped = touched == FillReason::StopTouched && base != trigger;
        let reason = if gapped { FillReason::StopGapped } else { touched };
        let px = self.taker_px(&resting, base, None);
        self.fill(&resting, px, false, reason);
    }

    fn fill(&mut self, resting: &RestingOrder, px: Px, maker: bool, reason: FillReason) {
        let venue_time = match self.way {
            Way::Candle { .. } | Way::Mark(_) => self.venue_time,
            // An order still on its way is filled when it is there.
            Way::Open { .. } | Way::Quote(_) => Nanos(self.venue_time.0.max(resting.arrived_at.0)),
        };
        let how = Execution { px, maker, reason, at: self.at, venue_time };
        let held = self.desk.position.is_some();
        if !resting.order.reduce_only {
            self.entered = self.entered.or(Some(resting.order.side));
        }
        execution::fill(self.desk, self.account, resting, &how, self.answers);
        self.closed |= held && self.desk.position.is_none();
    }

    fn liquidation_touched(&self, low: Px, high: Px) -> Option<Px> {
        // Where there is a mark series, only the mark liquidates.
        if self.desk.market.mark.is_some() && !matches!(self.way, Way::Mark(_)) {
            return None;
        }
        let held = self.desk.position.as_ref()?;
        held.liquidation.filter(|px| match held.side {
            Side::Buy => low <= *px,
            Side::Sell => high >= *px,
        })
    }

    fn liquidate(&mut self, liquidation: Px) {
        let Some(held) = &self.desk.position else { return };
        let side = held.side.opposite();
        let px = match self.way {
            Way::Candle { low, high } => liquidation.clamp(low, high),
            Way::Open { px, .. } => px,
            Way::Quote(touch) => touch.taker(side),
            // The mark is no price that anybody trades at; the newest price shown is.
            Way::Mark(mark) => self.desk.market.touch.map_or(mark, |touch| touch.taker(side)),
        };
        execution::liquidate(self.desk, self.account, px, self.venue_time, self.answers);
        self.closed = true;
    }

    /// `base` worsened by the order's slippage as far as the data showed prices there, and not
    /// beyond `bound`, the price of a limit order.
    fn taker_px(&self, resting: &RestingOrder, base: Px, bound: Option<Px>) -> Px {
        let shown = match self.way {
            Way::Open { shown, .. } => shown,
            Way::Candle { low, high } => Some((low, high)),
            Way::Quote(_) | Way::Mark(_) => None,
        };
        let (side, number) = (resting.order.side, resting.order.id.number);
        let taker = Taker { side, number, base, shown, bound };
        taker.px(self.luck, self.desk.instrument.tick)
    }
}

/// An order that takes, and what the data shows around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub side: Side,
    /// Its number, the key of its draw.
    pub number: u32,
    /// The price it would get without slippage.
    pub base: Px,
    /// Low and high of the prices that were shown.
    pub shown: Option<(Px, Px)>,
    /// The price of a limit order.
    pub bound: Option<Px>,
}

impl Taker {
    /// The base worsened by the order's slippage, as far as prices there were shown.
    pub(crate) fn px(&self, luck: Luck, tick: Px) -> Px {
        let Self { side, number, base, shown, bound } = *self;
        let Some((low, high)) = shown else { return base };
        let slip = draw(luck.seed, number, Purpose::Slippage, luck.slippage_max.raw());
        if slip == 0 {
            return base;
        }
        let round = if side == Side::Buy { Round::Up } else { Round::Down };
        let worse = base
            .shifted(Rate::from_raw(slip * side.sign()))
            .and_then(|px| px.to_grid(tick, round))
            .unwrap_or(base);
        // The worst price between base and `worse` that is in what was shown; else base itself.
        match side {
            Side::Buy => {
                let worse = bound.map_or(worse, |bound| worse.min(bound));
                if high >= base && low <= worse { worse.min(high).max(base) } else { base }
            }
            Side::Sell => {
                let worse = bound.map_or(worse, |bound| worse.max(bound));
                if low <= base && high >= worse { worse.max(low).min(base) } else { base }
            }
        }
    }
}

/// Had the order reached the venue when the fact's prices held? At an open and in a candle the
/// minute decides (a decision on a close is executed at the open of the same instant, its way to
/// the venue being far shorter than the minute); live prices must come after the order.
fn arrived(resting: &RestingOrder, since: Nanos, at: Nanos, way: Way) -> bool {
    match way {
        Way::Quote(_) => resting.arrived_at <= at,
        Way::Open { .. } | Way::Candle { .. } | Way::Mark(_) => resting.sent_at <= since,
    }
}
