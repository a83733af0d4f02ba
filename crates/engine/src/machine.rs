//! The engine itself: what each event does, how a proposal becomes an entry, and what can be asked.

use crate::account::Account;
use crate::brain::{self, Brain, Teacher};
use crate::config::{EngineConfig, EngineError, SLOTS};
use crate::orders::{Orders, RECENT_FILLS, RECENT_ORDERS, Timer};
use crate::portfolio::{Portfolio, Role, Room, Rotation, Slot, Stage};
use crate::risk::{self, Levels, Plan, Reject};
use crate::state::Standing;
use crate::universe::{NO_SLOT, Universe};
use aegis_learn::{Analysis, Found, Proposal};
use aegis_types::{
    AccountUpdate, Candle, Command, Denial, DenialCode, Event, EventBody, Instrument, Level, Money,
    Nanos, Notice, OrderReason, Out, Position, Px, Qty, Signal, SymbolId, Tick, TickBody,
};
use serde::{Deserialize, Serialize};

/// A fixed-capacity table: name, entries in use, most ever in use, capacity.
pub type Capacity = (&'static str, usize, usize, usize);

/// The state machine. `B` forms the proposals; the one that trades is [`Teacher`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine<B = Teacher> {
    /// No part of what is written down: see [`Engine::restore`].
    #[serde(skip)]
    pub(crate) config: EngineConfig,
    pub(crate) level: Level,
    pub(crate) standing: Standing,
    pub(crate) brain: B,
    pub(crate) universe: Universe,
    pub(crate) portfolio: Portfolio,
    pub(crate) account: Account,
    pub(crate) orders: Orders,
    late_candles: u64,
}

impl Engine {
    /// An engine with the teacher, for instruments in the order of their ids.
    ///
    /// # Errors
    /// [`EngineError`] with every violation of the configuration, or what is wrong with the
    /// instruments.
    pub fn new(config: EngineConfig, instruments: &[Instrument]) -> Result<Self, EngineError> {
        let teacher = Teacher::new(instruments.len(), &config.learn);
        Self::with_brain(config, instruments, teacher)
    }

    /// What is known of a symbol's market.
    ///
    /// # Panics
    /// When the id is not of this session.
    pub fn analysis(&self, symbol: SymbolId) -> &Analysis {
        self.brain.analysis(symbol)
    }
}

