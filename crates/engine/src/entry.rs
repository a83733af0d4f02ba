//! From a proposal to an entry, or to the reason why not: the signal, every rule that it must pass
//! in a fixed order, the slot, the leverage, the last look; and the rotation that makes room.

use crate::brain::{self, Brain};
use crate::collar;
use crate::config::SLOTS;
use crate::machine::Engine;
use crate::orders::Timer;
use crate::portfolio::{Role, Room, Rotation, Slot, Stage};
use crate::risk::{self, Levels, Plan, Reject};
use crate::universe::NO_SLOT;
use aegis_learn::Proposal;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    Command, DenialCode, Instrument, Money, Nanos, Notice, OrderReason, Out, Px, Qty, Signal,
    SymbolId,
};

impl<B: Brain> Engine<B> {
    /// The proposal of the last close, if it is a signal.
    pub(crate) fn decide(&mut self, symbol: SymbolId, at: Nanos, out: &mut Out) {
        if at < self.config.trade_from {
            return;
        }
        let Some(proposal) = self.brain.propose(symbol) else { return };
        // Asked so that a NaN is no signal.
        let is_signal = proposal.confidence > self.config.signal_confidence;
        if !is_signal {
            return;
        }
        match self.signal(&proposal, symbol, at) {
            Ok(signal) => {
                out.notice(Notice::Signal(signal));
                self.consider(&signal, at, out);
            }
            Err(reject) => {
                let Proposal { confidence, side, .. } = proposal;
                self.deny_of(symbol, confidence, side, reject, at, out);
            }
        }
    }

    fn signal(&self, proposal: &Proposal, symbol: SymbolId, at: Nanos) -> Result<Signal, Reject> {
        let seen = self.brain.minutes(symbol);
        let needed = u64::from(self.config.warm_up_bars);
        if seen < needed {
            return Err(Reject::new(DenialCode::WarmingUp, seen as f64, needed as f64));
        }
        let (market, instrument) = self.of(symbol)?;
        let made = brain::signal(proposal, symbol, at, self.level, market.last, instrument.tick);
        let mut signal = made.map_err(|_| {
            // Which of the two is no price; the limit is the largest price there is.
            let stop = Px::from_f64(proposal.stop).is_err();
            let measured = if stop { proposal.stop } else { proposal.target };
            Reject::new(DenialCode::OutOfRange, measured, Px::MAX.to_f64())
        })?;
        // What risk would take; where it would take none, the denial says why.
        let levels = levels(&signal, signal.reference);
        let suggested = levels.size(&self.config, self.equity(), instrument.step);
        signal.qty_suggested = suggested.unwrap_or_default().max(Qty::ZERO);
        Ok(signal)
    }

    /// Enters, makes room, or says why not.
    pub(crate) fn consider(&mut self, signal: &Signal, at: Nanos, out: &mut Out) {
        self.measure_losses(out);
        let judged = self.judge(signal, at);
        let done = judged.and_then(|(plan, room)| match room {
            Room::Free => self.enter(signal, &plan, at, out),
            Room::After(victim) => {
                self.rotate(signal, victim, at, out);
                Ok(())
            }
        });
        if let Err(reject) = done {
            self.deny(signal, reject, at, out);
        }
    }

    /// Every rule that a signal must pass, in a fixed order, at this instant's prices.
    fn judge(&mut self, signal: &Signal, at: Nanos) -> Result<(Plan, Room), Reject> {
        self.gates(signal, at)?;
        let (market, instrument) = self.of(signal.symbol)?;
        let levels = levels(signal, market.last);
        let cap = self.max_leverage_allowed();
        let equity = self.equity();
        let plan = risk::plan(&self.config, instrument, &levels, equity, cap)?;
        let max = self.config.positions_max;
        let room = self.portfolio.room(signal.confidence, max, |slot| self.net(slot))?;
        let leaving = match room {
            Room::Free => None,
            Room::After(victim) => Some(victim),
        };
        self.order_size(plan.notional)?;
        let exposure = plan.notional.plus(self.exposure(leaving))?.ratio_of(equity);
        if exposure > cap {
            return Err(Reject::new(DenialCode::ExposureCap, exposure, cap));
        }
        let fees = (plan.notional * instrument.taker_fee)?;
        let needed = plan.margin.plus(fees)?.plus(fees)?;
        let free = self.free_balance(leaving);
        if needed > free {
            let (needed, free) = (needed.to_f64(), free.to_f64());
            return Err(Reject::new(DenialCode::InsufficientMargin, needed, free));
        }
        Ok((plan, room))
    }

