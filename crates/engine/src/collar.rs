//! The price collar: an entry's price against mark, last price and book, all of them fresh.
//!
//! A market order fills wherever the book is. So before one leaves, three questions: is there a
//! price to hold it against; is the price that sized it still that price; and is what it would pay
//! now near both. Where a session declares that mark is last (its market is made from candles),
//! there is neither a mark nor a book to ask, and the last price alone is.

use crate::config::EngineConfig;
use crate::risk::Reject;
use crate::universe::Market;
use aegis_types::defect::{self, Defect};
use aegis_types::{DenialCode, Nanos, Px, Side};

/// The price that an entry would pay now, and the furthest of all prices from what they are held
/// against, as a fraction.
pub(crate) fn check(
    config: &EngineConfig,
    market: &Market,
    side: Side,
    decided_at: Px,
    at: Nanos,
) -> Result<f64, Reject> {
    let quotes = &market.quotes;
    let fresh = |px: Px, seen: Nanos| {
        let limit = config.reference_stale;
        let age = at.since(seen);
        let seconds = |span: Nanos| span.0 as f64 / Nanos::SECOND.0 as f64;
        if px.is_positive() && (age <= limit || defect::on(Defect::AcceptStale)) {
            return Ok(px);
        }
        let age = if px.is_positive() { seconds(age) } else { -1.0 };
        Err(Reject::new(DenialCode::NoReference, age, seconds(limit)))
    };
    let (mark, last, pays) = if config.mark_is_last {
        if !market.last.is_positive() {
            return Err(Reject::new(DenialCode::NoReference, -1.0, 0.0));
        }
        (market.last, market.last, market.last)
    } else {
        let mark = fresh(quotes.mark, quotes.mark_at)?;
        let last = fresh(market.last, quotes.last_at)?;
        let (bid, ask) = (fresh(quotes.bid, quotes.book_at)?, fresh(quotes.ask, quotes.book_at)?);
        if bid >= ask {
            return Err(Reject::new(DenialCode::CrossedBook, bid.to_f64(), ask.to_f64()));
        }
        (mark, last, if side == Side::Buy { ask } else { bid })
    };
    let mut furthest = 0.0;
    for (px, reference) in [(decided_at, last), (decided_at, mark), (pays, last), (pays, mark)] {
        let distance = (px.to_f64() - reference.to_f64()).abs() / reference.to_f64();
        // Written so that nothing passes that is no number.
        let within = distance <= config.price_collar;
        if !within {
            return Err(Reject::new(DenialCode::PriceCollar, distance, config.price_collar));
        }
        furthest = distance.max(furthest);
    }
    Ok(furthest)
}
