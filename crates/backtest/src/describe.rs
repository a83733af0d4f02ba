//! Journal records as one line of text, with symbols by name.

use aegis_journal::Kind;
use aegis_types::{
    AccountUpdate, Command, Event, EventBody, Fill, Nanos, Order, OrderUpdate, Px, SymbolTable,
    Tick, TickBody,
};

/// Writes events and commands with the names of one session.
pub(crate) struct Describe<'a>(pub &'a SymbolTable);

impl Describe<'_> {
    /// A record's bytes, of any kind.
    pub fn record(&self, kind: Kind, payload: &[u8]) -> String {
        match kind {
            Kind::Header | Kind::Node => String::from_utf8_lossy(payload).into_owned(),
            Kind::Command => match Command::decode(payload) {
                Ok((at, command)) => self.command(at, &command),
                Err(e) => format!("a command that cannot be read: {e}"),
            },
            _ => match Event::decode(payload) {
                Ok(event) => self.event(&event),
                Err(e) => format!("an event that cannot be read: {e}"),
            },
        }
    }

    /// An event, with its number and time.
    pub fn event(&self, event: &Event) -> String {
        let what = match &event.body {
            EventBody::Market(tick) => self.tick(tick),
            EventBody::Order { id, symbol, update } => {
                format!("order {id} {} {}", self.0.name(*symbol), update_text(update))
            }
            EventBody::Account(update) => self.account(update),
            EventBody::Timer { id } => format!("timer {id}"),
            EventBody::Operator(operator) => format!("operator {operator}"),
            EventBody::Condition(condition) => format!("condition {condition}"),
            EventBody::Memory(memory) => format!("memory of {memory}"),
        };
        format!("event {} {} {what}", event.seq, time(event.at))
    }

    /// A command, with the time it was given.
    pub fn command(&self, at: Nanos, command: &Command) -> String {
        let what = match command {
            Command::Submit { order } => self.order(order),
            Command::Cancel { id, symbol } => format!("cancel {id} {}", self.0.name(*symbol)),
            Command::SetLeverage { symbol, leverage } => {
                format!("set leverage {} {leverage}", self.0.name(*symbol))
            }
            Command::WakeAt { at, id } => format!("wake at {} timer {id}", time(*at)),
        };
        format!("command {} {what}", time(at))
    }

    fn order(&self, order: &Order) -> String {
        let mut text = format!(
            "submit {} {} {} {} {} for {}",
            order.id,
            self.0.name(order.symbol),
            order.side,
            order.kind,
            order.qty,
            order.reason
        );
        for (what, px) in [("at", order.price), ("trigger", order.trigger)] {
            if px != Px::ZERO {
                text.push_str(&format!(" {what} {px}"));
            }
        }
        if order.reduce_only {
            text.push_str(" reduce-only");
        }
        text
    }

    fn tick(&self, tick: &Tick) -> String {
        let what = match &tick.body {
            TickBody::Open { px, funding: None } => format!("open {px}"),
            TickBody::Open { px, funding: Some(rate) } => format!("open {px} funding {rate}"),
            TickBody::Candle { open, high, low, close, volume } => {
                format!("candle {open} {high} {low} {close} volume {volume}")
            }
            TickBody::Book { bid, bid_qty, ask, ask_qty, .. } => {
                format!("book {bid} x {bid_qty} / {ask} x {ask_qty}")
            }
            TickBody::Mark { mark, rate, .. } => format!("mark {mark} funding {rate}"),
            TickBody::Trade { px, qty, .. } => format!("trade {qty} at {px}"),
            TickBody::Gap { missing } => format!("gap, {missing} facts missing"),
            TickBody::End => return "end of the data".into(),
        };
        format!("{} {what}", self.0.name(tick.symbol))
    }

    fn account(&self, update: &AccountUpdate) -> String {
        match update {
            AccountUpdate::Funding { symbol, amount, rate, mark } => {
                format!("funding {} {amount} (rate {rate} at {mark})", self.0.name(*symbol))
            }
            AccountUpdate::Wallet { balance } => format!("wallet {balance}"),
            AccountUpdate::Leverage { symbol, leverage } => {
                format!("leverage {} is {leverage}", self.0.name(*symbol))
            }
            AccountUpdate::Position { found } => format!(
                "{} {} {} at {} is taken over, stop {}",
                self.0.name(found.symbol),
                found.side,
                found.qty,
                found.entry,
                found.stop
            ),
            AccountUpdate::Filters { symbol, filters } => format!(
                "filters {}: tick {} step {} quantity {} to {} notional from {}",
                self.0.name(*symbol),
                filters.tick,
                filters.step,
                filters.qty_min,
                filters.qty_max,
                filters.notional_min
            ),
        }
    }
}

fn update_text(update: &OrderUpdate) -> String {
    match update {
        OrderUpdate::Accepted => "accepted".into(),
        OrderUpdate::Rejected { code } => format!("rejected: {code}"),
        OrderUpdate::Filled { fill } => fill_text(fill),
        OrderUpdate::Canceled => "canceled".into(),
        OrderUpdate::Expired => "expired".into(),
        OrderUpdate::Unknown => "unknown".into(),
    }
}

fn fill_text(fill: &Fill) -> String {
    format!(
        "filled {} {} at {} ({}), leaves {}, fee {}, realized {}",
        fill.side, fill.qty, fill.px, fill.reason, fill.leaves, fill.fee, fill.realized
    )
}

/// To the nanosecond where it matters: whole seconds are written as such.
fn time(at: Nanos) -> String {
    let rest = at.0.rem_euclid(Nanos::SECOND.0);
    if rest == 0 { at.utc().to_string() } else { format!("{}.{rest:09}", at.utc()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{ClientOrderId, OrderReason, OrderType, Qty, Side, SymbolId};

    #[test]
    fn a_record_reads_as_a_sentence() {
        let symbols = SymbolTable::new(["BTCUSDT"]).unwrap();
        let order = Order {
            id: ClientOrderId { session: 255, number: 7 },
            symbol: SymbolId(0),
            side: Side::Sell,
            kind: OrderType::StopMarket,
            reason: OrderReason::Stop,
            reduce_only: true,
            qty: Qty::parse(b"0.5").unwrap(),
            price: Px::ZERO,
            trigger: Px::whole(60_000),
        };
        let bytes = Command::Submit { order }.encode(Nanos(1_500_000_000));
        assert_eq!(
            Describe(&symbols).record(Kind::Command, bytes.as_bytes()),
            "command 1970-01-01 00:00:01.500000000 submit aegis-00000000000000ff-7 BTCUSDT SELL \
             STOP_MARKET 0.5 for stop trigger 60000 reduce-only"
        );
        let body = EventBody::Timer { id: 3 };
        let bytes = Event { seq: 9, at: Nanos::MINUTE, body }.encode();
        let text = Describe(&symbols).record(Kind::Timer, bytes.as_bytes());
        assert_eq!(text, "event 9 1970-01-01 00:01:00 timer 3");
        let cut = Describe(&symbols).record(Kind::Timer, &bytes.as_bytes()[1..4]);
        assert!(cut.starts_with("an event that cannot be read"), "{cut}");
        assert_eq!(Describe(&symbols).record(Kind::Node, b"{}"), "{}");
    }
}
