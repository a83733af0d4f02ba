//! Step machine: the account as fills and the exchange's events make it.
//!
//! The wallet is reckoned from each fill (`+ profit − commission`) and each funding, so that the
//! engine hears of a fill and of the wallet it leaves in one breath, whatever the order in which
//! the exchange tells them. The exchange's own figure is the truth that this is held against: while
//! it has not confirmed ours, its balance is asked for, and when two readings in a row agree with
//! each other and not with us, theirs is taken and that is said. The same holds for positions,
//! whose missing fills are then asked for.

mod adopt;

use super::facts::Execution;
use super::notes::Note;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    AccountUpdate, Answers, ClientOrderId, EventBody, Fill, FillReason, List, Money, Nanos,
    OrderUpdate, OutOfRange, Px, Qty, Rate, Side, SymbolId,
};

/// How long two tellings of one thing may differ.
pub const GRACE: Nanos = Nanos::MILLISECOND.times(500);
/// Fills that are remembered, so that one told twice is booked once.
const FILLS_KNOWN: usize = 1_024;
/// Pause between two questions for the fills of one symbol.
const ASK_AGAIN: Nanos = Nanos::SECOND.times(5);
/// The same behind the first of a difference: trades that it found and whose order nobody knows are
/// resolved by the second, and their fees are booked with them.
const ASK_ONCE_MORE: Nanos = Nanos::SECOND;

/// The same before the first that could be believed.
const FIRST_AGAIN: Nanos = Nanos::MILLISECOND.times(200);

/// Pause between two readings of the balance.
const READ_AGAIN: Nanos = Nanos::SECOND;

/// Fills of a symbol of which it is remembered what they changed.
const LOG: usize = 32;
/// Answers after which a difference that no fill explains is somebody else's.
const ROUNDS: u8 = 3;

/// Entry and mark price of a position, as it was read.
pub type Prices = (Px, Px);

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The balance.
    Balance,
    /// Position and fills of a symbol.
    Fills(SymbolId),
}

/// A position as booked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Long or short.
    pub side: Side,
    /// Quantity, positive.
    pub qty: Qty,
    /// Isolated margin posted.
    pub margin: Money,
}

