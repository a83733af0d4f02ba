//! How many rows a second a database takes, on this machine.
//!
//! `cargo run --release -p aegis-store --example rows [URL]`: equity, order and fill rows in
//! batches of 1,000, each batch one transaction; without a URL an SQLite file in the temporary
//! folder. Medians of five; nothing else may run beside it.

use aegis_store::{Projector, SessionRow, Store};
use aegis_types::{
    ClientOrderId, Fill, FillReason, Money, Nanos, Notice, Order, OrderReason, OrderType, Px, Qty,
    Side, SymbolId, SymbolTable,
};
use std::time::Instant;

fn notices(n: u32) -> [Notice; 3] {
    let id = ClientOrderId { session: 1, number: n };
    let (symbol, side, qty) = (SymbolId(0), Side::Buy, Qty::from_raw(i64::from(n) * 1_000));
    let order = Order {
        id,
        symbol,
        side,
        kind: OrderType::Market,
        reason: OrderReason::Entry,
        reduce_only: false,
        qty,
        price: Px::ZERO,
        trigger: Px::ZERO,
    };
    let fill = Fill {
        order: id,
        trade_id: u64::from(n),
        symbol,
        side,
        maker: false,
        reason: FillReason::NextPrice,
        px: Px::from_raw(6_000_010_000_000 + i64::from(n)),
        qty,
        leaves: Qty::ZERO,
        fee: Money::from_raw(15_000_000),
        realized: Money::ZERO,
        margin: Money::whole(100),
        venue_time: Nanos(i64::from(n)),
    };
    [
        Notice::OrderSent(order),
        Notice::Filled { fill, reason: OrderReason::Entry },
        Notice::Equity {
            wallet: Money::whole(10_000),
            unrealized: Money::from_raw(-123_456_789),
            exposure: Money::whole(30_000),
            positions: 1,
        },
    ]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join(format!("aegis-rows-{}.db", std::process::id()));
    let url = std::env::args().nth(1).unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let mut store = Store::open(&url)?;
    let symbols = SymbolTable::new(["BTCUSDT"])?;
    let mut rates = Vec::new();
    for round in 0..5 {
        let session = format!("speed-{round}");
        let mut projector = Projector::new(&session, &symbols, SessionRow::default());
        let mut rows = Vec::new();
        for n in 0..50_000 {
            for notice in notices(n) {
                projector.notice(Nanos(i64::from(n)), u64::from(n), &notice, &mut rows);
            }
        }
        store.forget(&session)?;
        let start = Instant::now();
        for batch in rows.chunks(1_000) {
            store.write(batch)?;
        }
        rates.push(rows.len() as f64 / start.elapsed().as_secs_f64());
        store.forget(&session)?;
    }
    rates.sort_by(f64::total_cmp);
    println!("{}: {:.0} rows/s", store.url(), rates[rates.len() / 2]);
    for ending in ["", "-wal", "-shm"] {
        // Not there when the URL named another database.
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(())
}
