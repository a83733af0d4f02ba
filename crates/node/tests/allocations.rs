//! From the bytes of a socket to the ring nothing is allocated after warm-up: proved in a binary of
//! its own, because counting needs the global allocator.

use aegis_backtest::{Market, Session, Snapshot, Tally, write_snapshot};
use aegis_data::FirewallConfig;
use aegis_markets::MarketSpec;
use aegis_node::live::intake::{Asks, Intake};
use aegis_ring::{Config, Writer};
use aegis_settings::{Settings, Sources};
use aegis_types::{EventBody, Nanos, SymbolTable, Tick};
use aegis_wire::websocket::{Decoder, Message, Opcode, Role, encode};

#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();

const SYMBOLS: usize = 50;
const START: i64 = 1_790_000_040_000;

/// One round of frames as a socket brings them: all kinds of all symbols, odd ones among them.
fn round(n: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let now = START + n * 250;
    let minute = now.div_euclid(60_000) * 60_000;
    let mut add = |text: String| {
        let text = text.replace('\'', "\"");
        encode(&mut bytes, Opcode::Text, None, text.as_bytes());
    };
    for s in 0..SYMBOLS {
        let closes = (now == minute && n > 0).then_some((minute - 60_000, true));
        for (open, closed) in closes.into_iter().chain([(minute, false)]) {
            let close = open + 59_999;
            add(format!(
                "{{'stream':'s{s}usdt@kline_1m','data':{{'e':'kline','E':{now},'s':'S{s}USDT',\
                 'k':{{'t':{open},'T':{close},'s':'S{s}USDT','i':'1m','f':1,'L':2,'o':'10',\
                 'c':'11','h':'12','l':'9','v':'5','n':1,'x':{closed},'q':'1','V':'1','Q':'1',\
                 'B':'0'}}}}}}"
            ));
        }
        for k in 0..3 {
            let id = n * 3 + k + 1;
            add(format!(
                "{{'stream':'s{s}usdt@aggTrade','data':{{'e':'aggTrade','E':{now},\
                 's':'S{s}USDT','a':{id},'p':'10.{k}','q':'2','f':1,'l':2,'T':{now},'m':true}}}}"
            ));
            add(format!(
                "{{'stream':'s{s}usdt@bookTicker','data':{{'e':'bookTicker','u':{id},\
                 'E':{now},'T':{now},'s':'S{s}USDT','b':'10','B':'1','a':'11','A':'1'}}}}"
            ));
        }
        add(format!(
            "{{'stream':'s{s}usdt@markPrice@1s','data':{{'e':'markPriceUpdate','E':{now},\
             's':'S{s}USDT','p':'10','i':'10','P':'10','r':'0.0001','T':{minute}}}}}"
        ));
    }
    add(format!(
        "{{'e':'bookTicker','u':1,'E':{now},'T':{now},'s':'NOBODY','b':'1','B':'1','a':'2',\
         'A':'1'}}"
    ));
    add("{'result':null,'id':1}".to_owned());
    add("{'e':'kline','E':".to_owned());
    bytes
}

struct Way {
    intake: Intake,
    decoder: Decoder,
    ring: Writer,
    asks: u64,
}

impl Way {
    fn take(&mut self, now: Nanos, bytes: &[u8]) {
        let Self { intake, decoder, ring, asks } = self;
        let mut left = bytes;
        while !left.is_empty() {
            left = &left[decoder.feed(left)..];
            while let Some(message) = decoder.message().unwrap() {
                let Message::Text(text) = message else { panic!("{message:?}") };
                let mut tell = |tick: &Tick| ring.publish(&tick.to_words());
                *asks += u64::from(intake.frame(now, 1, text, &mut tell) != Asks::Nothing);
            }
        }
        self.intake.turn(now, &mut |tick: &Tick| ring.publish(&tick.to_words()));
    }
}

#[test]
fn nothing_is_allocated_from_socket_to_ring() {
    let symbols = SymbolTable::new((0..SYMBOLS).map(|n| format!("S{n}USDT"))).unwrap();
    let mut intake = Intake::new(&symbols, FirewallConfig::default(), Nanos(100_000_000));
    intake.begin(START);
    for symbol in symbols.ids() {
        intake.lane_tells(symbol, 0, &mut |_: &Tick| {}, |lane, tell| lane.past_ends(tell));
    }
    intake.let_quotes_through();
    let mut way = Way {
        intake,
        decoder: Decoder::new(Role::Client, 1 << 16),
        ring: Writer::heap(&Config { capacity: 1 << 14, gated: false, base: 0 }),
        asks: 0,
    };
    let rounds: Vec<Vec<u8>> = (0..1_000).map(round).collect();
    let mut now = Nanos(0);
    let mut counted = 0;
    for (n, bytes) in rounds.iter().enumerate() {
        now = now.after(Nanos(30_000_000));
        let before = aegis_ring::CountingAllocator::allocations();
        way.take(now, bytes);
        if n >= 10 {
            counted += aegis_ring::CountingAllocator::allocations() - before;
        }
    }
    let counts = *way.intake.counts();
    let published = way.ring.published();
    assert_eq!(counts.malformed, 1_000, "the broken one of each round: {counts:?}");
    assert_eq!((counts.unknown, counts.gaps, way.asks), (1_000, 0, 0), "{counts:?}");
    assert!(way.intake.conflated() > 10_000 && published > 10_000, "{published}");
    assert_eq!(counted, 0, "allocations in {} frames", counts.frames);
}

/// What came out of a snapshot allocates nothing either: collections have their room again.
#[test]
fn nothing_is_allocated_by_a_restored_engine() {
    let spec = MarketSpec { seed: 7, days: 2, symbols: 6, ..MarketSpec::default() };
    let market = Market {
        symbols: spec.symbol_table(),
        instruments: spec.instruments(),
        trade_from: Nanos(i64::MIN),
        until: spec.until(),
        assumptions: Vec::new(),
        mark_is_last: true,
        manifest: serde_json::Value::Null,
    };
    let sources = Sources { file: None, env: &|_| None, env_keys: Vec::new(), flags: Vec::new() };
    let session = Session::new(&Settings::load(&sources).unwrap(), market, "test");
    let ticks: Vec<Tick> = spec.ticks().collect();
    let (mut driver, initial) = session.build().unwrap();
    let Ok(()) = driver.start(ticks[0].at, &initial, &mut ());
    let (before, behind) = ticks.split_at(ticks.len() / 3);
    for tick in before {
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut ());
    }
    let mut bytes = Vec::new();
    assert!(write_snapshot(&driver, &Tally::new(&session), b"", &mut bytes));
    let (mut driver, _) = session.build().unwrap();
    let mut tally = Tally::new(&session);
    let snapshot: Snapshot = Snapshot::read(&bytes).unwrap();
    snapshot.restore(&mut driver, &mut tally).unwrap();
    let (sent, allocated) =
        (driver.engine().orders_sent(), aegis_ring::CountingAllocator::allocations());
    for tick in behind {
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut ());
    }
    let allocated = aegis_ring::CountingAllocator::allocations() - allocated;
    let orders = driver.engine().orders_sent() - sent;
    assert!(orders > 0, "nothing was traded");
    assert_eq!(allocated, 0, "allocations in {} facts and {orders} orders", behind.len());
}