impl Held {
    fn signed(held: Option<&Self>) -> Qty {
        held.map_or(Qty::ZERO, |held| match held.side {
            Side::Buy => held.qty,
            Side::Sell => -held.qty,
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Desk {
    held: Option<Held>,
    /// Since when something is held, as far as this process knows.
    since: Option<Nanos>,
    leverage: u16,
    /// The exchange's quantity, when it is not ours, and since when.
    differs: Option<(Qty, Nanos)>,
    asked: Option<Nanos>,
    /// Questions for this symbol's fills since its position was last explained.
    asks: u8,
    /// Answers that did not explain this difference so far, and readings that had it.
    rounds: u8,
    readings: u8,
    /// What of the exchange's quantity is not ours, negative when short; it is left alone.
    foreign: Qty,
    /// Nobody was told of that yet.
    untold: bool,
    /// Entry and mark price of the exchange's position, as last read.
    read: Prices,
    /// The newest price seen.
    price: Px,
    /// The newest fills told, by trade id, with what they changed, and the position before them.
    log: List<(u64, Qty), LOG>,
    base: Qty,
}

impl Desk {
    /// Remembers a fill that was told.
    fn note(&mut self, execution: &Execution) {
        let change = match execution.side {
            Side::Buy => execution.qty,
            Side::Sell => -execution.qty,
        };
        if self.log.len() == LOG
            && let Some(first) = (0..LOG).min_by_key(|index| self.log[*index].0)
            && let Some((_, change)) = self.log.remove(first)
        {
            self.base = self.base.saturating_plus(change);
        }
        // What was inferred has no number of the exchange's: it stands behind all that were told.
        let inferred = execution.id >= Fill::INFERRED;
        let place = if inferred { self.newest() } else { execution.id };
        // A place was made for it.
        let _ = self.log.push((place, change));
    }

    /// Id of the newest fill told.
    fn newest(&self) -> u64 {
        self.log.iter().map(|(id, _)| *id).max().unwrap_or(0)
    }

    /// The average price of the entry, as the margin says.
    fn entry(&self) -> Px {
        let Some(held) = &self.held else { return Px::ZERO };
        let notional = i128::from(held.margin.raw()) * i128::from(self.leverage.max(1));
        let px = notional * 100_000_000 / i128::from(held.qty.raw().max(1));
        Px::from_raw(i64::try_from(px).unwrap_or(0))
    }

    /// What a fill realises, as far as margin and price say.
    fn profit(&self, side: Side, px: Px, qty: Qty) -> Money {
        let Some(held) = self.held.filter(|held| held.side != side) else { return Money::ZERO };
        let moved = px.minus(self.entry()).ok();
        let profit = moved.and_then(|moved| (moved * qty.min(held.qty)).ok());
        let profit = profit.unwrap_or(Money::ZERO);
        if held.side == Side::Buy { profit } else { -profit }
    }

    /// When its fills may be asked for.
    fn ask_due(&self) -> Nanos {
        let pause = if self.asks == 1 { ASK_ONCE_MORE } else { ASK_AGAIN };
        self.asked.map_or(Nanos(i64::MIN), |at| at.after(pause))
    }

    /// Holds the exchange's quantity against ours.
    fn compare(&mut self, now: Nanos, told: Qty) {
        let booked = Held::signed(self.held.as_ref());
        if told == booked {
            self.foreign = Qty::ZERO;
        }
        if told == booked.saturating_plus(self.foreign) {
            (self.differs, self.rounds, self.readings) = (None, 0, 0);
            self.asks = 0;
        } else if self.differs.is_none_or(|(before, _)| before != told) {
            (self.differs, self.rounds, self.readings) = (Some((told, now)), 0, 0);
        }
    }
}

/// The account.
#[derive(Debug)]
pub struct Account {
    session: u64,
    wallet: Option<Money>,
    /// An earlier process has known a wallet, and trades of others until then may be in it.
    resumed: Option<Nanos>,
    /// The newest figure of the stream, when it is not ours.
    told: Option<Money>,
    /// Since when ours is not confirmed.
    doubt: Option<Nanos>,
    balance_asked: Nanos,
    /// What was read last and is not ours, and after how many moves of ours.
    read: Option<(Money, u64)>,
    moves: u64,
    desks: Vec<Desk>,
    fills: Vec<(SymbolId, u64)>,
    next_fill: usize,
    duplicates: u64,
    /// Positions of others are taken over, with stops so far beyond entry and mark.
    adopts: Option<Rate>,
}

/// How a fill came about and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The order, or number 0 where it was not one of ours.
    pub order: ClientOrderId,
    /// Why.
    pub reason: FillReason,
    /// Quantity of the order still open.
    pub leaves: Qty,
}

impl Account {
    /// Nothing known yet, for `symbols` symbols.
    pub fn new(session: u64, symbols: usize) -> Self {
        Self {
            session,
            wallet: None,
            resumed: None,
            told: None,
            doubt: None,
            balance_asked: Nanos(i64::MIN),
            read: None,
            moves: 0,
            desks: vec![Desk::default(); symbols],
            fills: Vec::with_capacity(FILLS_KNOWN),
            next_fill: 0,
            duplicates: 0,
            adopts: None,
        }
    }

    /// The position booked for a symbol.
    pub fn held(&self, symbol: SymbolId) -> Option<&Held> {
        self.desks.get(symbol.index())?.held.as_ref()
    }

    /// The wallet.
    pub const fn wallet(&self) -> Option<Money> {
        self.wallet
    }

    /// Fills that were told more than once.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Was this fill booked?
    pub fn knows(&self, symbol: SymbolId, trade: u64) -> bool {
        self.fills.contains(&(symbol, trade))
    }

    /// A fill that this session booked before it was interrupted.
    pub fn booked_before(&mut self, symbol: SymbolId, trade: u64) {
        self.first_time(symbol, trade);
    }

    /// The leverage read back for a symbol; margins of its fills follow from it.
    pub fn set_leverage(&mut self, symbol: SymbolId, leverage: u16) {
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.leverage = leverage;
        }
    }

    /// The leverage of a symbol as last read back; zero before.
    pub fn leverage(&self, symbol: SymbolId) -> u16 {
        self.desks.get(symbol.index()).map_or(0, |desk| desk.leverage)
    }

    /// A price of the market, for the mark of a funding.
    pub fn see(&mut self, symbol: SymbolId, px: Px) {
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.price = px;
        }
    }

    fn first_time(&mut self, symbol: SymbolId, trade: u64) -> bool {
        if self.knows(symbol, trade) && !defect::on(Defect::BookTwice) {
            self.duplicates += 1;
            return false;
        }
        if self.fills.len() < FILLS_KNOWN {
            self.fills.push((symbol, trade));
        } else {
            self.fills[self.next_fill] = (symbol, trade);
        }
        self.next_fill = (self.next_fill + 1) % FILLS_KNOWN;
        true
    }

    /// Books a fill and tells it, then the wallet; false when it was known already.
    pub fn fill(
        &mut self,
        now: Nanos,
        execution: &Execution,
        cause: &Cause,
        answers: &mut Answers,
        notes: &mut Vec<Note>,
    ) -> bool {
        let symbol = execution.symbol;
        if !self.first_time(symbol, execution.id) {
            return false;
        }
        let fee = execution.fee.unwrap_or_else(|| {
            notes.push(Note::ForeignFee { symbol });
            Money::ZERO
        });
        self.tell(now, execution, cause, fee, answers);
        self.move_wallet(now, execution.realized.saturating_plus(-fee), answers);
        true
    }

    /// A fill that was taken for somebody else's when it came: it moved the wallet then, and is
    /// told now.
    pub fn fill_late(
        &mut self,
        now: Nanos,
        execution: &Execution,
        cause: &Cause,
        answers: &mut Answers,
    ) {
        self.tell(now, execution, cause, execution.fee.unwrap_or(Money::ZERO), answers);
        if let Some(balance) = self.wallet {
            answers.push(EventBody::Account(AccountUpdate::Wallet { balance }));
        }
    }

    /// Was there a position of ours for this trade to change? Trades may be heard of out of order;
    /// their ids say in which they happened.
    pub fn touches(&self, symbol: SymbolId, trade: u64) -> bool {
        let Some(desk) = self.desks.get(symbol.index()) else { return false };
        let before = desk.log.iter().filter(|(id, _)| *id < trade);
        !before.fold(desk.base, |sum, (_, change)| sum.saturating_plus(*change)).is_zero()
    }

    /// A trade of somebody else that came before the fill of ours which it reduced.
    pub fn outside_late(
        &mut self,
        now: Nanos,
        execution: &Execution,
        reason: FillReason,
        answers: &mut Answers,
    ) {
        let cause = self.cause_outside(reason);
        self.fill_late(now, execution, &cause, answers);
    }

    const fn cause_outside(&self, reason: FillReason) -> Cause {
        let order = ClientOrderId { session: self.session, number: 0 };
        Cause { order, reason, leaves: Qty::ZERO }
    }

    fn tell(
        &mut self,
        now: Nanos,
        execution: &Execution,
        cause: &Cause,
        fee: Money,
        answers: &mut Answers,
    ) {
        let symbol = execution.symbol;
        let margin = self.change(execution);
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.since = desk.held.and(desk.since).or(desk.held.map(|_| now));
            desk.note(execution);
            if let Some((told, _)) = desk.differs {
                desk.compare(now, told);
            }
        }
        let fill = Fill {
            order: cause.order,
            trade_id: execution.id,
            symbol,
            side: execution.side,
            maker: execution.maker,
            reason: cause.reason,
            px: execution.px,
            qty: execution.qty,
            leaves: cause.leaves,
            fee,
            realized: execution.realized,
            margin,
            venue_time: Nanos::from_millis(execution.at_ms),
        };
        let update = OrderUpdate::Filled { fill };
        answers.push(EventBody::Order { id: cause.order, symbol, update });
    }

