//! The data firewall: what cannot be true never reaches the ring.
//!
//! It judges one market fact at a time against the last one admitted of the same symbol, for
//! recorded rows and for live ticks alike. It refuses and says why; it never changes a number.

use aegis_types::{Candle, CandleFault, Nanos, Px, SymbolId, Tick, TickBody};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Why a market fact is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Reason { $($(#[$doc])* #[serde(rename = $code)] $variant,)* }

        impl Reason {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The stable code in reports and JSON.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

reasons! {
    /// A number that is missing, NaN or infinite.
    NonFinite = "non_finite",
    /// A price or quantity that is zero or negative.
    NonPositive = "non_positive",
    /// High below low.
    HighBelowLow = "high_below_low",
    /// Open or close outside low..high.
    OpenOrCloseOutsideRange = "open_or_close_outside_range",
    /// Negative volume.
    BadVolume = "bad_volume",
    /// A candle that does not start on a full minute.
    MisalignedTime = "misaligned_time",
    /// Older than what was admitted before.
    BackwardsTime = "backwards_time",
    /// As old as what was admitted before, of the same kind.
    DuplicateTime = "duplicate_time",
    /// A symbol that is not of this session.
    WrongSymbol = "wrong_symbol",
    /// A price further from the last one than the jump factor allows.
    WildJump = "wild_jump",
    /// A number that 64 bits at 1e-8 cannot hold exactly, or a funding rate beyond ±10 %.
    OutOfRange = "out_of_range",
    /// A bid above the ask.
    CrossedBook = "crossed_book",
    /// A funding settlement in a minute that has no candle, so no price to charge it on.
    FundingWithoutCandle = "funding_without_candle",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Limits of the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirewallConfig {
    /// A price more than this many times above or below the last close is a wild jump. 0 turns the
    /// check off. Default 3: no listed perpetual has tripled within minutes, misplaced decimal
    /// points are factors of ten.
    pub jump_factor: f64,
    /// A last close older than this is no measure any more: the market may have moved unseen, and
    /// a level that persists is real. Default 10 minutes.
    pub jump_window: Nanos,
}

impl Default for FirewallConfig {
    fn default() -> Self {
        Self { jump_factor: 3.0, jump_window: Nanos::MINUTE.times(10) }
    }
}

/// A refused fact: the reason and its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Whose fact it was.
    pub symbol: SymbolId,
    /// Its time.
    pub at: Nanos,
    /// The number that was refused, where one is to blame.
    pub value: f64,
    /// What it was measured against.
    pub limit: f64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.reason, self.at.utc())?;
        match self.reason {
            Reason::WildJump => write!(f, ": {} after {}", self.value, self.limit),
            Reason::BackwardsTime | Reason::DuplicateTime => {
                write!(f, ": not after {}", Nanos(self.limit as i64).utc())
            }
            _ => Ok(()),
        }
    }
}

/// What is remembered of one symbol.
#[derive(Clone, Copy, Debug)]
struct Last {
    candle: Nanos,
    open: Nanos,
    book: u64,
    trade: u64,
    mark: Nanos,
    px: Px,
    px_at: Nanos,
    mark_px: Px,
    mark_px_at: Nanos,
}

const NEVER: Nanos = Nanos(i64::MIN);

impl Default for Last {
    fn default() -> Self {
        Self {
            candle: NEVER,
            open: NEVER,
            book: 0,
            trade: 0,
            mark: NEVER,
            px: Px::ZERO,
            px_at: NEVER,
            mark_px: Px::ZERO,
            mark_px_at: NEVER,
        }
    }
}

/// Admits or refuses market facts, symbol by symbol.
///
/// A refused fact leaves no trace in what later ones are measured against.
#[derive(Clone, Debug)]
pub struct Firewall {
    config: FirewallConfig,
    last: Vec<Last>,
}

impl Firewall {
    /// A firewall for a session of `symbols` symbols.
    pub fn new(symbols: usize, config: FirewallConfig) -> Self {
        Self { config, last: vec![Last::default(); symbols] }
    }

    /// Admits a fact, and remembers it, or refuses it.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    #[inline]
    pub fn admit(&mut self, tick: &Tick) -> Result<(), Refusal> {
        if matches!(tick.body, TickBody::End) {
            return Ok(());
        }
        let Some(last) = self.last.get_mut(tick.symbol.index()) else {
            return Err(refusal(tick, Reason::WrongSymbol, f64::from(tick.symbol.0), 0.0));
        };
        match tick.body {
            TickBody::Candle { close, .. } => {
                let candle = tick.candle().ok_or(refusal(tick, Reason::NonFinite, 0.0, 0.0))?;
                check_candle(tick, &candle)?;
                newer(tick, last.candle)?;
                self.config.close_to(tick, &[candle.high, candle.low], last.px, last.px_at)?;
                (last.candle, last.px, last.px_at) = (tick.at, close, tick.at);
            }
            TickBody::Open { px, .. } => {
                positive(tick, px)?;
                aligned(tick)?;
                newer(tick, last.open)?;
                self.config.close_to(tick, &[px], last.px, last.px_at)?;
                last.open = tick.at;
            }
            TickBody::Trade { px, qty, id, .. } => {
                positive(tick, px)?;
                if !qty.is_positive() {
                    return Err(refusal(tick, Reason::NonPositive, qty.to_f64(), 0.0));
                }
                numbered(tick, id, last.trade)?;
                self.config.close_to(tick, &[px], last.px, last.px_at)?;
                (last.trade, last.px, last.px_at) = (id, px, tick.at);
            }
            TickBody::Book { bid, ask, update_id, .. } => {
                positive(tick, bid)?;
                positive(tick, ask)?;
                if bid > ask {
                    let (bid, ask) = (bid.to_f64(), ask.to_f64());
                    return Err(refusal(tick, Reason::CrossedBook, bid, ask));
                }
                numbered(tick, update_id, last.book)?;
                self.config.close_to(tick, &[bid, ask], last.px, last.px_at)?;
                last.book = update_id;
            }
            TickBody::Mark { mark, .. } => {
                positive(tick, mark)?;
                newer(tick, last.mark)?;
                self.config.close_to(tick, &[mark], last.mark_px, last.mark_px_at)?;
                (last.mark, last.mark_px, last.mark_px_at) = (tick.at, mark, tick.at);
            }
            TickBody::Gap { .. } | TickBody::End => {}
        }
        Ok(())
    }
}

impl FirewallConfig {
    #[inline]
    fn close_to(&self, tick: &Tick, prices: &[Px], last: Px, at: Nanos) -> Result<(), Refusal> {
        if at == NEVER || self.jump_factor <= 0.0 || tick.at.since(at) > self.jump_window {
            return Ok(());
        }
        let last = last.to_f64();
        for px in prices {
            let px = px.to_f64();
            if px > last * self.jump_factor || px * self.jump_factor < last {
                return Err(refusal(tick, Reason::WildJump, px, last));
            }
        }
        Ok(())
    }
}

fn refusal(tick: &Tick, reason: Reason, value: f64, limit: f64) -> Refusal {
    Refusal { reason, symbol: tick.symbol, at: tick.at, value, limit }
}

#[inline]
fn check_candle(tick: &Tick, candle: &Candle) -> Result<(), Refusal> {
    if !candle.volume.is_finite() {
        return Err(refusal(tick, Reason::NonFinite, candle.volume, 0.0));
    }
    candle.check().map_err(|fault| match fault {
        CandleFault::NotPositive => refusal(tick, Reason::NonPositive, candle.low.to_f64(), 0.0),
        CandleFault::HighBelowLow => {
            refusal(tick, Reason::HighBelowLow, candle.high.to_f64(), candle.low.to_f64())
        }
        CandleFault::OutsideRange => refusal(
            tick,
            Reason::OpenOrCloseOutsideRange,
            candle.open.to_f64(),
            candle.low.to_f64(),
        ),
        CandleFault::BadVolume => refusal(tick, Reason::BadVolume, candle.volume, 0.0),
        CandleFault::Misaligned => refusal(tick, Reason::MisalignedTime, 0.0, 0.0),
    })
}

#[inline]
fn positive(tick: &Tick, px: Px) -> Result<(), Refusal> {
    if px.is_positive() {
        Ok(())
    } else {
        Err(refusal(tick, Reason::NonPositive, px.to_f64(), 0.0))
    }
}

#[inline]
fn aligned(tick: &Tick) -> Result<(), Refusal> {
    if tick.at.floor(Nanos::MINUTE) == tick.at {
        Ok(())
    } else {
        Err(refusal(tick, Reason::MisalignedTime, 0.0, 0.0))
    }
}

#[inline]
fn newer(tick: &Tick, last: Nanos) -> Result<(), Refusal> {
    if tick.at > last {
        return Ok(());
    }
    let reason = if tick.at == last { Reason::DuplicateTime } else { Reason::BackwardsTime };
    Err(refusal(tick, reason, tick.at.0 as f64, last.0 as f64))
}

/// Trades and books are numbered by the exchange; 0 is no number.
#[inline]
fn numbered(tick: &Tick, id: u64, last: u64) -> Result<(), Refusal> {
    if id == 0 || id > last {
        return Ok(());
    }
    let reason = if id == last { Reason::DuplicateTime } else { Reason::BackwardsTime };
    Err(refusal(tick, reason, tick.at.0 as f64, tick.at.0 as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Qty;

    fn candle(minute: i64, prices: [i64; 4], volume: f64) -> Tick {
        let [open, high, low, close] = prices.map(Px::whole);
        let body = TickBody::Candle { open, high, low, close, volume };
        tick(minute, body)
    }

    fn tick(minute: i64, body: TickBody) -> Tick {
        let at = Nanos::MINUTE.times(minute);
        Tick { symbol: SymbolId(0), derived: false, at, received_us: 0, body }
    }

    fn reason(firewall: &mut Firewall, tick: Tick) -> Option<Reason> {
        firewall.admit(&tick).err().map(|r| r.reason)
    }

    #[test]
    fn candles_are_refused_by_reason_and_leave_no_trace() {
        let mut wall = Firewall::new(1, FirewallConfig::default());
        let good = candle(1_000, [100, 110, 90, 100], 1.0);
        assert_eq!(wall.admit(&good), Ok(()));
        let cases = [
            (candle(1_001, [0, 1, 1, 1], 1.0), Reason::NonPositive),
            (candle(1_001, [100, 90, 110, 100], 1.0), Reason::HighBelowLow),
            (candle(1_001, [120, 110, 90, 100], 1.0), Reason::OpenOrCloseOutsideRange),
            (candle(1_001, [100, 110, 90, 100], -1.0), Reason::BadVolume),
            (candle(1_001, [100, 110, 90, 100], f64::NAN), Reason::NonFinite),
            (candle(1_000, [100, 110, 90, 100], 1.0), Reason::DuplicateTime),
            (candle(999, [100, 110, 90, 100], 1.0), Reason::BackwardsTime),
            (candle(1_001, [100, 301, 90, 100], 1.0), Reason::WildJump),
            (candle(1_001, [100, 110, 33, 100], 1.0), Reason::WildJump),
        ];
        for (tick, expected) in cases {
            assert_eq!(reason(&mut wall, tick), Some(expected));
        }
        let mut crooked = good;
        crooked.at = crooked.at.after(Nanos::SECOND);
        assert_eq!(reason(&mut wall, crooked), Some(Reason::MisalignedTime));
        let mut stranger = good;
        stranger.symbol = SymbolId(1);
        assert_eq!(reason(&mut wall, stranger), Some(Reason::WrongSymbol));
        assert_eq!(reason(&mut wall, candle(1_001, [100, 300, 34, 100], 1.0)), None);
    }

    #[test]
    fn a_level_that_persists_beyond_the_window_is_real() {
        let mut wall = Firewall::new(1, FirewallConfig::default());
        assert_eq!(reason(&mut wall, candle(1, [100; 4], 1.0)), None);
        for minute in 2..=11 {
            let jumped = candle(minute, [1_000; 4], 1.0);
            assert_eq!(reason(&mut wall, jumped), Some(Reason::WildJump));
        }
        assert_eq!(reason(&mut wall, candle(12, [1_000; 4], 1.0)), None);
        let off = FirewallConfig { jump_factor: 0.0, ..Default::default() };
        let mut wall = Firewall::new(1, off);
        assert_eq!(reason(&mut wall, candle(1, [100; 4], 1.0)), None);
        assert_eq!(reason(&mut wall, candle(2, [1_000; 4], 1.0)), None);
    }

    #[test]
    fn live_facts_are_judged_too() {
        let mut wall = Firewall::new(1, FirewallConfig::default());
        let book = |bid, ask, update_id| TickBody::Book {
            bid: Px::whole(bid),
            bid_qty: Qty::whole(1),
            ask: Px::whole(ask),
            ask_qty: Qty::whole(1),
            update_id,
        };
        assert_eq!(reason(&mut wall, tick(1, book(100, 101, 7))), None);
        assert_eq!(reason(&mut wall, tick(1, book(100, 101, 7))), Some(Reason::DuplicateTime));
        assert_eq!(reason(&mut wall, tick(1, book(100, 101, 6))), Some(Reason::BackwardsTime));
        assert_eq!(reason(&mut wall, tick(1, book(102, 101, 8))), Some(Reason::CrossedBook));
        let trade = |px, id| TickBody::Trade {
            px: Px::whole(px),
            qty: Qty::whole(1),
            id,
            buyer_is_maker: false,
        };
        assert_eq!(reason(&mut wall, tick(2, trade(100, 1))), None);
        assert_eq!(reason(&mut wall, tick(2, trade(1_000, 2))), Some(Reason::WildJump));
        assert_eq!(reason(&mut wall, tick(2, trade(0, 2))), Some(Reason::NonPositive));
        let open = |px| TickBody::Open { px: Px::whole(px), funding: None };
        assert_eq!(reason(&mut wall, tick(3, open(100))), None);
        assert_eq!(reason(&mut wall, tick(3, open(100))), Some(Reason::DuplicateTime));
        let mark = TickBody::Mark {
            mark: Px::ZERO,
            index: Px::ZERO,
            rate: Default::default(),
            next_funding: Nanos::ZERO,
        };
        assert_eq!(reason(&mut wall, tick(3, mark)), Some(Reason::NonPositive));
        assert_eq!(reason(&mut wall, tick(3, TickBody::End)), None);
    }
}
