//! What a person would like to see of a brain: built every report, from the engine's own state and
//! a conflated subscription to structure (of each symbol only the newest matters here).

use crate::bus::{Bus, Class, Noticed, Subscription};
use crate::protocol::{BrainReport, MarketRow, PositionRow};
use crate::recorder::Recorder;
use aegis_backtest::{Session, control_reports};
use aegis_driver::Driver;
use aegis_types::{
    Nanos, Notice, Position, Side, SymbolId, SymbolTable, Tick, TickBody, Timeframe, Topic,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Hourly prices kept for the change over a day.
const HOURS: usize = 24;

/// Hourly prices of a symbol's last day.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Day {
    hours: [f64; HOURS],
    hour: i64,
    filled: usize,
}

/// Follows prices for the change over 24 h, and builds reports.
pub struct Reports {
    symbols: SymbolTable,
    days: Vec<Day>,
    found: Subscription,
    taken: Vec<Noticed>,
    structure: Vec<String>,
}

impl Reports {
    /// For the symbols of a session.
    pub fn new(session: &Session, bus: &mut Bus) -> Self {
        let symbols = session.symbols.clone();
        let count = symbols.len();
        Self {
            days: vec![Day::default(); count],
            symbols,
            found: bus.subscribe(&[Topic::Structure], Class::Conflated, count),
            taken: Vec::with_capacity(count),
            structure: vec![String::new(); count],
        }
    }

    /// Takes the newest structure of each symbol: `1h bos ↑ 97012.5`.
    fn take_structure(&mut self) {
        self.found.read(&mut self.taken, Duration::ZERO);
        for noticed in self.taken.drain(..) {
            let Notice::Structure { symbol, timeframe, pattern, side, level } = noticed.notice
            else {
                continue;
            };
            let arrow = if side == Side::Buy { '↑' } else { '↓' };
            if let Some(text) = self.structure.get_mut(symbol.index()) {
                *text = format!("{timeframe} {pattern} {arrow} {level}");
            }
        }
    }

    /// The prices of the last day, by symbol.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// Goes on from the prices that an earlier process has followed.
    pub fn restore(&mut self, days: &[Day]) {
        self.days.iter_mut().zip(days).for_each(|(mine, before)| *mine = *before);
    }

    /// Follows a price.
    pub fn tick(&mut self, tick: &Tick) {
        let TickBody::Open { px, .. } = tick.body else { return };
        let Some(day) = self.days.get_mut(tick.symbol.index()) else { return };
        let hour = tick.at.0.div_euclid(Nanos::HOUR.0);
        if day.filled == 0 || hour != day.hour {
            day.hours[hour.rem_euclid(HOURS as i64) as usize] = px.to_f64();
            day.hour = hour;
            day.filled = (day.filled + 1).min(HOURS);
        }
    }

    /// Change since the oldest hour kept, as a ratio.
    fn change(&self, symbol: SymbolId, price: f64) -> f64 {
        let day = &self.days[symbol.index()];
        let oldest = day.hour - day.filled as i64 + 1;
        let then = day.hours[oldest.rem_euclid(HOURS as i64) as usize];
        if then > 0.0 { price / then - 1.0 } else { 0.0 }
    }

    /// The report of now.
    pub fn report<V>(&mut self, driver: &Driver<V>, recorder: &Recorder) -> BrainReport {
        self.take_structure();
        let engine = driver.engine();
        let counts = recorder.tally().counts();
        let markets = self
            .symbols
            .ids()
            .filter_map(|id| {
                let price = engine.last_price(id)?;
                let analysis = engine.analysis(id);
                let last = price.to_f64();
                Some(MarketRow {
                    symbol: self.symbols.name(id).to_owned(),
                    price: price.to_string(),
                    change: self.change(id, last),
                    rsi: analysis.rsi(Timeframe::M15),
                    atr: analysis.atr(Timeframe::M15).map(|atr| atr / last),
                    structure: self.structure[id.index()].clone(),
                })
            })
            .collect();
        BrainReport {
            time_ms: driver.now().as_millis(),
            records: recorder.records(),
            journal: recorder.volume(),
            candles: counts.candles,
            signals: counts.signals,
            trades: counts.trades,
            orders: recorder.orders(),
            tick_to_order_us: recorder.delays().quantiles(),
            wallet: engine.wallet().to_string(),
            equity: engine.equity().to_string(),
            entries: engine.entries_allowed(),
            state: engine.state().to_string(),
            causes: engine.causes().map(|cause| cause.to_string()).collect(),
            controls: control_reports(engine),
            markets,
            positions: engine.positions().map(|p| self.position(p)).collect(),
            news: recorder.news(),
            ..BrainReport::default()
        }
    }

    fn position(&self, position: &Position) -> PositionRow {
        PositionRow {
            symbol: self.symbols.name(position.symbol).to_owned(),
            side: position.side.position_name().to_owned(),
            qty: position.qty.to_string(),
            entry: position.entry_px.to_string(),
            stop: position.stop.to_string(),
            target: position.target.to_string(),
            unrealized: position.unrealized.to_string(),
            confidence: position.confidence,
            protected: position.protected,
        }
    }
}
