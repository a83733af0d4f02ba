//! The case for one side: what speaks for it now, component by component.
//!
//! Everything is read as the side sees it ([`View::price`]), so the case for a long in a market is
//! the case for a short in the same market upside down. Each component is a value from 0 (nothing
//! speaks for the side) to 1; it never speaks against. What speaks against the side is the case for
//! the other one.

use crate::analysis::Analysis;
use crate::config::Config;
use crate::frame::{Frame, Mark};
use aegis_smc::{Bounded, Session, View, Zone, ZoneState, kill_zone_at};
use aegis_types::{Component, List, Nanos, REASONS_MAX, Reason, Side, Timeframe};

type Zones = Bounded<Zone>;

/// The timeframes in which setups form.
const SETUP: [Timeframe; 2] = [Timeframe::M5, Timeframe::M15];

/// RSI at which a long has no room left, and at which it has all of it (mirrored for shorts).
const RSI_ROOM: (f64, f64) = (70.0, 30.0);

/// One side of one symbol, now.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub analysis: &'a Analysis,
    pub config: &'a Config,
    pub side: Side,
}

impl Case<'_> {
    /// Confidence and its reasons, which add up to it exactly, first to last.
    pub fn weigh(&self) -> (f64, List<Reason, REASONS_MAX>) {
        let mut confidence = 0.0;
        let mut reasons = List::new();
        let weights = self.config.weights.all();
        for (component, weight) in Component::ALL.iter().copied().zip(weights) {
            // A component with no weight is not looked at.
            let value = if weight > 0.0 { self.value(component) } else { 0.0 };
            // Weights beyond a sum of 1 cannot take the confidence beyond 1.
            let adds = (weight * value).min(1.0 - confidence);
            confidence += adds;
            if adds > 0.0 {
                // There are fewer components than places.
                let _ = reasons.push(Reason { component, adds });
            }
        }
        (confidence, reasons)
    }

    /// 0..=1: how much a component speaks for this side.
    fn value(&self, component: Component) -> f64 {
        match component {
            Component::Base => 1.0,
            Component::HigherTimeframe => self.higher_timeframe(),
            Component::Structure => self.structure(),
            Component::LiquiditySweep => self.sweep().map_or(0.0, |(_, value)| value),
            Component::StructureShift => self.structure_shift(),
            Component::Displacement => self.displacement(),
            Component::FairValueGap => self.nearness(|frame, side| {
                [frame.detector.gaps(side).zones(), frame.detector.inverse_gaps(side)]
            }),
            // What was broken of the other side speaks for this one.
            Component::OrderBlock => self.nearness(|frame, side| {
                let other = frame.detector.blocks(side.opposite());
                [frame.detector.blocks(side).zones(), other.turned()]
            }),
            Component::DealingRange => self.dealing_range(),
            Component::OptimalEntry => self.optimal_entry(),
            Component::OpposingLiquidity => self.opposing_liquidity(),
            Component::Momentum => self.momentum(),
            Component::Rsi => self.rsi(),
            Component::Volume => self.volume(),
            Component::KillZone => self.kill_zone(),
        }
    }

    /// A price as this side sees it.
    #[inline]
    pub fn seen(&self, price: f64) -> f64 {
        View::price(price, self.side)
    }

    /// The last price as this side sees it.
    #[inline]
    pub fn price(&self) -> f64 {
        self.seen(self.analysis.price())
    }

    fn frame(&self, timeframe: Timeframe) -> &Frame {
        self.analysis.frame(timeframe)
    }

    fn trend(&self, timeframe: Timeframe) -> f64 {
        let trend = self.frame(timeframe).detector.structure().trend();
        if trend == Some(self.side) { 1.0 } else { 0.0 }
    }

    fn beyond_ema(&self, timeframe: Timeframe) -> f64 {
        let ema = self.frame(timeframe).ema();
        if ema.is_some_and(|ema| self.price() > self.seen(ema)) { 1.0 } else { 0.0 }
    }

    /// How many of three agree: 1h structure, price beyond the 1h EMA, the bias of the day.
    fn higher_timeframe(&self) -> f64 {
        let bias = self.frame(Timeframe::M5).detector.clock().bias();
        let bias = if bias == Some(self.side) { 1.0 } else { 0.0 };
        (self.trend(Timeframe::H1) + self.beyond_ema(Timeframe::H1) + bias) / 3.0
    }

    /// How many of two agree: the structure of 15m and of 5m.
    fn structure(&self) -> f64 {
        (self.trend(Timeframe::M15) + self.trend(Timeframe::M5)) / 2.0
    }

    fn structure_shift(&self) -> f64 {
        let broke = SETUP.iter().filter_map(|tf| self.frame(*tf).marks(self.side).broke);
        let window = self.config.retest_window_minutes;
        broke.map(|mark| self.fading(&mark, window) * mark.strength).fold(0.0, f64::max)
    }

    /// The sweep that counts most, and how much: longer timeframes more, old ones less.
    pub fn sweep(&self) -> Option<(Mark, f64)> {
        let window = self.config.sweep_window_minutes;
        let mut best: Option<(Mark, f64)> = None;
        let worth = &self.config.worth;
        for (timeframe, worth) in [
            (Timeframe::H1, 1.0),
            (Timeframe::M15, worth.sweep_15m),
            (Timeframe::M5, worth.sweep_5m),
        ] {
            if let Some(mark) = self.frame(timeframe).marks(self.side).sweep {
                let value = worth * self.fading(&mark, window);
                // A sweep whose extreme was passed again protects nothing.
                let holds = self.price() > self.seen(mark.far);
                if value > 0.0 && holds && best.is_none_or(|(_, most)| value > most) {
                    best = Some((mark, value));
                }
            }
        }
        best
    }

    fn displacement(&self) -> f64 {
        let window = self.config.retest_window_minutes;
        let seen = SETUP.iter().filter_map(|tf| self.frame(*tf).marks(self.side).displacement);
        seen.map(|mark| self.fading(&mark, window) * mark.strength).fold(0.0, f64::max)
    }

    /// 1 inside a usable zone of this side, falling to 0 at one ATR of 15m above it.
    fn nearness<'b>(&'b self, zones: impl Fn(&'b Frame, Side) -> [&'b Zones; 2]) -> f64 {
        let Some(atr) = self.frame(Timeframe::M15).detector.atr().filter(|atr| *atr > 0.0) else {
            return 0.0;
        };
        let price = self.price();
        let mut nearest = f64::INFINITY;
        for timeframe in SETUP {
            for zone in zones(self.frame(timeframe), self.side).into_iter().flat_map(|z| z.iter()) {
                if zone.state != ZoneState::Filled && price > zone.far {
                    nearest = nearest.min((price - zone.near).max(0.0));
                }
            }
        }
        (1.0 - nearest / atr).max(0.0)
    }

    /// How deep in the cheap half of the dealing range: 0 from equilibrium on, 1 at its far end.
    fn dealing_range(&self) -> f64 {
        let ranges = [Timeframe::H1, Timeframe::M15].map(|tf| self.frame(tf).detector.range());
        let position = |price| ranges.iter().find_map(|range| range.position(price));
        let Some(position) = position(self.analysis.price()) else { return 0.0 };
        let from_cheap_end = if self.side == Side::Buy { position } else { 1.0 - position };
        (1.0 - 2.0 * from_cheap_end).clamp(0.0, 1.0)
    }

    /// 1 at the ideal price of the optimal trade entry of the last 15m leg towards this side,
    /// falling to 0 at either end of its zone.
    fn optimal_entry(&self) -> f64 {
        let ote = self.frame(Timeframe::M15).detector.swing().ote();
        let (Some(leg), Some([shallow, ideal, deep])) = (ote.leg(), ote.zone()) else {
            return 0.0;
        };
        let price = self.price();
        if leg.side != self.side || price > shallow || price < deep {
            return 0.0;
        }
        let (away, end) = if price > ideal {
            (price - ideal, shallow - ideal)
        } else {
            (ideal - price, ideal - deep)
        };
        if end > 0.0 { 1.0 - away / end } else { 1.0 }
    }

    /// 1 when liquidity of the other side lies between the least and the full target, less the
    /// further beyond it the nearest lies, 0 without any.
    fn opposing_liquidity(&self) -> f64 {
        let Some(risk) = self.risk(None) else { return 0.0 };
        let full = self.config.target_r * risk;
        match self.nearest_opposing(self.config.target_r_min * risk) {
            Some(distance) if distance > full => full / distance,
            Some(_) => 1.0,
            None => 0.0,
        }
    }

    /// Distance to the nearest untaken liquidity of the other side, at least `least` away: swings
    /// and pools of 15m and 1h, extremes of the previous day and week.
    pub fn nearest_opposing(&self, least: f64) -> Option<f64> {
        let opposite = self.side.opposite();
        let price = self.price();
        let mut nearest = None;
        let mut see = |distance: f64| {
            if distance >= least && nearest.is_none_or(|nearest| distance < nearest) {
                nearest = Some(distance);
            }
        };
        for timeframe in [Timeframe::M15, Timeframe::H1] {
            // The other side sees prices upside down: above is below.
            let liquidity = self.frame(timeframe).detector.liquidity(opposite);
            if let Some(level) = liquidity.nearest_below(-price, least) {
                see(-level - price);
            }
        }
        let periods = self.frame(Timeframe::M5).detector.clock().periods();
        for period in [periods.day(), periods.week()] {
            if let Some(level) = period.prior(opposite).filter(|level| !level.broken) {
                see(self.seen(level.price) - price);
            }
        }
        nearest
    }

    /// Distance from the price to a stop beyond what proves the idea wrong: the swept extreme and
    /// the far edge of `zone`. None when that is too far away.
    pub fn risk(&self, zone: Option<Mark>) -> Option<f64> {
        let config = self.config;
        let quarter = self.analysis.atr(Timeframe::M15)?;
        // Over four times the time a price moves twice as far: stands in until 1h is warm.
        let hour = self.analysis.atr(Timeframe::H1).unwrap_or(2.0 * quarter);
        let price = self.price();
        let swept = self.sweep().map(|(mark, _)| self.seen(mark.far));
        let behind = zone.map(|mark| self.seen(mark.far));
        let wrong = swept.into_iter().chain(behind).fold(price, f64::min);
        let least = config.stop_min_atr * hour;
        let risk = (price - wrong + config.stop_buffer_atr * quarter).max(least);
        (risk > 0.0 && risk <= config.stop_max_atr * hour).then_some(risk)
    }

    fn kill_zone(&self) -> f64 {
        let worth = &self.config.worth;
        match kill_zone_at(self.analysis.now()) {
            Some(Session::Asia) => worth.asia,
            Some(Session::LondonOpen) => worth.london_open,
            Some(Session::NewYorkOpen) => worth.new_york,
            Some(Session::LondonClose) => worth.london_close,
            _ => worth.no_kill_zone,
        }
    }

    fn momentum(&self) -> f64 {
        self.frame(Timeframe::M5).momentum().map_or(0.0, |m| self.seen(m).max(0.0))
    }

    fn rsi(&self) -> f64 {
        let Some(rsi) = self.frame(Timeframe::M15).rsi() else { return 0.0 };
        let rsi = if self.side == Side::Buy { rsi } else { 100.0 - rsi };
        ((RSI_ROOM.0 - rsi) / (RSI_ROOM.0 - RSI_ROOM.1)).clamp(0.0, 1.0)
    }

    fn volume(&self) -> f64 {
        self.frame(Timeframe::M5).volume_ratio().map_or(0.0, |ratio| (ratio - 1.0).clamp(0.0, 1.0))
    }

    /// 1 for a mark of this minute, falling to 0.5 at the end of the window and 0 after it.
    fn fading(&self, mark: &Mark, window_minutes: u32) -> f64 {
        let age = self.analysis.now().since(mark.at).0 as f64;
        let window = Nanos::MINUTE.times(i64::from(window_minutes.max(1))).0 as f64;
        if age > window { 0.0 } else { 1.0 - 0.5 * age / window }
    }

    /// Did this happen on the minute just read?
    pub fn just_now(&self, mark: Option<Mark>) -> Option<Mark> {
        mark.filter(|mark| mark.at == self.analysis.now())
    }

    /// Is this within so many minutes?
    pub fn within(&self, mark: Option<Mark>, minutes: u32) -> Option<Mark> {
        let window = Nanos::MINUTE.times(i64::from(minutes));
        mark.filter(|mark| self.analysis.now().since(mark.at) <= window)
    }
}
