//! Step machine: what people should know of the way to the exchange: logged, counted, never needed
//! to go on.

use super::gateway::Stopped;
use super::request::{Loss, Purpose};
use aegis_types::{ClientOrderId, Filters, Money, Nanos, Px, Qty, RejectCode, SymbolId, Text};
use core::fmt;

/// How loud a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loud {
    /// Tells the story.
    Info,
    /// For the next morning.
    Warn,
    /// Wakes somebody.
    Alert,
}

/// One note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// An order's outcome is not known; it is being found out, not sent again.
    Unknown {
        /// The order.
        id: ClientOrderId,
        /// What happened to the answer; nothing when the exchange itself did not know.
        loss: Option<Loss>,
    },
    /// An unknown outcome is known now.
    Proven {
        /// The order.
        id: ClientOrderId,
        /// It had arrived.
        landed: bool,
    },
    /// An order that was refused for sure goes again, as a new attempt.
    Again {
        /// The order.
        id: ClientOrderId,
        /// Which attempt, from 2.
        attempt: u8,
        /// The exchange's code, or zero.
        code: i32,
    },
    /// An order was refused.
    Refused {
        /// The order.
        id: ClientOrderId,
        /// HTTP status.
        status: u16,
        /// The exchange's code, or zero.
        code: i32,
        /// As the engine is told.
        reject: RejectCode,
        /// In the exchange's words.
        words: Text<96>,
    },
    /// The exchange answered something that this version does not know.
    Puzzling {
        /// HTTP status.
        status: u16,
        /// The exchange's code, or zero.
        code: i32,
        /// In its words.
        words: Text<96>,
    },
    /// Trading must stop until somebody has looked: the key, the account, the region.
    Stop {
        /// The exchange's code, or zero.
        code: i32,
        /// In its words.
        words: Text<96>,
    },
    /// Nothing goes to the exchange until then.
    Closed {
        /// The end, by the exchange's clock.
        until: Nanos,
        /// HTTP status that said so.
        status: u16,
    },
    /// The clock was set.
    Clock {
        /// The exchange's time less ours.
        offset: Nanos,
        /// Round trip of the sample used.
        trip: Nanos,
    },
    /// An order that this program did not make; it is left alone.
    ForeignOrder {
        /// Its client id.
        client: Text<48>,
        /// Of which symbol, if it is one of the session's.
        symbol: Option<SymbolId>,
    },
    /// A fill that this program did not cause, on a position that it holds: taken as true.
    ForeignFill {
        /// Of which symbol.
        symbol: SymbolId,
        /// Quantity.
        qty: Qty,
        /// Price.
        px: Px,
    },
    /// A position that this program did not open; it is left alone.
    ForeignPosition {
        /// Of which symbol.
        symbol: SymbolId,
        /// Quantity, negative when short.
        qty: Qty,
    },
    /// The same, of an earlier session of this program: an order of it would close the position.
    EarlierPosition {
        /// Of which symbol.
        symbol: SymbolId,
        /// Quantity, negative when short.
        qty: Qty,
        /// That session.
        session: u64,
    },
    /// A position that this program did not open, and that the engine is to manage from now on.
    Adopted {
        /// Of which symbol.
        symbol: SymbolId,
        /// Quantity, negative when short.
        qty: Qty,
    },
    /// An order of an earlier session protects nothing; it is taken back.
    Leftover {
        /// The order.
        id: ClientOrderId,
        /// Of which symbol.
        symbol: SymbolId,
    },
    /// The filters of a symbol are no longer those that the engine knows; it is told.
    FiltersChanged {
        /// Of which symbol.
        symbol: SymbolId,
        /// As they are now.
        filters: Filters,
    },
    /// What the exchange holds differs from what we have booked; the fills are asked for.
    Mismatch {
        /// Of which symbol.
        symbol: SymbolId,
        /// Booked, negative when short.
        booked: Qty,
        /// At the exchange, negative when short.
        held: Qty,
    },
    /// The exchange holds less than we have booked, and no fill explains it: its position is taken.
    ClosedUnseen {
        /// Of which symbol.
        symbol: SymbolId,
        /// Booked, negative when short.
        booked: Qty,
        /// At the exchange, negative when short.
        held: Qty,
    },
    /// A fill that the exchange counts and no trade of it tells: booked at the order's price.
    Inferred {
        /// The order.
        id: ClientOrderId,
        /// Quantity.
        qty: Qty,
        /// Price.
        px: Px,
    },
    /// An order of ours that is over for us stands at the exchange; it is taken back.
    Orphan {
        /// The order.
        id: ClientOrderId,
    },
    /// A position in a symbol that this session does not trade; it is left alone.
    ForeignElsewhere {
        /// The symbol's name.
        name: Text<24>,
        /// Quantity, negative when short.
        qty: Qty,
    },
    /// The wallet was changed by something that no event told; the exchange's figure is taken.
    Wallet {
        /// The exchange's.
        balance: Money,
        /// Ours until now.
        booked: Money,
    },
    /// The exchange closed a position by itself.
    Liquidated {
        /// Of which symbol.
        symbol: SymbolId,
        /// Quantity.
        qty: Qty,
    },
    /// Commission was paid in another asset; it is not in the figures.
    ForeignFee {
        /// Of which symbol.
        symbol: SymbolId,
    },
    /// The user stream has gone; entries wait until it and the account have been read again.
    UserStreamLost,
    /// The user stream is there, and the account has been read again.
    UserStreamReady,
    /// Margin type or leverage could not be set as wanted, or was not read back so.
    NotSet {
        /// Of which symbol.
        symbol: SymbolId,
        /// Leverage as read back; zero when it could not be read.
        leverage: u16,
        /// Isolated, as read back.
        isolated: bool,
    },
    /// The exchange calls for margin on a position.
    MarginCall {
        /// Of which symbol.
        symbol: SymbolId,
    },
    /// The exchange lets positions in a symbol only be reduced; it is not entered any more.
    ReduceOnly {
        /// Of which symbol.
        symbol: SymbolId,
        /// The exchange's code.
        code: i32,
    },
    /// An entry was not sent: the way to the exchange is not sound.
    NotReady {
        /// The order.
        id: ClientOrderId,
    },
    /// Fills came by request that the user stream never told; it is opened again.
    UserStreamSilent,
    /// The gateway stopped a request that is not what was approved.
    Stopped {
        /// What it was for.
        purpose: Purpose,
        /// Why it was stopped.
        why: Stopped,
    },
    /// Nothing leaves any more, until the program starts anew.
    Fenced,
    /// An order was too old or too many to be followed.
    Forgotten {
        /// The order.
        id: ClientOrderId,
    },
}

