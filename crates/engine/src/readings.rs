//! The controls as they can be read: what each allows, how much of it is used, the most that ever
//! was, and how often it has refused.

use crate::machine::Engine;
use aegis_types::{AlertCode, DenialCode, Nanos};
use serde::Serialize;

/// One control as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Control {
    /// Its name, as in `docs/controls.md`.
    pub name: &'static str,
    /// What is used of it; 0 where it is only passed or not.
    pub used: f64,
    /// The most that was ever used.
    pub high_water: f64,
    /// What is allowed; 0 where it is switched off.
    pub limit: f64,
    /// How often it has refused an entry; of a control that acts by itself, how often it has acted.
    pub refused: u64,
}

/// The controls of the engine, with the denials that each gives.
pub const CONTROLS: [(&str, &[DenialCode]); 16] = {
    use DenialCode as Code;
    [
        ("order_size", &[Code::OrderTooLarge, Code::AboveMaximum]),
        ("price_collar", &[Code::PriceCollar, Code::NoReference, Code::CrossedBook]),
        ("repeats", &[Code::Repeated]),
        (
            "positions",
            &[
                Code::AlreadyInPosition,
                Code::SlotsFullNotStronger,
                Code::SlotsFullNotInProfit,
                Code::SlotsFullBusy,
                Code::TableFull,
            ],
        ),
        ("leverage", &[Code::LeverageCap]),
        ("exposure", &[Code::ExposureCap]),
        ("daily_loss", &[Code::DailyLoss]),
        ("drawdown", &[Code::Drawdown]),
        ("trading_state", &[Code::Paused, Code::Halted, Code::Reducing]),
        ("stale_data", &[Code::StaleData, Code::Tainted]),
        ("cool_down", &[Code::CoolDown]),
        ("stop_guard", &[Code::StopGuard]),
        ("recent_drawdown", &[Code::RecentDrawdown]),
        ("low_profit", &[Code::LowProfit]),
        ("stop_deadline", &[]),
        ("unknown_orders", &[]),
    ]
};

const fn seconds(span: Nanos) -> f64 {
    span.0 as f64 / Nanos::SECOND.0 as f64
}

impl<B> Engine<B> {
    /// Every control as it stands now, in the order of [`CONTROLS`].
    pub fn controls(&self) -> [Control; CONTROLS.len()] {
        CONTROLS.map(|(name, codes)| {
            let [used, high_water, limit] = self.reading(name);
            let refused = match name {
                "stop_deadline" => self.controls.alerted(AlertCode::Unprotected),
                "unknown_orders" => self.controls.alerted(AlertCode::OutcomeUnknown),
                _ => self.controls.refused(codes),
            };
            Control { name, used, high_water, limit, refused }
        })
    }

    /// Used, most ever, allowed.
    fn reading(&self, name: &str) -> [f64; 3] {
        let (config, controls, account) = (&self.config, &self.controls, &self.account);
        let protections = &config.protections;
        let cap = self.max_leverage_allowed();
        let [day, fall] = account.losses.known();
        match name {
            "order_size" => {
                [controls.order.last, controls.order.high, config.order_over_equity_max]
            }
            "price_collar" => [controls.collar.last, controls.collar.high, config.price_collar],
            "repeats" => {
                [controls.repeats.last, controls.repeats.high, f64::from(config.repeat_max)]
            }
            "positions" => [
                self.slots_used() as f64,
                account.max_open_positions as f64,
                f64::from(config.positions_max),
            ],
            "leverage" => {
                let open = self.portfolio.slots.iter().filter(|slot| slot.open());
                let used = open.map(|slot| slot.leverage).fold(0.0, f64::max);
                [used, account.max_leverage, cap]
            }
            "exposure" => {
                let equity = self.equity();
                let used =
                    if equity.is_positive() { self.open_notional().ratio_of(equity) } else { 0.0 };
                [used, account.max_exposure, cap]
            }
            "daily_loss" => [day.fraction, account.losses.worst_day, config.daily_loss_max],
            "drawdown" => [fall.fraction, account.losses.worst_fall, config.drawdown_max],
            "trading_state" => [self.causes().count() as f64, self.standing.most(), 0.0],
            "stale_data" => [0.0, 0.0, seconds(config.stale_after)],
            "cool_down" => [0.0, 0.0, seconds(config.cool_down.max(protections.cool_down))],
            "stop_guard" => {
                let allowed = f64::from(protections.stop_guard_stops);
                [self.guard.stops.last, self.guard.stops.high, allowed]
            }
            "recent_drawdown" => {
                let on = protections.drawdown_trades > 0;
                let allowed = if on { protections.drawdown_max } else { 0.0 };
                [self.guard.fall.last, self.guard.fall.high, allowed]
            }
            "low_profit" => {
                let on = protections.low_profit_trades > 0;
                let allowed = if on { -protections.low_profit_min } else { 0.0 };
                [self.guard.loss.last, self.guard.loss.high, allowed]
            }
            "stop_deadline" => {
                let gauge = controls.unprotected;
                [gauge.last, gauge.high, seconds(config.stop_deadline)]
            }
            "unknown_orders" => {
                let unknown = self.portfolio.slots.iter().filter(|slot| slot.unknown()).count();
                [unknown as f64, controls.unknown.high, seconds(config.unknown_alert)]
            }
            _ => [0.0; 3],
        }
    }
}