    /// An execution that no order of ours made. On a position of ours it is the truth all the same,
    /// and the engine is told; says whether it was.
    pub fn outside(
        &mut self,
        now: Nanos,
        execution: &Execution,
        reason: FillReason,
        answers: &mut Answers,
        notes: &mut Vec<Note>,
    ) -> bool {
        let Execution { symbol, qty, px, .. } = *execution;
        let ours = self.touches(symbol, execution.id);
        if ours {
            let cause = self.cause_outside(reason);
            if self.fill(now, execution, &cause, answers, notes) {
                notes.push(match reason {
                    FillReason::Liquidated | FillReason::Deleveraged => {
                        Note::Liquidated { symbol, qty }
                    }
                    _ => Note::ForeignFill { symbol, qty, px },
                });
            }
        } else if self.first_time(symbol, execution.id) {
            let fee = execution.fee.unwrap_or(Money::ZERO);
            self.move_wallet(now, execution.realized.saturating_plus(-fee), answers);
        }
        ours
    }

    /// A trade of somebody else that was read and that an earlier process may have heard of: what
    /// it did to the wallet, the exchange is asked. Says whether it was one.
    pub fn outside_before(&mut self, now: Nanos, execution: &Execution) -> bool {
        let before = self.resumed.is_some_and(|at| execution.at_ms <= at.as_millis());
        let old = before && !self.touches(execution.symbol, execution.id);
        if old && self.first_time(execution.symbol, execution.id) {
            self.doubt = self.doubt.or(Some(now));
        }
        old
    }

