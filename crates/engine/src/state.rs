//! What the engine may do: ACTIVE, REDUCING or HALTED, and the causes behind it.
//!
//! Only entries ask. Reducing orders and cancels are sent by [`crate::orders`], which knows
//! nothing of this file: so they leave in every state.

use crate::brain::Brain;
use crate::config::SLOTS;
use crate::machine::Engine;
use crate::portfolio::{Role, Stage};
use crate::risk::Reject;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    AlertCode, Cause, Condition, DenialCode, Nanos, Notice, Operator, OrderReason, Out, RiskMemory,
    TradingState,
};
use serde::{Deserialize, Serialize};

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    Active,
    /// Until resumed.
    Paused,
    /// Until a new session.
    Halted,
}

/// A set of causes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Causes(u16);

const _: () = assert!(Cause::ALL.len() <= 16, "a set of causes is 16 bits");

impl Causes {
    const fn bit(cause: Cause) -> u16 {
        1 << cause as u8
    }

    fn set(&mut self, cause: Cause, on: bool) {
        if on {
            self.0 |= Self::bit(cause);
        } else {
            self.0 &= !Self::bit(cause);
        }
    }

    const fn has(self, cause: Cause) -> bool {
        self.0 & Self::bit(cause) != 0
    }

    /// Those that are on, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Cause> {
        Cause::ALL.iter().copied().filter(move |cause| self.has(*cause))
    }
}

/// Mode and causes, and what was last told of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    mode: Mode,
    causes: Causes,
    told: (TradingState, Option<Cause>),
    /// Most causes that were ever on at once.
    most: u8,
}

impl Standing {
    pub const fn new() -> Self {
        Self { mode: Mode::Active, causes: Causes(0), told: (TradingState::Active, None), most: 0 }
    }

    fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.causes.set(Cause::Operator, mode != Mode::Active);
    }

    const fn state(&self) -> TradingState {
        match self.mode {
            Mode::Halted => TradingState::Halted,
            _ if self.causes.0 == 0 => TradingState::Active,
            _ => TradingState::Reducing,
        }
    }

    fn cause(&self) -> Option<Cause> {
        match self.mode {
            Mode::Halted => Some(Cause::Operator),
            _ => self.causes.iter().next(),
        }
    }

    /// Most causes that were ever on at once.
    pub fn most(&self) -> f64 {
        f64::from(self.most)
    }

    /// The first of the causes told from outside that is on.
    fn outside(&self) -> Option<Cause> {
        self.causes.iter().find(|cause| cause.from_outside())
    }
}

impl<B: Brain> Engine<B> {
    /// Why no entry may be made now, as far as operator and conditions decide. The limits on
    /// losses have denials of their own.
    pub(crate) fn closed(&self) -> Result<(), Reject> {
        let standing = &self.standing;
        match standing.mode {
            Mode::Active => {}
            Mode::Paused => return Err(Reject::new(DenialCode::Paused, 1.0, 0.0)),
            Mode::Halted => return Err(Reject::new(DenialCode::Halted, 1.0, 0.0)),
        }
        match standing.outside() {
            Some(_) if defect::on(Defect::IgnoreConditions) => Ok(()),
            None => Ok(()),
            Some(cause) => Err(Reject::new(DenialCode::Reducing, f64::from(cause as u8), 0.0)),
        }
    }

    pub(crate) fn on_operator(&mut self, operator: Operator, at: Nanos, out: &mut Out) {
        let standing = &mut self.standing;
        match (operator, standing.mode) {
            (_, Mode::Halted) => {}
            (Operator::Resume, _) => {
                standing.set_mode(Mode::Active);
                self.account.losses.resume();
            }
            (Operator::Pause | Operator::Flatten, _) => standing.set_mode(Mode::Paused),
            (Operator::Halt, _) => standing.set_mode(Mode::Halted),
        }
        // After a resume the drawdown is measured from here.
        self.measure_losses(out);
        if let Operator::Flatten | Operator::Halt = operator {
            self.stop_entering(operator == Operator::Flatten, at, out);
        }
    }

    pub(crate) fn on_condition(&mut self, condition: Condition, out: &mut Out) {
        let Condition { cause, on, measured, limit } = condition;
        if !cause.from_outside() {
            return;
        }
        let began = on && !self.standing.causes.has(cause);
        self.standing.causes.set(cause, on);
        if let Some(code) = alert_of(cause).filter(|_| began) {
            self.alert(code, None, measured, limit, out);
        }
        self.tell_state(out);
    }