impl<B: Brain> Engine<B> {
    /// An engine with a brain of your own.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_brain(
        config: EngineConfig,
        instruments: &[Instrument],
        brain: B,
    ) -> Result<Self, EngineError> {
        config.check().map_err(EngineError::Config)?;
        Ok(Self {
            universe: Universe::new(instruments)?,
            portfolio: Portfolio::new(),
            account: Account::new(),
            orders: Orders::new(config.session),
            level: Level::Teacher,
            standing: Standing::new(),
            late_candles: 0,
            config,
            brain,
        })
    }

    /// Takes one event; puts what it causes into `out`. Never allocates.
    #[inline]
    pub fn apply(&mut self, event: &Event, out: &mut Out) {
        let at = event.at;
        match &event.body {
            EventBody::Market(tick) => self.on_market(at, tick, out),
            EventBody::Order { id, symbol, update } => {
                self.on_order(*id, *symbol, update, at, out);
            }
            EventBody::Account(update) => self.on_account(update, at, out),
            EventBody::Timer { id } => self.on_timer(*id, at, out),
            EventBody::Operator(operator) => self.on_operator(*operator, at, out),
            EventBody::Condition(condition) => self.on_condition(*condition, out),
            EventBody::Memory(memory) => self.on_memory(memory, out),
        }
    }

    #[inline]
    fn on_market(&mut self, at: Nanos, tick: &Tick, out: &mut Out) {
        let closing = matches!(tick.body, TickBody::Candle { .. });
        if self.account.minute_ended(at, closing) {
            self.end_minute(at, out);
        }
        if let TickBody::End = tick.body {
            return;
        }
        if closing {
            if let Some(candle) = tick.candle() {
                self.on_candle(&candle, at, out);
            }
            return;
        }
        let Some(market) = self.universe.market_mut(tick.symbol) else { return };
        market.see(tick);
        if market.slot != NO_SLOT {
            let (slot, last) = (usize::from(market.slot), market.last);
            self.revalue(slot, last);
        }
    }

    fn on_candle(&mut self, candle: &Candle, at: Nanos, out: &mut Out) {
        let symbol = candle.symbol;
        let Some(market) = self.universe.market_mut(symbol) else { return };
        let mut tell = |found| match found {
            Found::Candle(candle) => out.notice(Notice::Candle(candle)),
            Found::Structure { timeframe, pattern, side, level } => {
                // A level that is no price cannot be told; the detector's floats made it.
                if let Ok(level) = Px::from_f64(level) {
                    out.notice(Notice::Structure { symbol, timeframe, pattern, side, level });
                }
            }
        };
        if self.brain.push(candle, &mut tell).is_err() {
            self.late_candles += 1;
            return;
        }
        market.close(candle);
        if market.slot != NO_SLOT {
            let slot = usize::from(market.slot);
            self.revalue(slot, candle.close);
            self.reconsider_rotation(slot, at, out);
            self.tend_at_close(slot, at, out);
        }
        self.decide(symbol, at, out);
    }

    /// The proposal of the last close, if it is a signal.
    fn decide(&mut self, symbol: SymbolId, at: Nanos, out: &mut Out) {
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
                let denial = Denial {
                    at,
                    symbol,
                    code: reject.code,
                    measured: reject.measured,
                    limit: reject.limit,
                };
                out.notice(Notice::Denied { denial, confidence, side });
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
        let judged = self.judge(signal, at);
        let done = judged.and_then(|(plan, room)| match room {
            Room::Free => self.enter(signal, &plan, at, out),
            Room::After(victim) => {
                self.rotate(signal, victim, at, out);
                Ok(())
            }
        });
        if let Err(reject) = done {
            deny(signal, reject, at, out);
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
        let equity = self.equity();
        let day = self.account.day_loss(equity, self.config.daily_loss_max);
        let config = &self.config;
        let passes = signal.confidence > config.risk_gate;
        if !passes {
            return reject(Code::LowConfidence, signal.confidence, config.risk_gate);
        }
        self.closed()?;
        let (market, _) = self.of(signal.symbol)?;
        let age = at.since(market.data_at);
        if age > config.stale_after {
            return reject(Code::StaleData, seconds(age), seconds(config.stale_after));
        }
        if market.missing > 0 {
            return reject(Code::Tainted, market.missing as f64, 0.0);
        }
        if at < market.cool_until {
            return reject(Code::CoolDown, seconds(market.cool_until.since(at)), 0.0);
        }
        if market.slot != NO_SLOT {
            return reject(Code::AlreadyInPosition, 1.0, 0.0);
        }
        if self.account.wallet.is_none() {
            return reject(Code::InsufficientMargin, 0.0, 0.0);
        }
        if day.reached {
            return reject(Code::DailyLoss, day.fraction, config.daily_loss_max);
        }
        Ok(())
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
        if confirmed == plan.leverage {
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
        let looked = self.closed().and_then(|()| {
            risk::last_look(&self.config, &levels(&signal, last), qty, self.equity())
        });
        match looked {
            Ok(()) => {
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

    /// Gives up a slot whose entry has not left.
    pub(crate) fn withdraw(&mut self, index: usize, reject: Reject, at: Nanos, out: &mut Out) {
        let signal = self.portfolio.slots[index].signal;
        self.release(index);
        deny(&signal, reject, at, out);
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
    fn reconsider_rotation(&mut self, victim: usize, at: Nanos, out: &mut Out) {
        let Some(rotation) = self.portfolio.rotation.filter(|r| r.victim == victim) else { return };
        let slot = &self.portfolio.slots[victim];
        let net = self.net(slot);
        if net.is_positive() || !slot.order(Role::Exit).live() {
            return;
        }
        self.portfolio.rotation = None;
        self.cancel(victim, Role::Exit, out);
        let reject = Reject::new(DenialCode::SlotsFullNotInProfit, net.to_f64(), 0.0);
        deny(&rotation.signal, reject, at, out);
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
            deny(&rotation.signal, reject, at, out);
        }
    }

    fn on_account(&mut self, update: &AccountUpdate, at: Nanos, out: &mut Out) {
        out.notice(Notice::Account(*update));
        match *update {
            AccountUpdate::Wallet { balance } => {
                self.account.changed |= self.account.wallet != Some(balance);
                let first = self.account.wallet.replace(balance).is_none();
                self.account.unsettled = Money::ZERO;
                let equity = self.equity();
                if first {
                    self.account.turn_day(at, equity);
                }
                self.account.day_loss(equity, self.config.daily_loss_max);
            }
            AccountUpdate::Funding { symbol, amount, .. } => self.book_funding(symbol, amount, out),
            AccountUpdate::Leverage { symbol, leverage } => {
                let Some(market) = self.universe.market_mut(symbol) else { return };
                market.leverage = leverage;
                let index = usize::from(market.slot);
                let Some(slot) = self.portfolio.slots.get(index) else { return };
                if slot.stage != Stage::Leverage {
                    return;
                }
                if slot.leverage_wanted == leverage {
                    return self.launch(index, at, out);
                }
                let (got, wanted) = (f64::from(leverage), f64::from(slot.leverage_wanted));
                let reject = Reject::new(DenialCode::LeverageCap, got, wanted);
                self.withdraw(index, reject, at, out);
            }
        }
    }

    /// A minute has ended: the day, the equity, the exposure.
    fn end_minute(&mut self, at: Nanos, out: &mut Out) {
        let (wallet, unrealized) = (self.wallet(), self.unrealized());
        let equity = self.equity();
        self.account.turn_day(at, equity);
        self.account.day_loss(equity, self.config.daily_loss_max);
        self.note_exposure();
        let used = self.portfolio.used();
        if used > 0 || self.account.changed {
            self.account.changed = false;
            out.notice(Notice::Equity {
                wallet,
                unrealized,
                exposure: self.open_notional(),
                // At most POSITIONS_CAPACITY.
                positions: used as u8,
            });
        }
    }

    fn of(&self, symbol: SymbolId) -> Result<(&crate::universe::Market, &Instrument), Reject> {
        let (market, instrument) = (self.universe.market(symbol), self.universe.instrument(symbol));
        let outside =
            Reject::new(DenialCode::OutOfRange, f64::from(symbol.0), self.universe.len() as f64);
        Ok((market.ok_or(outside)?, instrument.ok_or(outside)?))
    }
}

/// What can be asked, between events.
impl<B> Engine<B> {
    /// The open positions, in slot order.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        self.portfolio.slots.iter().filter(|slot| slot.open()).map(|slot| &slot.position)
    }

    /// Open, in-flight and unknown positions; never above `positions_max`.
    pub fn slots_used(&self) -> usize {
        self.portfolio.used()
    }

    /// Wallet balance as the venue last reported it; zero before.
    pub fn wallet(&self) -> Money {
        self.account.wallet.unwrap_or_default()
    }

    /// Profit of the open positions at last prices, before exit fees.
    pub fn unrealized(&self) -> Money {
        self.positions().fold(Money::ZERO, |sum, p| sum.saturating_plus(p.unrealized))
    }

    /// Wallet plus unrealised profit, plus what fills and funding have moved since the wallet was
    /// reported.
    pub fn equity(&self) -> Money {
        self.cash().saturating_plus(self.unrealized())
    }

    /// The wallet as it will be reported next.
    fn cash(&self) -> Money {
        self.wallet().saturating_plus(self.account.unsettled)
    }

    /// Orders sent so far; also the number of the last one.
    pub fn orders_sent(&self) -> u32 {
        self.orders.sent
    }

    /// Closed positions so far.
    pub fn trades(&self) -> u32 {
        self.account.trades
    }

    /// Who decides.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Largest entry notional ÷ isolated margin posted, of any position ever.
    pub fn max_leverage(&self) -> f64 {
        self.account.max_leverage
    }

    /// Largest total notional ÷ equity ever seen at an entry fill or at the end of a minute.
    pub fn max_exposure(&self) -> f64 {
        self.account.max_exposure
    }

    /// Most slots ever used at once.
    pub fn max_open_positions(&self) -> usize {
        self.account.max_open_positions
    }

    /// 1m candles refused because their minute was not after the symbol's last one.
    pub fn late_candles(&self) -> u64 {
        self.late_candles
    }

    /// Fills that were told again and not booked again.
    pub fn duplicate_fills(&self) -> u64 {
        self.orders.duplicates
    }

    /// Fills that belong to no order of ours and no position; anything but 0 wants a look.
    pub fn stray_fills(&self) -> u64 {
        self.orders.strays
    }

    /// Newest price of a symbol, if any was seen.
    pub fn last_price(&self, symbol: SymbolId) -> Option<Px> {
        self.universe.market(symbol).map(|market| market.last).filter(|px| px.is_positive())
    }

    /// What the engine was told.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Every fixed-capacity table.
    pub fn capacities(&self) -> [Capacity; 4] {
        let known = self.orders.sent.min(RECENT_ORDERS as u32) as usize;
        let fills = self.orders.fills_known();
        let max = usize::from(self.config.positions_max);
        let positions = (self.slots_used(), self.account.max_open_positions);
        let slots = (self.portfolio.taken(), self.portfolio.high_water);
        [
            ("positions", positions.0, positions.1, max),
            ("slots", slots.0, slots.1, SLOTS),
            ("recent_orders", known, known, RECENT_ORDERS),
            ("recent_fills", fills, fills, RECENT_FILLS),
        ]
    }

    /// The cap of the present level.
    pub(crate) fn max_leverage_allowed(&self) -> f64 {
        self.config.leverage_max(self.level)
    }

    /// Net PnL of a slot's position if it were closed now: after all fees, that of the exit
    /// included, and funding.
    pub(crate) fn net(&self, slot: &Slot) -> Money {
        let position = &slot.position;
        let last = self.last_price(position.symbol).unwrap_or(position.entry_px);
        let fee = self.universe.instrument(position.symbol).map(|i| i.taker_fee);
        let exit = (last * position.qty).and_then(|notional| notional * fee.unwrap_or_default());
        // A notional beyond all range is no profit.
        let exit = exit.unwrap_or(Money::MAX);
        [slot.realized, position.unrealized, -position.fees, -exit, position.funding]
            .into_iter()
            .fold(Money::ZERO, Money::saturating_plus)
    }

    /// Sum of the notionals of open positions at last prices.
    fn open_notional(&self) -> Money {
        self.positions().fold(Money::ZERO, |sum, position| {
            let last = self.last_price(position.symbol).unwrap_or(position.entry_px);
            sum.saturating_plus((last * position.qty).unwrap_or(Money::MAX))
        })
    }

    /// Notionals of open and planned positions, without the one that is to leave.
    fn exposure(&self, leaving: Option<usize>) -> Money {
        self.counting(leaving).fold(Money::ZERO, |sum, slot| {
            let last = self.last_price(slot.signal.symbol).unwrap_or(slot.signal.reference);
            let entering = slot.stage == Stage::Leverage || slot.order(Role::Entry).live();
            let qty = if entering { slot.planned } else { slot.position.qty };
            sum.saturating_plus((last * qty).unwrap_or(Money::MAX))
        })
    }

    /// Wallet that is neither posted as margin nor set aside for an entry.
    fn free_balance(&self, leaving: Option<usize>) -> Money {
        self.counting(leaving).fold(self.cash(), |free, slot| {
            let entering = slot.stage == Stage::Leverage || slot.order(Role::Entry).live();
            let posted = slot.position.margin;
            let bound = if entering { slot.planned_margin.max(posted) } else { posted };
            free.saturating_plus(-bound)
        })
    }

    fn counting(&self, leaving: Option<usize>) -> impl Iterator<Item = &Slot> {
        let slots = self.portfolio.slots.iter().enumerate();
        slots.filter(move |(i, slot)| slot.counts() && Some(*i) != leaving).map(|(_, slot)| slot)
    }

    pub(crate) fn note_exposure(&mut self) {
        let equity = self.equity();
        if equity.is_positive() {
            let exposure = self.open_notional().ratio_of(equity);
            self.account.max_exposure = self.account.max_exposure.max(exposure);
        }
    }
}

fn levels(signal: &Signal, reference: Px) -> Levels {
    Levels { side: signal.side, reference, stop: signal.stop, target: signal.target }
}

pub(crate) fn deny(signal: &Signal, reject: Reject, at: Nanos, out: &mut Out) {
    let Reject { code, measured, limit } = reject;
    let denial = Denial { at, symbol: signal.symbol, code, measured, limit };
    out.notice(Notice::Denied { denial, confidence: signal.confidence, side: signal.side });
}

pub(crate) fn seconds(span: Nanos) -> f64 {
    span.0 as f64 / Nanos::SECOND.0 as f64
}