impl Note {
    /// How loud it is.
    pub const fn loud(&self) -> Loud {
        match self {
            Self::Proven { .. } | Self::Clock { .. } | Self::UserStreamReady => Loud::Info,
            // Over a limit is over in a minute.
            Self::Closed { status: 429, .. } => Loud::Warn,
            Self::Stop { .. }
            | Self::Closed { .. }
            | Self::Liquidated { .. }
            | Self::MarginCall { .. }
            | Self::ForeignPosition { .. }
            | Self::EarlierPosition { .. }
            | Self::ClosedUnseen { .. }
            | Self::Inferred { .. }
            | Self::ReduceOnly { .. }
            | Self::Stopped { .. }
            | Self::Fenced
            | Self::Forgotten { .. } => Loud::Alert,
            _ => Loud::Warn,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id, loss: Some(loss) } => {
                write!(f, "outcome of {id} unknown ({loss}); it is queried, never sent again")
            }
            Self::Unknown { id, loss: None } => {
                write!(f, "the exchange does not know the outcome of {id}; it is queried")
            }
            Self::Proven { id, landed: true } => write!(f, "{id} had arrived"),
            Self::Proven { id, landed: false } => write!(f, "{id} had never arrived"),
            Self::Again { id, attempt, code } => {
                write!(f, "{id} was refused for sure ({code}); attempt {attempt} goes")
            }
            Self::Refused { id, status, code, reject, words } => {
                write!(f, "{id} refused as {reject}: status {status}, code {code}, {words}")
            }
            Self::Inferred { id, qty, px } => {
                write!(f, "{qty} of {id} filled and no trade tells it; booked at {px}")
            }
            Self::Orphan { id } => {
                write!(f, "{id} is over and stands at the exchange all the same; it is cancelled")
            }
            Self::NotReady { id } => {
                write!(f, "{id} was not sent: clock, account or user stream are not sound now")
            }
            Self::Forgotten { id } => {
                write!(f, "{id} is still open and no longer followed; look at the exchange")
            }
            other => other.of_the_way(f),
        }
    }
}

impl Note {
    /// The symbol that it is about, for whoever knows its name.
    pub const fn symbol(&self) -> Option<SymbolId> {
        match self {
            Self::ForeignOrder { symbol, .. } => *symbol,
            Self::ForeignFill { symbol, .. }
            | Self::ForeignPosition { symbol, .. }
            | Self::EarlierPosition { symbol, .. }
            | Self::Adopted { symbol, .. }
            | Self::Leftover { symbol, .. }
            | Self::FiltersChanged { symbol, .. }
            | Self::Mismatch { symbol, .. }
            | Self::ClosedUnseen { symbol, .. }
            | Self::Liquidated { symbol, .. }
            | Self::ForeignFee { symbol }
            | Self::NotSet { symbol, .. }
            | Self::MarginCall { symbol }
            | Self::ReduceOnly { symbol, .. } => Some(*symbol),
            _ => None,
        }
    }