    /// What an earlier session knew. An operator's halt of then is a pause now: it ends by a
    /// resume.
    pub(crate) fn on_memory(&mut self, memory: &RiskMemory, at: Nanos, out: &mut Out) {
        self.account.losses.recall(memory, at);
        if memory.halted && self.standing.mode == Mode::Active {
            self.standing.set_mode(Mode::Paused);
        }
        self.note_losses(out);
    }

    /// Why no entry may be made now, as far as losses decide.
    pub(crate) fn lost(&self) -> Result<(), Reject> {
        let [day, fall] = self.account.losses.known();
        if day.reached {
            let limit = self.config.daily_loss_max;
            return Err(Reject::new(DenialCode::DailyLoss, day.fraction, limit));
        }
        if fall.reached {
            let limit = self.config.drawdown_max;
            return Err(Reject::new(DenialCode::Drawdown, fall.fraction, limit));
        }
        Ok(())
    }

    /// Measures the losses at the present equity, once there is one.
    pub(crate) fn measure_losses(&mut self, out: &mut Out) {
        if self.account.wallet.is_some() {
            let equity = self.equity();
            self.account.losses.of_day(equity, self.config.daily_loss_max);
            self.account.losses.below_peak(equity, self.config.drawdown_max);
        }
        self.note_losses(out);
    }

    /// What is known of the losses decides what the engine may do.
    fn note_losses(&mut self, out: &mut Out) {
        let [day, fall] = self.account.losses.known();
        let (day_max, fall_max) = (self.config.daily_loss_max, self.config.drawdown_max);
        for (cause, code, loss, limit) in [
            (Cause::DailyLoss, AlertCode::DailyLoss, day, day_max),
            (Cause::Drawdown, AlertCode::Drawdown, fall, fall_max),
        ] {
            if loss.reached && !self.standing.causes.has(cause) {
                let in_units = |share: f64| (share * 1e8) as i64;
                self.alert(code, None, in_units(loss.fraction), in_units(limit), out);
            }
            self.standing.causes.set(cause, loss.reached);
        }
        self.tell_state(out);
    }

    /// Says what the engine may do, if that is not what was said last.
    pub(crate) fn tell_state(&mut self, out: &mut Out) {
        let standing = &mut self.standing;
        let (state, cause) = (standing.state(), standing.cause());
        standing.most = standing.most.max(standing.causes.0.count_ones() as u8);
        if standing.told != (state, cause) {
            standing.told = (state, cause);
            out.notice(Notice::Trading { state, cause });
        }
    }

    /// Withdraws what has not left, cancels what has not filled, and flattens if asked.
    fn stop_entering(&mut self, flatten: bool, at: Nanos, out: &mut Out) {
        let halted = self.standing.mode == Mode::Halted;
        let code = if halted { DenialCode::Halted } else { DenialCode::Paused };
        let reject = Reject::new(code, 1.0, 0.0);
        if let Some(rotation) = self.portfolio.rotation.take() {
            self.deny(&rotation.signal, reject, at, out);
        }
        for index in 0..SLOTS {
            let slot = &mut self.portfolio.slots[index];
            match slot.stage {
                Stage::Free | Stage::Draining | Stage::Dust => {}
                Stage::Leverage => self.withdraw(index, reject, at, out),
                Stage::Live => {
                    if flatten {
                        slot.doomed = Some(OrderReason::Flatten);
                    }
                    self.cancel(index, Role::Entry, out);
                    self.tend(index, at, out);
                }
            }
        }
    }
}

impl<B> Engine<B> {
    /// What it may do.
    pub const fn state(&self) -> TradingState {
        self.standing.state()
    }

    /// What the next session must know so that a restart forgives no loss: given to it as its
    /// first input, [`EventBody::Memory`](aegis_types::EventBody::Memory).
    pub fn risk_memory(&self) -> RiskMemory {
        self.account.losses.memory(self.standing.mode == Mode::Halted)
    }

    /// Why no entries are made: every cause that is on.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        self.standing.causes.iter()
    }

    /// Neither paused nor halted, and no cause is on.
    pub fn entries_allowed(&self) -> bool {
        self.state() == TradingState::Active
    }
}

/// The alert that the beginning of a cause is worth.
const fn alert_of(cause: Cause) -> Option<AlertCode> {
    match cause {
        Cause::UserStream => Some(AlertCode::UserStream),
        Cause::Clock => Some(AlertCode::Clock),
        Cause::Connection => Some(AlertCode::Connection),
        Cause::Foreign => Some(AlertCode::Foreign),
        Cause::Mismatch => Some(AlertCode::Mismatch),
        Cause::Storage => Some(AlertCode::Storage),
        Cause::Leverage => Some(AlertCode::LeverageDiffers),
        // It follows from an alert that was told already.
        Cause::Alert => None,
        Cause::Operator | Cause::DailyLoss | Cause::Drawdown => None,
    }
}