    /// The rules that do not depend on the trade's size.
    fn gates(&mut self, signal: &Signal, at: Nanos) -> Result<(), Reject> {
        use DenialCode as Code;
        let reject = |code, measured, limit| Err(Reject::new(code, measured, limit));
        let gate = self.config.risk_gate;
        let passes = signal.confidence > gate;
        if !passes {
            return reject(Code::LowConfidence, signal.confidence, gate);
        }
        self.closed()?;
        self.known(signal.symbol, at)?;
        let (market, _) = self.of(signal.symbol)?;
        if at < market.cool_until {
            return reject(Code::CoolDown, seconds(market.cool_until.since(at)), 0.0);
        }
        if market.slot != NO_SLOT {
            return reject(Code::AlreadyInPosition, 1.0, 0.0);
        }
        if self.account.wallet.is_none() {
            return reject(Code::InsufficientMargin, 0.0, 0.0);
        }
        self.lost()?;
        self.guard.passes(signal.symbol, at)?;
        let (most, window) = (self.config.repeat_max, self.config.repeat_window);
        self.controls.check_repeats(signal.symbol, signal.side, at, most, window)?;
        self.collar(signal, at)
    }

    /// Is what is known of a market new, and whole?
    fn known(&self, symbol: SymbolId, at: Nanos) -> Result<(), Reject> {
        let (market, _) = self.of(symbol)?;
        let age = at.since(market.data_at);
        let stale_after = self.config.stale_after;
        if age > stale_after && !defect::on(Defect::AcceptStale) {
            return Err(Reject::new(DenialCode::StaleData, seconds(age), seconds(stale_after)));
        }
        if market.missing > 0 {
            return Err(Reject::new(DenialCode::Tainted, market.missing as f64, 0.0));
        }
        Ok(())
    }

    /// The price of the entry against mark, last price and book.
    fn collar(&mut self, signal: &Signal, at: Nanos) -> Result<(), Reject> {
        let (market, _) = self.of(signal.symbol)?;
        let distance = collar::check(&self.config, market, signal.side, signal.reference, at)?;
        self.controls.collar.note(distance);
        Ok(())
    }

    /// The notional of a single order, which the sizes do not come near by themselves.
    fn order_size(&self, notional: Money) -> Result<(), Reject> {
        let config = &self.config;
        let most = config.order_notional_max;
        if most.is_positive() && notional > most {
            let (notional, most) = (notional.to_f64(), most.to_f64());
            return Err(Reject::new(DenialCode::OrderTooLarge, notional, most));
        }
        let equity = self.equity();
        let share = notional.ratio_of(equity);
        // Written so that nothing passes on an equity of zero or less.
        if equity.is_positive() && share <= config.order_over_equity_max {
            return Ok(());
        }
        let most = equity.to_f64() * config.order_over_equity_max;
        Err(Reject::new(DenialCode::OrderTooLarge, notional.to_f64(), most))
    }

    /// Takes a slot; the entry leaves at once, or after the venue has confirmed the leverage.
    fn enter(
        &mut self,
        signal: &Signal,
        plan: &Plan,
        at: Nanos,
        out: &mut Out,
    ) -> Result<(), Reject> {
        let mut slot = Slot::of(signal, at);
        slot.planned = plan.qty;
        slot.planned_margin = plan.margin;
        slot.leverage_wanted = plan.leverage;
        slot.stage = Stage::Leverage;
        let full = Reject::new(DenialCode::TableFull, SLOTS as f64, SLOTS as f64);
        let index = self.portfolio.take(slot).ok_or(full)?;
        let Some(market) = self.universe.market_mut(signal.symbol) else { return Err(full) };
        // SLOTS is far below 255.
        market.slot = index as u8;
        let confirmed = market.leverage;
        let used = self.portfolio.used();
        self.account.max_open_positions = self.account.max_open_positions.max(used);
        if confirmed == plan.leverage || defect::on(Defect::TrustLeverage) {
            self.launch(index, at, out);
        } else {
            let (symbol, leverage) = (signal.symbol, plan.leverage);
            out.command(Command::SetLeverage { symbol, leverage });
            let until = at.after(self.config.rotation_lapse);
            out.command(Timer::Leverage.wake(index, until));
        }
        Ok(())
    }

