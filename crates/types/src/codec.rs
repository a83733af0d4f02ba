//! Bytes of events and commands for the journal: little endian, one kind byte first, no padding
//! that means anything. Explicit, so that a change of a Rust type cannot change a file format.

use crate::command::Command;
use crate::condition::{Cause, Condition, RiskMemory};
use crate::event::{Event, EventBody, Operator};
use crate::fixed::{Money, Px, Qty, Rate};
use crate::instrument::Filters;
use crate::order::{
    AccountUpdate, ClientOrderId, Fill, FillReason, FoundPosition, Order, OrderReason, OrderType,
    OrderUpdate, RejectCode,
};
use crate::side::Side;
use crate::symbol::SymbolId;
use crate::tick::Tick;
use crate::time::Nanos;
use core::fmt;

/// Longest encoding of an event or a command.
pub const ENCODED_MAX: usize = 192;

/// Bytes of one event or command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    bytes: [u8; ENCODED_MAX],
    length: usize,
}

impl Encoded {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Bytes that are not an event or a command of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// The bytes end too soon.
    Short,
    /// Bytes are left over.
    Long,
    /// An unknown code at this offset.
    Code(usize),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("record ends too soon"),
            Self::Long => f.write_str("record has bytes left over"),
            Self::Code(at) => write!(f, "unknown code at byte {at} of the record"),
        }
    }
}

impl core::error::Error for CodecError {}

struct Put(Encoded);

impl Put {
    fn new(kind: u8) -> Self {
        let mut put = Self(Encoded { bytes: [0; ENCODED_MAX], length: 0 });
        put.u8(kind);
        put
    }
    fn raw(&mut self, bytes: &[u8]) {
        // ENCODED_MAX holds the longest record; the test of all kinds proves it.
        self.0.bytes[self.0.length..self.0.length + bytes.len()].copy_from_slice(bytes);
        self.0.length += bytes.len();
    }
    fn u8(&mut self, v: u8) {
        self.raw(&[v]);
    }
    fn u16(&mut self, v: u16) {
        self.raw(&v.to_le_bytes());
    }
    fn u32(&mut self, v: u32) {
        self.raw(&v.to_le_bytes());
    }
    fn u64(&mut self, v: u64) {
        self.raw(&v.to_le_bytes());
    }
    fn i64(&mut self, v: i64) {
        self.raw(&v.to_le_bytes());
    }
    fn id(&mut self, id: ClientOrderId) {
        self.u64(id.session);
        self.u32(id.number);
    }
}

