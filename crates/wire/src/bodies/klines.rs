//! Candles by REST: rows of twelve values, read by the scanner into a buffer that is kept.

use crate::careful::Careful;
use crate::error::{Fault, ScanError};
use crate::tokens::Tokens;
use aegis_types::{Nanos, Px, SymbolId, Tick, TickBody};
use alloc::vec::Vec;

/// One candle. The last row of an answer is normally still open: only those with
/// [`KlineRow::is_closed`] may be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KlineRow {
    /// First instant, in milliseconds.
    pub open_ms: i64,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Volume in base units.
    pub volume: f64,
    /// Last millisecond: open + interval − 1.
    pub close_ms: i64,
    /// Volume in quote units.
    pub quote_volume: f64,
    /// Number of trades.
    pub trades: u64,
}

impl KlineRow {
    /// Has it closed, by the server's clock?
    pub const fn is_closed(&self, server_ms: i64) -> bool {
        self.close_ms < server_ms
    }

    /// The tick of a closed 1m candle, as the stream and a recorded file would give it.
    pub fn tick(&self, symbol: SymbolId) -> Tick {
        let Self { open, high, low, close, volume, .. } = *self;
        Tick {
            symbol,
            derived: false,
            at: Nanos::from_millis(self.close_ms.saturating_add(1)),
            received_us: 0,
            body: TickBody::Candle { open, high, low, close, volume },
        }
    }
}

/// Reads the answer of `klines`, `continuousKlines` and their like; `rows` is cleared first.
///
/// # Errors
/// [`ScanError`] with the offset of the first byte that does not fit.
pub fn klines(body: &[u8], rows: &mut Vec<KlineRow>) -> Result<(), ScanError> {
    rows.clear();
    let mut s = Careful::new(body);
    let mut more = s.open_list()?;
    while more {
        if !s.open_list()? {
            return s.fail(Fault::Expected("a candle"));
        }
        rows.push(row(&mut s)?);
        more = s.more_list()?;
    }
    s.end()
}

/// One row, from behind its bracket to behind its other bracket. Further values are skipped.
fn row(s: &mut Careful<'_>) -> Result<KlineRow, ScanError> {
    let open_ms = s.int()?;
    let mut px = || {
        s.comma()?;
        s.px()
    };
    let (open, high, low, close) = (px()?, px()?, px()?, px()?);
    s.comma()?;
    let volume = s.float()?;
    s.comma()?;
    let close_ms = s.int()?;
    s.comma()?;
    let quote_volume = s.float()?;
    s.comma()?;
    let trades = s.uint()?;
    while s.more_list()? {
        s.skip()?;
    }
    Ok(KlineRow { open_ms, open, high, low, close, volume, close_ms, quote_volume, trades })
}