    /// Sends the entry of a slot whose leverage is set, after a last look.
    pub(crate) fn launch(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        let (signal, qty) = (slot.signal, slot.planned);
        let last = self.last_price(signal.symbol).unwrap_or_default();
        self.measure_losses(out);
        match self.last_look(&signal, qty, last, at) {
            Ok(notional) => {
                let over_equity = notional.ratio_of(self.equity());
                self.controls.note_entry(signal.symbol, signal.side, at, over_equity);
                self.portfolio.slots[index].stage = Stage::Live;
                self.send(index, Role::Entry, OrderReason::Entry, qty, out);
                // Two bars: an entry decided on a close fills at the next open, or after a
                // rotation at the one after it.
                let until = at.after(self.config.rotation_lapse.times(2));
                out.command(Timer::Entry.wake(index, until));
            }
            Err(reject) => self.withdraw(index, reject, at, out),
        }
    }

    /// What must hold when an entry leaves, however long ago it was judged: apart from the sizing,
    /// at the price of this moment. The notional at that price.
    fn last_look(
        &mut self,
        signal: &Signal,
        qty: Qty,
        last: Px,
        at: Nanos,
    ) -> Result<Money, Reject> {
        self.closed()?;
        self.known(signal.symbol, at)?;
        self.lost()?;
        risk::last_look(&self.config, &levels(signal, last), qty, self.equity())?;
        let notional = (last * qty)?;
        self.order_size(notional)?;
        self.collar(signal, at)?;
        Ok(notional)
    }

    /// Gives up a slot whose entry has not left.
    pub(crate) fn withdraw(&mut self, index: usize, reject: Reject, at: Nanos, out: &mut Out) {
        let signal = self.portfolio.slots[index].signal;
        self.release(index);
        self.deny(&signal, reject, at, out);
    }

    fn rotate(&mut self, signal: &Signal, victim: usize, at: Nanos, out: &mut Out) {
        let until = at.after(self.config.rotation_lapse);
        self.portfolio.rotation = Some(Rotation { signal: *signal, victim, asked_at: at, until });
        out.command(Timer::Rotation.wake(0, until));
        self.exit(victim, OrderReason::Rotation, out);
    }

    /// The victim's candle has closed and its exit is not filled yet. Closes of one instant come
    /// one after the other, so the rotation may have been decided on a price one candle old: a
    /// victim that is no winner at its own close stays.
    pub(crate) fn reconsider_rotation(&mut self, victim: usize, at: Nanos, out: &mut Out) {
        let Some(rotation) = self.portfolio.rotation.filter(|r| r.victim == victim) else { return };
        let slot = &self.portfolio.slots[victim];
        let net = self.net(slot);
        if net.is_positive() || !slot.order(Role::Exit).live() {
            return;
        }
        self.portfolio.rotation = None;
        self.cancel(victim, Role::Exit, out);
        let reject = Reject::new(DenialCode::SlotsFullNotInProfit, net.to_f64(), 0.0);
        self.deny(&rotation.signal, reject, at, out);
    }

    /// The victim's closing fill has come: the new entry leaves, if it still passes every rule.
    pub(crate) fn complete_rotation(&mut self, victim: usize, at: Nanos, out: &mut Out) {
        if let Some(rotation) = self.portfolio.rotation.take_if(|r| r.victim == victim) {
            self.consider(&rotation.signal, at, out);
        }
    }

    /// The closing fill did not come: the new signal is gone.
    pub(crate) fn lapse_rotation(&mut self, at: Nanos, out: &mut Out) {
        if let Some(rotation) = self.portfolio.rotation.take() {
            let (waited, allowed) =
                (seconds(at.since(rotation.asked_at)), seconds(self.config.rotation_lapse));
            let reject = Reject::new(DenialCode::RotationLapsed, waited, allowed);
            self.deny(&rotation.signal, reject, at, out);
        }
    }

    fn of(&self, symbol: SymbolId) -> Result<(&crate::universe::Market, &Instrument), Reject> {
        let (market, instrument) = (self.universe.market(symbol), self.universe.instrument(symbol));
        let outside =
            Reject::new(DenialCode::OutOfRange, f64::from(symbol.0), self.universe.len() as f64);
        Ok((market.ok_or(outside)?, instrument.ok_or(outside)?))
    }
}

fn levels(signal: &Signal, reference: Px) -> Levels {
    Levels { side: signal.side, reference, stop: signal.stop, target: signal.target }
}

pub(crate) fn seconds(span: Nanos) -> f64 {
    span.0 as f64 / Nanos::SECOND.0 as f64
}
