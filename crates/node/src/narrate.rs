//! What happened, in one line for people: the log's and the live view's words.

use aegis_types::{
    AccountUpdate, Alert, Cause, Notice, OrderReason, OrderUpdate, Reason, Signal, SymbolTable,
    TradingState,
};
use std::fmt::Write;

/// A notice worth telling, as text; `None` for the many that are not.
pub fn line(notice: &Notice, symbols: &SymbolTable) -> Option<String> {
    Some(match notice {
        Notice::Signal(signal) => of_signal(signal, symbols),
        Notice::Filled { fill, reason } => format!(
            "{} {} {} at {} ({reason}, {}), fee {}",
            symbols.name(fill.symbol),
            fill.side,
            fill.qty,
            fill.px,
            fill.reason,
            fill.fee
        ),
        Notice::Closed(trade) => format!(
            "{} {} closed by {}: {} → {}, net {} USDT ({:+.2} R)",
            symbols.name(trade.symbol),
            trade.side.position_name(),
            trade.exit_reason,
            trade.entry_px,
            trade.exit_px,
            trade.net,
            trade.r_multiple
        ),
        Notice::OrderSent(order) if order.reason == OrderReason::Rotation => {
            format!("{} closes to make room for a stronger signal", symbols.name(order.symbol))
        }
        Notice::OrderUpdated { id, symbol, update: OrderUpdate::Rejected { code } } => {
            format!("{} order {id} rejected: {code}", symbols.name(*symbol))
        }
        Notice::Account(AccountUpdate::Funding { symbol, amount, rate, .. }) => {
            format!("{} funding {amount} USDT at rate {rate}", symbols.name(*symbol))
        }
        Notice::Trading { state: TradingState::Active, .. } => "entries allowed".into(),
        Notice::Trading { state, cause } => {
            let why = cause.map_or("", Cause::meaning);
            format!("entries stopped ({state}): {why}")
        }
        Notice::Alert(alert) => format!("ALERT {}: {}", alert.code, self::alert(alert, symbols)),
        _ => return None,
    })
}

/// An alert with its numbers.
pub fn alert(alert: &Alert, symbols: &SymbolTable) -> String {
    let Alert { code, symbol, measured, limit } = alert;
    let [meaning, what, allowed] = code.meaning();
    let of = symbol.map_or("", |symbol| symbols.name(symbol));
    let space = if of.is_empty() { "" } else { " " };
    format!("{of}{space}{meaning} ({what}: {measured}, {allowed}: {limit})")
}

fn of_signal(signal: &Signal, symbols: &SymbolTable) -> String {
    let mut text = format!(
        "{} {} {:.2} at {} stop {} target {} |",
        symbols.name(signal.symbol),
        signal.side.position_name(),
        signal.confidence,
        signal.reference,
        signal.stop,
        signal.target
    );
    for Reason { component, adds } in signal.reasons.iter().filter(|r| r.adds != 0.0) {
        // Writing to a String cannot fail.
        let _ = write!(text, " {component} {adds:+.3}");
    }
    text
}
