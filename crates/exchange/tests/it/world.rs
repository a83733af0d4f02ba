//! A small world: instruments, minutes and orders in few words.

use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_types::{
    Bracket, ClientOrderId, Command, EventBody, Fill, Instrument, InstrumentOrigin, Money, Nanos,
    Order, OrderReason, OrderType, OrderUpdate, Px, Qty, Rate, RejectCode, Side, SymbolId, Tick,
    TickBody, Venue,
};

pub fn px(text: &str) -> Px {
    text.parse().unwrap()
}

pub fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub fn instrument(index: u16) -> Instrument {
    let bracket = |floor, cap, r, deduction, leverage_max| Bracket {
        floor: Money::whole(floor),
        cap: Money::whole(cap),
        rate: rate(r),
        deduction: money(deduction),
        leverage_max,
    };
    Instrument {
        symbol: SymbolId(index),
        name: format!("TEST{index}USDT"),
        tick: px("0.1"),
        step: qty("0.001"),
        qty_min: qty("0.001"),
        qty_max: qty("1000"),
        notional_min: money("5"),
        taker_fee: rate("0.0005"),
        maker_fee: rate("0.0002"),
        liquidation_fee: rate("0.0125"),
        funding_interval: Nanos::HOUR.times(8),
        brackets: vec![
            bracket(0, 50_000, "0.005", "0", 75),
            bracket(50_000, 1_000_000, "0.01", "250", 50),
        ],
        origin: InstrumentOrigin::Derived,
    }
}

/// No slippage, so that prices can be stated exactly.
pub fn plain() -> ExchangeConfig {
    ExchangeConfig { slippage_bps: 0.0, ..ExchangeConfig::default() }
}

pub struct World {
    pub exchange: Exchange,
    pub now: Nanos,
    number: u32,
}

impl World {
    pub fn new(config: ExchangeConfig) -> Self {
        let exchange = Exchange::new(config, &[instrument(0), instrument(1)]).unwrap();
        Self { exchange, now: Nanos::ZERO, number: 0 }
    }

    /// Minute 0 opened and closed at `px`, leverage 10 on symbol 0, and nothing else.
    pub fn at_price(config: ExchangeConfig, px: &str) -> Self {
        let mut world = Self::new(config);
        world.open(px);
        world.candle(px, px, px, px);
        world.leverage(10);
        world
    }

    pub fn body(&mut self, symbol: u16, body: TickBody) -> Vec<EventBody> {
        let tick =
            Tick { symbol: SymbolId(symbol), derived: false, at: self.now, received_us: 0, body };
        let mut answers = Vec::new();
        self.exchange.on_market(self.now, &tick, &mut answers);
        answers
    }

    pub fn open(&mut self, open: &str) -> Vec<EventBody> {
        self.body(0, TickBody::Open { px: px(open), funding: None })
    }

    /// Closes the minute that began at `now`; afterwards it is the next minute.
    pub fn candle(&mut self, o: &str, h: &str, l: &str, c: &str) -> Vec<EventBody> {
        self.now = self.now.after(Nanos::MINUTE);
        self.body(
            0,
            TickBody::Candle { open: px(o), high: px(h), low: px(l), close: px(c), volume: 1.0 },
        )
    }

    pub fn book(&mut self, bid: &str, ask: &str) -> Vec<EventBody> {
        let (bid, ask, one) = (px(bid), px(ask), qty("1"));
        self.body(0, TickBody::Book { bid, bid_qty: one, ask, ask_qty: one, update_id: 0 })
    }

    pub fn trade(&mut self, price: &str) -> Vec<EventBody> {
        let px = px(price);
        self.body(0, TickBody::Trade { px, qty: qty("1"), id: 0, buyer_is_maker: false })
    }

    pub fn mark(&mut self, price: &str, r: &str, next_funding: Nanos) -> Vec<EventBody> {
        let mark = px(price);
        self.body(0, TickBody::Mark { mark, index: mark, rate: rate(r), next_funding })
    }

    pub fn order(&mut self, kind: OrderType, side: Side, quantity: &str) -> Order {
        self.number += 1;
        Order {
            id: ClientOrderId { session: 9, number: self.number },
            symbol: SymbolId(0),
            side,
            kind,
            reason: OrderReason::Entry,
            reduce_only: false,
            qty: qty(quantity),
            price: Px::ZERO,
            trigger: Px::ZERO,
        }
    }

    pub fn send(&mut self, order: Order) -> Vec<EventBody> {
        self.execute(Command::Submit { order })
    }

    pub fn execute(&mut self, command: Command) -> Vec<EventBody> {
        let mut answers = Vec::new();
        self.exchange.execute(self.now, &command, &mut answers);
        answers
    }

    pub fn leverage(&mut self, leverage: u16) -> Vec<EventBody> {
        self.execute(Command::SetLeverage { symbol: SymbolId(0), leverage })
    }

    /// Sends an order that must be accepted.
    pub fn accepted(&mut self, order: Order) -> ClientOrderId {
        let answers = self.send(order);
        let symbol = order.symbol;
        let update = OrderUpdate::Accepted;
        assert_eq!(answers, [EventBody::Order { id: order.id, symbol, update }]);
        order.id
    }

    pub fn market(&mut self, side: Side, quantity: &str) -> ClientOrderId {
        let order = self.order(OrderType::Market, side, quantity);
        self.accepted(order)
    }

    /// A reduce-only stop or target.
    pub fn exit(&mut self, kind: OrderType, side: Side, q: &str, trigger: &str) -> ClientOrderId {
        let order = self.order(kind, side, q);
        self.accepted(Order { reduce_only: true, trigger: px(trigger), ..order })
    }

    pub fn limit(&mut self, side: Side, quantity: &str, price: &str) -> ClientOrderId {
        let order = self.order(OrderType::Limit, side, quantity);
        self.accepted(Order { price: px(price), ..order })
    }

    /// A position entered at `px` in the minute that has just opened there.
    pub fn holding(config: ExchangeConfig, side: Side, quantity: &str, at: &str) -> Self {
        let mut world = Self::at_price(config, at);
        world.market(side, quantity);
        let answers = world.open(at);
        assert_eq!(fills(&answers).len(), 1, "{answers:?}");
        world
    }
}

/// All executions among answers.
pub fn fills(answers: &[EventBody]) -> Vec<Fill> {
    answers
        .iter()
        .filter_map(|body| match body {
            EventBody::Order { update: OrderUpdate::Filled { fill }, .. } => Some(*fill),
            _ => None,
        })
        .collect()
}

/// The one execution among answers.
pub fn fill(answers: &[EventBody]) -> Fill {
    let all = fills(answers);
    assert_eq!(all.len(), 1, "{answers:?}");
    all[0]
}

/// The code with which the only answer refuses.
pub fn refusal(answers: &[EventBody]) -> RejectCode {
    match answers {
        [EventBody::Order { update: OrderUpdate::Rejected { code }, .. }] => *code,
        other => panic!("no refusal: {other:?}"),
    }
}

/// Was this order ended without (more) fills?
pub fn expired(answers: &[EventBody], order: ClientOrderId) -> bool {
    answers.iter().any(|body| {
        matches!(body, EventBody::Order { id, update: OrderUpdate::Expired, .. } if *id == order)
    })
}