struct Take<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Take<'_> {
    fn raw<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let end = self.at + N;
        let slice = self.bytes.get(self.at..end).ok_or(CodecError::Short)?;
        self.at = end;
        slice.try_into().map_err(|_| CodecError::Short)
    }
    fn u8(&mut self) -> Result<u8, CodecError> {
        self.raw::<1>().map(|b| b[0])
    }
    fn u16(&mut self) -> Result<u16, CodecError> {
        self.raw().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Result<u32, CodecError> {
        self.raw().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, CodecError> {
        self.raw().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Result<i64, CodecError> {
        self.raw().map(i64::from_le_bytes)
    }
    fn code<T>(&mut self, of: impl Fn(u8) -> Option<T>) -> Result<T, CodecError> {
        let at = self.at;
        of(self.u8()?).ok_or(CodecError::Code(at))
    }
    fn side(&mut self) -> Result<Side, CodecError> {
        self.code(|b| match b {
            0 => Some(Side::Buy),
            1 => Some(Side::Sell),
            _ => None,
        })
    }
    fn flag(&mut self) -> Result<bool, CodecError> {
        self.code(|b| match b {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
    fn id(&mut self) -> Result<ClientOrderId, CodecError> {
        Ok(ClientOrderId { session: self.u64()?, number: self.u32()? })
    }
    fn symbol(&mut self) -> Result<SymbolId, CodecError> {
        self.u16().map(SymbolId)
    }
    fn end(&self) -> Result<(), CodecError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(CodecError::Long) }
    }
}

fn put_fill(p: &mut Put, fill: &Fill) {
    p.id(fill.order);
    p.u64(fill.trade_id);
    p.u16(fill.symbol.0);
    p.u8(fill.side as u8);
    p.u8(u8::from(fill.maker));
    p.u8(fill.reason as u8);
    for v in [fill.px.raw(), fill.qty.raw(), fill.leaves.raw(), fill.fee.raw()] {
        p.i64(v);
    }
    for v in [fill.realized.raw(), fill.margin.raw(), fill.venue_time.0] {
        p.i64(v);
    }
}

fn take_fill(t: &mut Take<'_>) -> Result<Fill, CodecError> {
    Ok(Fill {
        order: t.id()?,
        trade_id: t.u64()?,
        symbol: t.symbol()?,
        side: t.side()?,
        maker: t.flag()?,
        reason: t.code(FillReason::from_index)?,
        px: Px::from_raw(t.i64()?),
        qty: Qty::from_raw(t.i64()?),
        leaves: Qty::from_raw(t.i64()?),
        fee: Money::from_raw(t.i64()?),
        realized: Money::from_raw(t.i64()?),
        margin: Money::from_raw(t.i64()?),
        venue_time: Nanos(t.i64()?),
    })
}

fn put_memory(p: &mut Put, memory: &RiskMemory) {
    for v in [memory.day_end.0, memory.day_start.raw(), memory.peak.raw()] {
        p.i64(v);
    }
    for flag in [memory.day_lost, memory.drawn_down, memory.halted] {
        p.u8(u8::from(flag));
    }
}

fn take_memory(t: &mut Take<'_>) -> Result<RiskMemory, CodecError> {
    Ok(RiskMemory {
        day_end: Nanos(t.i64()?),
        day_start: Money::from_raw(t.i64()?),
        peak: Money::from_raw(t.i64()?),
        day_lost: t.flag()?,
        drawn_down: t.flag()?,
        halted: t.flag()?,
    })
}

fn put_found(p: &mut Put, found: &FoundPosition) {
    p.u16(found.symbol.0);
    p.u8(found.side as u8);
    for v in [found.qty.raw(), found.entry.raw(), found.mark.raw()] {
        p.i64(v);
    }
    for v in [found.margin.raw(), found.stop.raw()] {
        p.i64(v);
    }
}

fn take_found(t: &mut Take<'_>) -> Result<FoundPosition, CodecError> {
    Ok(FoundPosition {
        symbol: t.symbol()?,
        side: t.side()?,
        qty: Qty::from_raw(t.i64()?),
        entry: Px::from_raw(t.i64()?),
        mark: Px::from_raw(t.i64()?),
        margin: Money::from_raw(t.i64()?),
        stop: Px::from_raw(t.i64()?),
    })
}

fn put_filters(p: &mut Put, filters: &Filters) {
    let Filters { tick, step, qty_min, qty_max, notional_min } = filters;
    for v in [tick.raw(), step.raw(), qty_min.raw(), qty_max.raw(), notional_min.raw()] {
        p.i64(v);
    }
}

fn take_filters(t: &mut Take<'_>) -> Result<Filters, CodecError> {
    Ok(Filters {
        tick: Px::from_raw(t.i64()?),
        step: Qty::from_raw(t.i64()?),
        qty_min: Qty::from_raw(t.i64()?),
        qty_max: Qty::from_raw(t.i64()?),
        notional_min: Money::from_raw(t.i64()?),
    })
}

impl Event {
    /// The journal's bytes: kind, seq, time, then the fields by kind. A market event takes 73.
    pub fn encode(&self) -> Encoded {
        let kind = match self.body {
            EventBody::Market(_) => 1,
            EventBody::Order { .. } => 2,
            EventBody::Account(_) => 3,
            EventBody::Timer { .. } => 4,
            EventBody::Operator(_) => 5,
            EventBody::Condition(_) => 6,
            EventBody::Memory(_) => 7,
        };
        let mut p = Put::new(kind);
        p.u64(self.seq);
        p.i64(self.at.0);
        match &self.body {
            EventBody::Market(tick) => tick.to_words().iter().for_each(|w| p.u64(*w)),
            EventBody::Order { id, symbol, update } => {
                p.id(*id);
                p.u16(symbol.0);
                match update {
                    OrderUpdate::Accepted => p.u8(0),
                    OrderUpdate::Rejected { code } => {
                        p.u8(1);
                        p.u8(*code as u8);
                    }
                    OrderUpdate::Filled { fill } => {
                        p.u8(2);
                        put_fill(&mut p, fill);
                    }
                    OrderUpdate::Canceled => p.u8(3),
                    OrderUpdate::Expired => p.u8(4),
                    OrderUpdate::Unknown => p.u8(5),
                }
            }
            EventBody::Account(update) => match update {
                AccountUpdate::Funding { symbol, amount, rate, mark } => {
                    p.u8(0);
                    p.u16(symbol.0);
                    p.i64(amount.raw());
                    p.i64(rate.raw());
                    p.i64(mark.raw());
                }
                AccountUpdate::Wallet { balance } => {
                    p.u8(1);
                    p.i64(balance.raw());
                }
                AccountUpdate::Leverage { symbol, leverage } => {
                    p.u8(2);
                    p.u16(symbol.0);
                    p.u16(*leverage);
                }
                AccountUpdate::Position { found } => {
                    p.u8(3);
                    put_found(&mut p, found);
                }
                AccountUpdate::Filters { symbol, filters } => {
                    p.u8(4);
                    p.u16(symbol.0);
                    put_filters(&mut p, filters);
                }
            },
            EventBody::Timer { id } => p.u64(*id),
            EventBody::Operator(operator) => p.u8(*operator as u8),
            EventBody::Condition(Condition { cause, on, measured, limit }) => {
                p.u8(*cause as u8);
                p.u8(u8::from(*on));
                p.i64(*measured);
                p.i64(*limit);
            }
            EventBody::Memory(memory) => put_memory(&mut p, memory),
        }
        p.0
    }

    /// The inverse of [`Event::encode`].
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not an event of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let t = &mut Take { bytes, at: 0 };
        let kind = t.u8()?;
        let seq = t.u64()?;
        let at = Nanos(t.i64()?);
        let body = match kind {
            1 => {
                let mut words = [0u64; 7];
                for word in &mut words {
                    *word = t.u64()?;
                }
                EventBody::Market(Tick::from_words(&words).map_err(|_| CodecError::Code(17))?)
            }
            2 => {
                let (id, symbol) = (t.id()?, t.symbol()?);
                let at_code = t.at;
                let update = match t.u8()? {
                    0 => OrderUpdate::Accepted,
                    1 => OrderUpdate::Rejected { code: t.code(RejectCode::from_index)? },
                    2 => OrderUpdate::Filled { fill: take_fill(t)? },
                    3 => OrderUpdate::Canceled,
                    4 => OrderUpdate::Expired,
                    5 => OrderUpdate::Unknown,
                    _ => return Err(CodecError::Code(at_code)),
                };
                EventBody::Order { id, symbol, update }
            }
            3 => EventBody::Account(take_account(t)?),
            4 => EventBody::Timer { id: t.u64()? },
            5 => EventBody::Operator(t.code(Operator::from_index)?),
            6 => EventBody::Condition(Condition {
                cause: t.code(Cause::from_index)?,
                on: t.flag()?,
                measured: t.i64()?,
                limit: t.i64()?,
            }),
            7 => EventBody::Memory(take_memory(t)?),
            _ => return Err(CodecError::Code(0)),
        };
        t.end()?;
        Ok(Self { seq, at, body })
    }
}

fn take_account(t: &mut Take<'_>) -> Result<AccountUpdate, CodecError> {
    let at_code = t.at;
    Ok(match t.u8()? {
        0 => AccountUpdate::Funding {
            symbol: t.symbol()?,
            amount: Money::from_raw(t.i64()?),
            rate: Rate::from_raw(t.i64()?),
            mark: Px::from_raw(t.i64()?),
        },
        1 => AccountUpdate::Wallet { balance: Money::from_raw(t.i64()?) },
        2 => AccountUpdate::Leverage { symbol: t.symbol()?, leverage: t.u16()? },
        3 => AccountUpdate::Position { found: take_found(t)? },
        4 => AccountUpdate::Filters { symbol: t.symbol()?, filters: take_filters(t)? },
        _ => return Err(CodecError::Code(at_code)),
    })
}

impl Command {
    /// The journal's bytes of a command given at `at`.
    pub fn encode(&self, at: Nanos) -> Encoded {
        let kind = match self {
            Self::Submit { .. } => 1,
            Self::Cancel { .. } => 2,
            Self::SetLeverage { .. } => 3,
            Self::WakeAt { .. } => 4,
        };
        let mut p = Put::new(kind);
        p.i64(at.0);
        match self {
            Self::Submit { order } => {
                p.id(order.id);
                p.u16(order.symbol.0);
                p.u8(order.side as u8);
                p.u8(order.kind as u8);
                p.u8(order.reason as u8);
                p.u8(u8::from(order.reduce_only));
                p.i64(order.qty.raw());
                p.i64(order.price.raw());
                p.i64(order.trigger.raw());
            }
            Self::Cancel { id, symbol } => {
                p.id(*id);
                p.u16(symbol.0);
            }
            Self::SetLeverage { symbol, leverage } => {
                p.u16(symbol.0);
                p.u16(*leverage);
            }
            Self::WakeAt { at, id } => {
                p.i64(at.0);
                p.u64(*id);
            }
        }
        p.0
    }

    /// The inverse of [`Command::encode`]: the time it was given, and the command.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not a command of this version.
    pub fn decode(bytes: &[u8]) -> Result<(Nanos, Self), CodecError> {
        let t = &mut Take { bytes, at: 0 };
        let kind = t.u8()?;
        let at = Nanos(t.i64()?);
        let command = match kind {
            1 => Self::Submit {
                order: Order {
                    id: t.id()?,
                    symbol: t.symbol()?,
                    side: t.side()?,
                    kind: t.code(OrderType::from_index)?,
                    reason: t.code(OrderReason::from_index)?,
                    reduce_only: t.flag()?,
                    qty: Qty::from_raw(t.i64()?),
                    price: Px::from_raw(t.i64()?),
                    trigger: Px::from_raw(t.i64()?),
                },
            },
            2 => Self::Cancel { id: t.id()?, symbol: t.symbol()? },
            3 => Self::SetLeverage { symbol: t.symbol()?, leverage: t.u16()? },
            4 => Self::WakeAt { at: Nanos(t.i64()?), id: t.u64()? },
            _ => return Err(CodecError::Code(0)),
        };
        t.end()?;
        Ok((at, command))
    }
}