    fn move_wallet(&mut self, now: Nanos, by: Money, answers: &mut Answers) {
        let Some(wallet) = self.wallet else { return };
        let balance = wallet.saturating_plus(by);
        self.wallet = Some(balance);
        self.moves += 1;
        if self.told == Some(balance) {
            (self.told, self.doubt) = (None, None);
        } else {
            self.doubt = Some(now);
        }
        answers.push(EventBody::Account(AccountUpdate::Wallet { balance }));
    }

    /// What an execution makes of the position; the margin posted after it.
    fn change(&mut self, execution: &Execution) -> Money {
        let Some(desk) = self.desks.get_mut(execution.symbol.index()) else { return Money::ZERO };
        // Out of range only with numbers that no exchange sends; the position is then asked for.
        if let Ok(after) = changed(desk.held, execution, desk.leverage.max(1)) {
            desk.held = after;
        }
        desk.held.map_or(Money::ZERO, |held| held.margin)
    }

    /// The wallet as the stream tells it. It may be late, and older than what was booked.
    pub fn balance(&mut self, now: Nanos, balance: Money) {
        if self.wallet == Some(balance) {
            (self.told, self.doubt) = (None, None);
        } else if self.wallet.is_some() {
            self.told = Some(balance);
            self.doubt = self.doubt.or(Some(now));
        }
    }

    /// The wallet as it was read. While fills may be missing (`waits`, or a position differs) it is
    /// not taken, the first one neither: they are in it, and would count twice when they come.
    pub fn balance_read(
        &mut self,
        now: Nanos,
        balance: Money,
        waits: bool,
        answers: &mut Answers,
        notes: &mut Vec<Note>,
    ) {
        let booked = self.wallet;
        if booked == Some(balance) {
            (self.told, self.doubt, self.read) = (None, None, None);
            return;
        }
        // A fill that the reading holds may still be on its way to us.
        let once = booked.is_some() && self.read != Some((balance, self.moves));
        if once || waits || self.differs() {
            self.read = Some((balance, self.moves));
            self.doubt = self.doubt.or(Some(now));
            return;
        }
        (self.told, self.doubt, self.read) = (None, None, None);
        self.wallet = Some(balance);
        self.moves += 1;
        if let Some(booked) = booked {
            notes.push(Note::Wallet { balance, booked });
        }
        answers.push(EventBody::Account(AccountUpdate::Wallet { balance }));
    }

    /// Funding, a transfer or anything else that changed the wallet by itself.
    pub fn moved(
        &mut self,
        now: Nanos,
        funding: Option<SymbolId>,
        amount: Money,
        answers: &mut Answers,
    ) {
        if let Some(symbol) = funding {
            let (rate, mark) = self.funding_of(symbol, amount);
            let update = AccountUpdate::Funding { symbol, amount, rate, mark };
            answers.push(EventBody::Account(update));
        }
        self.move_wallet(now, amount, answers);
    }

    /// Rate and mark of a funding, as far as they follow from the amount and the newest price.
    fn funding_of(&self, symbol: SymbolId, amount: Money) -> (Rate, Px) {
        let Some(desk) = self.desks.get(symbol.index()) else { return (Rate::ZERO, Px::ZERO) };
        let notional = desk.held.and_then(|held| (desk.price * held.qty).ok());
        let rate = match (notional, desk.held) {
            (Some(notional), Some(held)) if notional.is_positive() => {
                let paid = -amount.ratio_of(notional) * held.side.sign() as f64;
                Rate::from_f64(paid).unwrap_or(Rate::ZERO)
            }
            _ => Rate::ZERO,
        };
        (rate, desk.price)
    }

