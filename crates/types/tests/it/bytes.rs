//! Every tick, event and command survives its bytes.

use aegis_types::{
    AccountUpdate, Cause, ClientOrderId, CodecError, Command, Condition, ENCODED_MAX, Event,
    EventBody, Fill, FillReason, Filters, FoundPosition, Money, Nanos, Operator, Order,
    OrderReason, OrderType, OrderUpdate, Px, Qty, Rate, RejectCode, RiskMemory, Side, SymbolId,
    Tick, TickBody, UnknownKind, order_bytes,
};
use proptest::prelude::*;

fn px() -> impl Strategy<Value = Px> {
    any::<i64>().prop_map(Px::from_raw)
}

fn qty() -> impl Strategy<Value = Qty> {
    any::<i64>().prop_map(Qty::from_raw)
}

fn money() -> impl Strategy<Value = Money> {
    any::<i64>().prop_map(Money::from_raw)
}

fn rate() -> impl Strategy<Value = Rate> {
    any::<i64>().prop_map(Rate::from_raw)
}

fn nanos() -> impl Strategy<Value = Nanos> {
    any::<i64>().prop_map(Nanos)
}

fn symbol() -> impl Strategy<Value = SymbolId> {
    any::<u16>().prop_map(SymbolId)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn id() -> impl Strategy<Value = ClientOrderId> {
    (any::<u64>(), any::<u32>()).prop_map(|(session, number)| ClientOrderId { session, number })
}

fn tick_body() -> impl Strategy<Value = TickBody> {
    prop_oneof![
        (px(), prop::option::of(rate())).prop_map(|(px, funding)| TickBody::Open { px, funding }),
        (px(), px(), px(), px(), -1e300..1e300).prop_map(|(open, high, low, close, volume)| {
            TickBody::Candle { open, high, low, close, volume }
        }),
        (px(), qty(), px(), qty(), any::<u64>()).prop_map(
            |(bid, bid_qty, ask, ask_qty, update_id)| TickBody::Book {
                bid,
                bid_qty,
                ask,
                ask_qty,
                update_id
            }
        ),
        (px(), px(), rate(), nanos()).prop_map(|(mark, index, rate, next_funding)| {
            TickBody::Mark { mark, index, rate, next_funding }
        }),
        (px(), qty(), any::<u64>(), any::<bool>()).prop_map(|(px, qty, id, buyer_is_maker)| {
            TickBody::Trade { px, qty, id, buyer_is_maker }
        }),
        any::<u64>().prop_map(|missing| TickBody::Gap { missing }),
        Just(TickBody::End),
    ]
}

fn tick() -> impl Strategy<Value = Tick> {
    (symbol(), any::<bool>(), nanos(), any::<u32>(), tick_body()).prop_map(
        |(symbol, derived, at, received_us, body)| Tick { symbol, derived, at, received_us, body },
    )
}

fn fill() -> impl Strategy<Value = Fill> {
    let who = (id(), any::<u64>(), symbol(), side(), any::<bool>());
    let what = (px(), qty(), qty(), money(), money(), money(), nanos());
    (who, prop::sample::select(FillReason::ALL), what).prop_map(|(who, reason, what)| {
        let (order, trade_id, symbol, side, maker) = who;
        let (px, qty, leaves, fee, realized, margin, venue_time) = what;
        Fill {
            order,
            trade_id,
            symbol,
            side,
            maker,
            reason,
            px,
            qty,
            leaves,
            fee,
            realized,
            margin,
            venue_time,
        }
    })
}

fn order_update() -> impl Strategy<Value = OrderUpdate> {
    prop_oneof![
        Just(OrderUpdate::Accepted),
        prop::sample::select(RejectCode::ALL).prop_map(|code| OrderUpdate::Rejected { code }),
        fill().prop_map(|fill| OrderUpdate::Filled { fill }),
        Just(OrderUpdate::Canceled),
        Just(OrderUpdate::Expired),
        Just(OrderUpdate::Unknown),
    ]
}

fn account_update() -> impl Strategy<Value = AccountUpdate> {
    prop_oneof![
        (symbol(), money(), rate(), px()).prop_map(|(symbol, amount, rate, mark)| {
            AccountUpdate::Funding { symbol, amount, rate, mark }
        }),
        money().prop_map(|balance| AccountUpdate::Wallet { balance }),
        (symbol(), any::<u16>())
            .prop_map(|(symbol, leverage)| AccountUpdate::Leverage { symbol, leverage }),
        (symbol(), side(), qty(), (px(), px(), px()), money()).prop_map(
            |(symbol, side, qty, (entry, mark, stop), margin)| AccountUpdate::Position {
                found: FoundPosition { symbol, side, qty, entry, mark, margin, stop },
            }
        ),
        (symbol(), px(), (qty(), qty(), qty()), money()).prop_map(
            |(symbol, tick, (step, qty_min, qty_max), notional_min)| AccountUpdate::Filters {
                symbol,
                filters: Filters { tick, step, qty_min, qty_max, notional_min },
            }
        ),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let numbers = (any::<bool>(), any::<i64>(), any::<i64>());
    (prop::sample::select(Cause::ALL), numbers)
        .prop_map(|(cause, (on, measured, limit))| Condition { cause, on, measured, limit })
}

fn memory() -> impl Strategy<Value = RiskMemory> {
    (nanos(), money(), money(), any::<[bool; 3]>()).prop_map(|(day_end, day_start, peak, flags)| {
        let [day_lost, drawn_down, halted] = flags;
        RiskMemory { day_end, day_start, day_lost, peak, drawn_down, halted }
    })
}

fn event() -> impl Strategy<Value = Event> {
    let body = prop_oneof![
        tick().prop_map(EventBody::Market),
        (id(), symbol(), order_update()).prop_map(|(id, symbol, update)| EventBody::Order {
            id,
            symbol,
            update
        }),
        account_update().prop_map(EventBody::Account),
        any::<u64>().prop_map(|id| EventBody::Timer { id }),
        prop::sample::select(Operator::ALL).prop_map(EventBody::Operator),
        condition().prop_map(EventBody::Condition),
        memory().prop_map(EventBody::Memory),
    ];
    (any::<u64>(), nanos(), body).prop_map(|(seq, at, body)| Event { seq, at, body })
}

fn order() -> impl Strategy<Value = Order> {
    let codes = (
        side(),
        prop::sample::select(OrderType::ALL),
        prop::sample::select(OrderReason::ALL),
        any::<bool>(),
    );
    (id(), symbol(), codes, qty(), px(), px()).prop_map(
        |(id, symbol, (side, kind, reason, reduce_only), qty, price, trigger)| Order {
            id,
            symbol,
            side,
            kind,
            reason,
            reduce_only,
            qty,
            price,
            trigger,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        order().prop_map(|order| Command::Submit { order }),
        (id(), symbol()).prop_map(|(id, symbol)| Command::Cancel { id, symbol }),
        (symbol(), any::<u16>())
            .prop_map(|(symbol, leverage)| Command::SetLeverage { symbol, leverage }),
        (nanos(), any::<u64>()).prop_map(|(at, id)| Command::WakeAt { at, id }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn ticks_survive_their_words(tick in tick()) {
        let words = tick.to_words();
        prop_assert_eq!(Tick::from_words(&words), Ok(tick));
        // Kind and symbol can be read without the rest, as a tool on the ring does.
        prop_assert_eq!(words[0] as u16, tick.symbol.0);
        prop_assert_eq!(tick.candle().is_some(), matches!(tick.body, TickBody::Candle { .. }));
    }

    #[test]
    fn any_words_are_a_tick_or_an_unknown_kind(words in any::<[u64; 7]>()) {
        let kind = (words[0] >> 16) as u8;
        match Tick::from_words(&words) {
            Ok(tick) => {
                prop_assert!((1..=7).contains(&kind));
                let again = Tick::from_words(&tick.to_words()).map(|t| t.to_words());
                prop_assert_eq!(again, Ok(tick.to_words()));
            }
            Err(UnknownKind(found)) => {
                prop_assert_eq!(found, kind);
                prop_assert!(!(1..=7).contains(&kind));
            }
        }
    }

    #[test]
    fn events_survive_their_bytes(event in event(), extra in any::<u8>()) {
        let encoded = event.encode();
        let bytes = encoded.as_bytes();
        prop_assert!(bytes.len() <= ENCODED_MAX);
        prop_assert_eq!(Event::decode(bytes), Ok(event));
        for end in 0..bytes.len() {
            prop_assert_eq!(Event::decode(&bytes[..end]), Err(CodecError::Short));
        }
        let longer = [bytes, &[extra]].concat();
        prop_assert_eq!(Event::decode(&longer), Err(CodecError::Long));
        if matches!(event.body, EventBody::Market(_)) {
            prop_assert_eq!(bytes.len(), 73);
        }
    }

    #[test]
    fn commands_survive_their_bytes(command in command(), at in nanos(), extra in any::<u8>()) {
        let encoded = command.encode(at);
        let bytes = encoded.as_bytes();
        prop_assert!(bytes.len() <= ENCODED_MAX);
        prop_assert_eq!(Command::decode(bytes), Ok((at, command)));
        for end in 0..bytes.len() {
            prop_assert_eq!(Command::decode(&bytes[..end]), Err(CodecError::Short));
        }
        let longer = [bytes, &[extra]].concat();
        prop_assert_eq!(Command::decode(&longer), Err(CodecError::Long));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..8,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if let Ok(event) = Event::decode(&bytes) {
            prop_assert!(event.encode().as_bytes().len() <= bytes.len());
        }
        if let Ok((at, command)) = Command::decode(&bytes) {
            // Commands have no room for anything else: the bytes are canonical.
            let encoded = command.encode(at);
            prop_assert_eq!(encoded.as_bytes(), &bytes[..]);
        }
    }

    #[test]
    fn a_changed_byte_is_another_event_or_none(
        event in event(), place in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let encoded = event.encode();
        let mut bytes = encoded.as_bytes().to_vec();
        let at = place.index(bytes.len());
        bytes[at] ^= flip;
        // The reserved words of short ticks mean nothing; everything else does.
        if let Ok(other) = Event::decode(&bytes) && other.encode() == encoded {
            prop_assert!(matches!(event.body, EventBody::Market(_)), "byte {}", at);
        }
    }

    #[test]
    fn the_digest_sees_what_is_ordered_and_no_ids(
        at in nanos(), one in order(), other in id(), place in 0usize..8,
    ) {
        let renamed = Order { id: other, ..one };
        prop_assert_eq!(order_bytes(at, &one), order_bytes(at, &renamed));
        let mut changed = one;
        match place {
            0 => changed.symbol.0 ^= 1,
            1 => changed.side = one.side.opposite(),
            2 => changed.reduce_only = !one.reduce_only,
            3 => changed.qty = Qty::from_raw(one.qty.raw() ^ 1),
            4 => changed.price = Px::from_raw(one.price.raw() ^ 1),
            5 => changed.trigger = Px::from_raw(one.trigger.raw() ^ 1),
            6 => changed.kind = next(OrderType::ALL, one.kind),
            _ => changed.reason = next(OrderReason::ALL, one.reason),
        }
        prop_assert_ne!(order_bytes(at, &one), order_bytes(at, &changed));
        prop_assert_ne!(order_bytes(at, &one), order_bytes(Nanos(at.0 ^ 1), &one));
    }
}

fn next<T: Copy + PartialEq>(all: &[T], of: T) -> T {
    let index = all.iter().position(|one| *one == of).expect("one of all");
    all[(index + 1) % all.len()]
}

#[test]
fn unknown_codes_name_their_place() {
    let order = OrderUpdate::Rejected { code: RejectCode::NoPrice };
    let body =
        EventBody::Order { id: ClientOrderId::default(), symbol: SymbolId(1), update: order };
    let event = Event { seq: 1, at: Nanos(2), body };
    let mut bytes = event.encode().as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] = 250;
    assert_eq!(Event::decode(&bytes), Err(CodecError::Code(last)));
    bytes[last - 1] = 9;
    assert_eq!(Event::decode(&bytes), Err(CodecError::Code(last - 1)));
    bytes[0] = 99;
    assert_eq!(Event::decode(&bytes), Err(CodecError::Code(0)));
    assert_eq!(Command::decode(&[]), Err(CodecError::Short));
    let text = CodecError::Code(7).to_string();
    assert_eq!(text, "unknown code at byte 7 of the record");
}

#[test]
fn codes_are_found_by_their_place() {
    for (index, code) in RejectCode::ALL.iter().enumerate() {
        assert_eq!(RejectCode::from_index(index as u8), Some(*code));
        let json = serde_json::to_string(code).unwrap();
        assert_eq!(json, format!("\"{}\"", code.code()));
        assert_eq!(serde_json::from_str::<RejectCode>(&json).unwrap(), *code);
    }
    assert_eq!(RejectCode::from_index(RejectCode::ALL.len() as u8), None);
}