    /// Notes that are not about one order.
    fn of_the_way(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Puzzling { status, code, words } => write!(
                f,
                "an answer this version does not know: status {status}, code {code}, {words}; \
                 look it up before trading on"
            ),
            Self::Stop { code, words } => write!(
                f,
                "the exchange refuses this account or key: code {code}, {words}; no more entries, \
                 check key, permissions and region"
            ),
            Self::Closed { until, status } => write!(
                f,
                "status {status}: nothing goes to the exchange until {}; stops rest there",
                until.utc()
            ),
            Self::Clock { offset, trip } => write!(
                f,
                "clock set: the exchange is {} ms ahead, round trip {} ms",
                offset.as_millis(),
                trip.as_millis()
            ),
            Self::UserStreamLost => {
                f.write_str("user stream lost; entries wait until the account is read again")
            }
            Self::UserStreamReady => f.write_str("user stream ready, account read"),
            Self::NotSet { leverage, isolated, .. } => write!(
                f,
                "leverage {leverage} and isolated={isolated} were read back, not what was set; \
                 the symbol is not entered"
            ),
            Self::MarginCall { .. } => f.write_str("the exchange calls for margin"),
            Self::ReduceOnly { code, .. } => {
                write!(f, "code {code}: the symbol may only be reduced and is not entered any more")
            }
            Self::Stopped { purpose, why } => {
                write!(f, "the gateway stopped {purpose:?}: {why}; it was not sent")
            }
            Self::Fenced => f.write_str(
                "fenced off: nothing is sent to the exchange any more; stops rest there",
            ),
            Self::UserStreamSilent => {
                f.write_str("the user stream is open and silent; it is opened again")
            }
            other => other.of_the_account(f),
        }
    }

    /// Notes about what is on the account.
    fn of_the_account(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOrder { client, .. } => {
                write!(f, "order {client} was not made here; it is left alone")
            }
            Self::ForeignFill { qty, px, .. } => {
                write!(f, "{qty} at {px} was traded by somebody else on a position of ours")
            }
            Self::ForeignPosition { qty, .. } => write!(
                f,
                "a position of {qty} was not opened here; it is left alone, and its symbol must \
                 not be traded"
            ),
            Self::EarlierPosition { qty, session, .. } => write!(
                f,
                "a position of {qty} is of the earlier session {session:016x}, whose orders \
                 protect it; it is left alone: continue that session with --resume, close the \
                 position by hand, or start with --set venue.foreign=adopt"
            ),
            Self::Adopted { qty, .. } => write!(
                f,
                "a position of {qty} was not opened here; it is taken over, as venue.foreign says"
            ),
            Self::Leftover { id, .. } => {
                write!(f, "{id} is of an earlier session and protects nothing; it is cancelled")
            }
            Self::FiltersChanged { filters, .. } => write!(
                f,
                "the exchange has changed the filters: tick {}, step {}, quantity {} to {}, \
                 notional from {}",
                filters.tick, filters.step, filters.qty_min, filters.qty_max, filters.notional_min
            ),
            Self::Mismatch { booked, held, .. } => {
                write!(f, "booked {booked}, the exchange holds {held}; its fills are asked for")
            }
            Self::ClosedUnseen { booked, held, .. } => write!(
                f,
                "booked {booked}, the exchange holds {held}, and no fill explains it; its figure \
                 is taken, look up who closed it"
            ),
            Self::ForeignElsewhere { name, qty } => write!(
                f,
                "a position of {qty} in {name}, which is not traded here; it is left alone"
            ),
            Self::Wallet { balance, booked } => {
                write!(f, "wallet {balance}, booked {booked}: the exchange's figure is taken")
            }
            Self::Liquidated { qty, .. } => write!(f, "the exchange closed {qty} by itself"),
            Self::ForeignFee { .. } => {
                f.write_str("commission was paid in another asset and is not in the figures")
            }
            // Told above.
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "no byte was sent",
            Self::Timeout => "no answer in time",
            Self::Cut => "the connection ended before the answer",
            Self::Malformed => "the answer is not HTTP",
            Self::Stopped => "the gateway stopped it",
            Self::Capped => "too many orders in this time",
        })
    }
}