    /// A position as the exchange tells it; `qty` is negative when short.
    pub fn position(&mut self, now: Nanos, symbol: SymbolId, qty: Qty) {
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.compare(now, qty);
        }
    }

    /// A position as it was read. What events tell may be late; only what is read again and again
    /// outweighs what we have booked.
    pub fn position_read(&mut self, now: Nanos, symbol: SymbolId, (qty, prices): (Qty, Prices)) {
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.read = prices;
            desk.compare(now, qty);
            if desk.differs.is_some() {
                desk.readings = desk.readings.saturating_add(1);
            }
        }
    }

    /// The fills of a symbol were read, and none of them is left to be booked.
    pub fn fills_read(&mut self, symbol: SymbolId) {
        if let Some(desk) = self.desks.get_mut(symbol.index())
            && desk.differs.is_some()
        {
            desk.rounds = desk.rounds.saturating_add(1);
        }
    }

    /// A position that this session opened before it was interrupted.
    pub fn resume(&mut self, symbol: SymbolId, held: Held) {
        if let Some(desk) = self.desks.get_mut(symbol.index()) {
            desk.held = Some(held);
            desk.base = Held::signed(desk.held.as_ref());
        }
    }

    /// The wallet as this session knew it before it was interrupted. What it booked since then is
    /// in it, so that the next fill leaves the right one, however long the first reading cannot be
    /// believed.
    pub const fn resume_wallet(&mut self, now: Nanos, balance: Money) {
        (self.wallet, self.resumed) = (Some(balance), Some(now));
    }

    /// Symbols in which something is held, and since when this process knows of it.
    pub fn holding(&self) -> impl Iterator<Item = (SymbolId, Held, Nanos)> {
        // SYMBOLS_MAX is far below 2^16.
        let symbols = (0..).map(SymbolId);
        let held = |(symbol, desk): (SymbolId, &Desk)| {
            Some((symbol, desk.held?, desk.since.unwrap_or(Nanos(i64::MIN))))
        };
        symbols.zip(&self.desks).filter_map(held)
    }

    /// Symbols in which the exchange holds something that is not ours, nor about to be.
    pub fn foreign(&self) -> usize {
        let waits = |desk: &Desk| desk.untold && self.adopts.is_some();
        self.desks.iter().filter(|desk| !desk.foreign.is_zero() && !waits(desk)).count()
    }

    fn differs(&self) -> bool {
        self.desks.iter().any(|desk| desk.differs.is_some())
    }

    /// Symbols in which the exchange has told another quantity than ours, and since when the
    /// longest of them has not been explained.
    pub fn unexplained(&self) -> (usize, Nanos) {
        let differs = self.desks.iter().filter_map(|desk| desk.differs);
        differs.fold((0, Nanos::MAX), |(count, first), (_, since)| (count + 1, first.min(since)))
    }

    /// What a fill that nothing told must have realised, as far as margin and price say.
    pub fn profit(&self, symbol: SymbolId, side: Side, px: Px, qty: Qty) -> Money {
        self.desks.get(symbol.index()).map_or(Money::ZERO, |desk| desk.profit(side, px, qty))
    }

    /// The newest price seen of a symbol; zero before.
    pub fn price(&self, symbol: SymbolId) -> Px {
        self.desks.get(symbol.index()).map_or(Px::ZERO, |desk| desk.price)
    }

    /// Nothing explains that the exchange holds less than we do. Its position is the truth: the
    /// difference is booked as closed by somebody else, at the newest price seen.
    fn closed_unseen(&mut self, now: Nanos, symbol: SymbolId, left: Qty, answers: &mut Answers) {
        let Some(desk) = self.desks.get(symbol.index()) else { return };
        let Some(held) = desk.held else { return };
        let qty = held.qty.saturating_plus(-left);
        let px = if desk.price.is_positive() { desk.price } else { desk.entry() };
        let last = desk.newest();
        let execution = Execution {
            id: inferred_id(symbol, last, held.qty),
            order: 0,
            symbol,
            side: held.side.opposite(),
            px,
            qty,
            fee: Some(Money::ZERO),
            realized: desk.profit(held.side.opposite(), px, qty),
            maker: false,
            at_ms: now.as_millis(),
        };
        if self.first_time(symbol, execution.id) {
            let cause = self.cause_outside(FillReason::Manual);
            self.tell(now, &execution, &cause, Money::ZERO, answers);
            // What it did to the wallet, the exchange is asked.
            self.doubt = self.doubt.or(Some(now));
        }
    }

    /// Asks the exchange where ours has differed from it, or was not confirmed, for too long.
    pub fn tick(
        &mut self,
        now: Nanos,
        ask: &mut Vec<Want>,
        answers: &mut Answers,
        notes: &mut Vec<Note>,
    ) {
        let mut closed = None;
        if now >= self.balance_due() {
            self.balance_asked = now;
            ask.push(Want::Balance);
        }
        for (index, desk) in self.desks.iter_mut().enumerate() {
            let Some((held, since)) = desk.differs else { continue };
            if now.since(since) < GRACE || now < desk.ask_due() {
                continue;
            }
            // SYMBOLS_MAX is far below 2^16.
            let symbol = SymbolId(index as u16);
            let booked = Held::signed(desk.held.as_ref());
            if desk.rounds >= ROUNDS && desk.readings >= ROUNDS {
                let same_side = held.is_zero() || (held.raw() > 0) == (booked.raw() > 0);
                // On the other side nothing of ours is left, and what stands is somebody else's.
                let left = if same_side { held.raw().abs() } else { 0 };
                if left >= booked.raw().abs() {
                    (desk.foreign, desk.untold) = (held.saturating_plus(-booked), true);
                    (desk.differs, desk.rounds, desk.readings) = (None, 0, 0);
                } else if closed.is_none() {
                    (desk.rounds, desk.readings) = (0, 0);
                    notes.push(Note::ClosedUnseen { symbol, booked, held });
                    closed = Some((symbol, Qty::from_raw(left)));
                }
                continue;
            }
            (desk.asked, desk.asks) = (Some(now), desk.asks.saturating_add(1));
            notes.push(Note::Mismatch { symbol, booked, held });
            ask.push(Want::Fills(symbol));
        }
        if let Some((symbol, left)) = closed {
            self.closed_unseen(now, symbol, left, answers);
        }
    }

    /// When the balance is to be asked for.
    fn balance_due(&self) -> Nanos {
        // Before the first there is no wallet at all, and nothing that fills could move.
        let (grace, again) =
            if self.wallet.is_none() { (FIRST_AGAIN, FIRST_AGAIN) } else { (GRACE, READ_AGAIN) };
        let due = self.doubt.map(|since| since.after(grace).max(self.balance_asked.after(again)));
        due.unwrap_or(Nanos::MAX)
    }

    /// When [`Account::tick`] has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let wallet = self.balance_due();
        let waiting = self.desks.iter().filter_map(|desk| {
            let (_, since) = desk.differs?;
            Some(since.after(GRACE).max(desk.ask_due()))
        });
        waiting.fold(wallet, Nanos::min)
    }
}

/// The id of a fill that no trade of the exchange tells: from what it is about and not from a clock
/// or a counter, so that a restart gives the same one. Its top bit keeps it apart from real ones.
pub fn inferred_id(symbol: SymbolId, about: u64, quantity: Qty) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    // FNV-1a (Fowler, Noll, Vo), 64 bits.
    for word in [u64::from(symbol.0), about, quantity.raw().unsigned_abs()] {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash | Fill::INFERRED
}

/// The same arithmetic as the simulated exchange's, so that both post the same margin: rounded up
/// when posted, down when released.
fn changed(
    held: Option<Held>,
    execution: &Execution,
    leverage: u16,
) -> Result<Option<Held>, OutOfRange> {
    let (left, opened) = match held {
        Some(held) if held.side != execution.side => {
            let closed = held.qty.min(execution.qty);
            (reduced(&held, closed)?, execution.qty.minus(closed)?)
        }
        held => (held, execution.qty),
    };
    if !opened.is_positive() {
        return Ok(left);
    }
    let margin = (execution.px * opened)?.split_up(i64::from(leverage))?;
    Ok(Some(match left {
        Some(left) => {
            Held { qty: left.qty.plus(opened)?, margin: left.margin.plus(margin)?, ..left }
        }
        None => Held { side: execution.side, qty: opened, margin },
    }))
}

fn reduced(held: &Held, closed: Qty) -> Result<Option<Held>, OutOfRange> {
    if closed == held.qty {
        return Ok(None);
    }
    let part = i128::from(held.margin.raw()) * i128::from(closed.raw());
    let released = i64::try_from(part / i128::from(held.qty.raw())).map_err(|_| OutOfRange)?;
    Ok(Some(Held {
        qty: held.qty.minus(closed)?,
        margin: held.margin.minus(Money::from_raw(released))?,
        ..*held
    }))
}
