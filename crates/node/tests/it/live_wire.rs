//! The feed against the simulated exchange over loopback sockets: what is in the ring is what the
//! exchange has, through everything that its streams can suffer.

use crate::exchange::Exchange;
use crate::random::Random;
use aegis_data::FirewallConfig;
use aegis_node::live::{Live, Silence, Source, Streams};
use aegis_ring::{Config, Poll, Reader, Words, Writer};
use aegis_types::{Nanos, Tick, TickBody};
use std::time::{Duration, Instant};

const SLOTS: usize = 1 << 18;
const MINUTE: i64 = 60_000;

struct Feed {
    live: Live,
    ring: Writer,
    reader: Reader,
    ticks: Vec<Tick>,
}

impl Feed {
    fn new(exchange: &Exchange, streams: Streams, silence: Silence) -> Self {
        Self::of(exchange, Self::source(exchange, streams, silence))
    }

    fn source(exchange: &Exchange, streams: Streams, silence: Silence) -> Source {
        Source {
            venue: "local".to_owned(),
            rest: format!("http://{}", exchange.address),
            stream_base: format!("ws://{}", exchange.address),
            streams,
            history_from_ms: exchange.first_ms,
            conflation_ms: 0,
            universe_refresh_ms: 0,
            weight_minute: u32::MAX,
            silence,
            firewall: FirewallConfig::default(),
        }
    }

    fn of(exchange: &Exchange, source: Source) -> Self {
        let live = Live::new(&source, &exchange.symbols, None, SLOTS).unwrap();
        let ring = Writer::heap(&Config { capacity: SLOTS, gated: false, base: 0 });
        let reader = ring.reader();
        Self { live, ring, reader, ticks: Vec::new() }
    }

    /// Turns until `enough`, but not for ever.
    fn until(&mut self, what: &str, mut enough: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !enough(self) {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: {:?}", self.live.report());
            self.live.turn(&mut self.ring, Nanos(2_000_000));
            let mut words: Words = [0; 7];
            while let Poll::Message { .. } = self.reader.poll(&mut words) {
                self.ticks.push(Tick::from_words(&words).unwrap());
            }
        }
    }

    /// The candles told of a symbol.
    fn candles(&self, symbol: u16) -> impl Iterator<Item = &Tick> {
        let candle =
            move |t: &&Tick| t.symbol.0 == symbol && matches!(t.body, TickBody::Candle { .. });
        self.ticks.iter().filter(candle)
    }

    /// Is every candle told that has closed?
    fn is_current(&self, exchange: &Exchange) -> bool {
        let closed = Nanos::from_millis(exchange.market_ms().div_euclid(MINUTE) * MINUTE);
        let symbols = exchange.symbols.len() as u16;
        (0..symbols).all(|s| self.candles(s).last().is_some_and(|tick| tick.at >= closed))
    }
}

/// What a comparison may look at: funding is not in candles, stamps are the machine's, and the
/// exchange writes volumes with eight decimals.
fn plain(tick: &Tick) -> Tick {
    let mut body = match tick.body {
        TickBody::Open { px, .. } => TickBody::Open { px, funding: None },
        other => other,
    };
    if let TickBody::Candle { volume, .. } = &mut body {
        *volume = (*volume * 1e8).round();
    }
    Tick { received_us: 0, body, ..*tick }
}

#[test]
fn a_stepped_exchange_gives_the_ticks_of_its_data_in_their_order() {
    let exchange = Exchange::start(4, 1, 700);
    let mut feed = Feed::new(&exchange, Streams::Klines, Silence::NEVER);
    feed.until("the past", |feed| feed.live.is_live());
    let past = feed.ticks.len();
    for minute in 1..=90 {
        // A step may be shorter or longer than a minute.
        exchange.step(if minute % 3 == 0 { 2 * MINUTE } else { MINUTE });
        let wanted = exchange.truth_until_market();
        feed.until("a step", |feed| feed.ticks.len() >= wanted.len());
        assert_eq!(feed.ticks.len(), wanted.len(), "more than there is");
    }
    let wanted: Vec<Tick> = exchange.truth_until_market().iter().map(plain).collect();
    let told: Vec<Tick> = feed.ticks.iter().map(plain).collect();
    assert!(past > 4 * 700, "{past}");
    for (n, (told, wanted)) in told.iter().zip(&wanted).enumerate() {
        assert_eq!(told, wanted, "tick {n}");
    }
    assert!(feed.ticks.iter().all(|tick| tick.received_us != 0), "every tick is stamped");
    let report = feed.live.report();
    assert_eq!((report.gaps, report.duplicates, report.malformed), (0, 0, 0), "{report:?}");
}

/// Candles of all symbols against the truth: right each, in order, each hole behind a gap.
fn check(feed: &Feed, exchange: &Exchange, seed: u64) {
    for symbol in exchange.symbols.ids() {
        let mut truth = exchange.candles(symbol.0);
        let (mut last, mut gap) = (Nanos(i64::MIN), false);
        for tick in feed.ticks.iter().filter(|tick| tick.symbol == symbol) {
            match tick.body {
                TickBody::Gap { .. } => gap = true,
                TickBody::Candle { .. } => {
                    assert!(tick.at > last, "seed {seed}: {symbol:?} {tick:?} again");
                    let found = truth.remove(&tick.at);
                    assert_eq!(found.map(|t| plain(&t)), Some(plain(tick)), "seed {seed}");
                    let hole = last > Nanos(i64::MIN) && tick.at.since(last) > Nanos::MINUTE;
                    assert!(!hole || gap, "seed {seed}: an unmarked hole before {tick:?}");
                    (last, gap) = (tick.at, false);
                }
                _ => {}
            }
        }
        let left: Vec<Nanos> = truth.into_keys().filter(|at| *at <= last).collect();
        assert!(left.is_empty(), "seed {seed}: {symbol:?}: never told: {left:?}");
    }
}

/// A few of the things that streams suffer, by seed.
fn trouble(exchange: &Exchange, random: &mut Random) {
    let names =
        ["ws_gap", "ws_dup", "ws_reorder", "ws_malformed", "ws_drop", "ws_late", "ws_close"];
    let fault = names[random.below(names.len() as u64) as usize];
    let symbol = random.below(exchange.symbols.len() as u64) as usize;
    let stream = format!("{}@kline_1m", exchange.symbols.names()[symbol].to_lowercase());
    let (count, seed) = (1 + random.below(3), random.below(1_000));
    exchange.fault(&format!(
        "{{\"fault\":\"{fault}\",\"match\":\"{stream}\",\"count\":{count},\
         \"seed\":{seed},\"ms\":50}}"
    ));
}

#[test]
fn every_candle_is_right_or_marked_through_the_faults_of_streams() {
    let seed = 20_261;
    let mut random = Random(seed);
    let exchange = Exchange::start(4, 1, 60);
    let silence = Silence { candle_ms: 0, mark_ms: 0, socket_ms: 0 };
    let mut feed = Feed::new(&exchange, Streams::Klines, silence);
    feed.until("the past", |feed| feed.live.is_live());
    for _ in 0..150 {
        if random.percent(25) {
            // What was lost last is missed by nobody before the next minute.
            let now = Instant::now();
            let long = |now: &Instant| now.elapsed() > Duration::from_millis(500);
            feed.until("the streams", |feed| long(&now) || feed.is_current(&exchange));
            trouble(&exchange, &mut random);
        }
        if random.percent(3) {
            exchange
                .fault("{\"fault\":\"http_503_unavailable\",\"match\":\"GET /fapi/v1/klines\"}");
        }
        exchange.step(MINUTE);
        let now = Instant::now();
        let pause = Duration::from_millis(random.below(40));
        feed.until("a pause", |_| now.elapsed() > pause);
    }
    settle(&mut feed, &exchange);
    check(&feed, &exchange, seed);
    let report = feed.live.report();
    assert!(report.lost_connections > 0 && report.filled > 0 && report.gaps > 0, "{report:?}");
}

/// Without faults for some minutes, everything must have come.
fn settle(feed: &mut Feed, exchange: &Exchange) {
    exchange.clear();
    for _ in 0..3 {
        exchange.step(MINUTE);
        feed.until("the end", |feed| feed.is_current(exchange));
    }
}

#[test]
fn a_stream_that_falls_silent_is_opened_again_and_what_was_missed_is_fetched() {
    let exchange = Exchange::start(3, 1, 60);
    let silence = Silence { candle_ms: 400, mark_ms: 0, socket_ms: 0 };
    let mut feed = Feed::new(&exchange, Streams::Klines, silence);
    feed.until("the past", |feed| feed.live.is_live());
    exchange.step(MINUTE);
    exchange.fault("{\"fault\":\"ws_silence\",\"match\":\"gen001usdt@kline_1m\"}");
    let mut minutes = 0;
    while feed.live.report().lost_connections == 0 {
        exchange.step(MINUTE);
        minutes += 1;
        let now = Instant::now();
        feed.until("silence", |_| now.elapsed() > Duration::from_millis(30));
        assert!(minutes < 600, "nobody noticed");
    }
    settle(&mut feed, &exchange);
    check(&feed, &exchange, 0);
    assert!(feed.ticks.iter().any(|t| matches!(t.body, TickBody::Gap { .. })));
}

/// A simulated day with a disconnect every few minutes; two hours unless `AEGIS_LONG` is set.
#[test]
fn a_day_with_a_disconnect_every_few_minutes() {
    let seed = 7;
    let mut random = Random(seed);
    let minutes = if std::env::var_os("AEGIS_LONG").is_some() { 24 * 60 } else { 2 * 60 };
    let exchange = Exchange::start(3, 2, 60);
    let mut feed = Feed::new(&exchange, Streams::Klines, Silence::NEVER);
    feed.until("the past", |feed| feed.live.is_live());
    let (mut next, mut down, mut drops) = (3, 0, 0);
    for minute in 0..minutes {
        if minute >= next {
            exchange.fault("{\"fault\":\"ws_drop\",\"match\":\"market\"}");
            down = 1 + random.below(3);
            next = minute + down + 1 + random.below(5);
            drops += 1;
        }
        exchange.step(MINUTE);
        let (now, pause) = (Instant::now(), Duration::from_millis(random.below(20)));
        feed.until("a pause", |_| now.elapsed() > pause);
        if down == 1 {
            feed.until("a new connection", |feed| feed.is_current(&exchange));
        }
        down = down.saturating_sub(1);
    }
    settle(&mut feed, &exchange);
    check(&feed, &exchange, seed);
    let report = feed.live.report();
    assert!(drops > minutes / 10 && report.lost_connections >= drops / 2, "{drops}: {report:?}");
}

/// All streams of a market that runs by itself: quotes come, conflated or not, and candles stay
/// right.
#[test]
fn all_streams_of_a_running_market() {
    let exchange = Exchange::start_at("120", 3, 1, 60);
    let mut feed = Feed::new(&exchange, Streams::All, Silence::default());
    feed.until("the past", |feed| feed.live.is_live());
    let began = Instant::now();
    feed.until("some seconds", |_| began.elapsed() > Duration::from_secs(3));
    check(&feed, &exchange, 0);
    let count = |of: fn(&TickBody) -> bool| feed.ticks.iter().filter(|t| of(&t.body)).count();
    let books = count(|b| matches!(b, TickBody::Book { .. }));
    let trades = count(|b| matches!(b, TickBody::Trade { .. }));
    let marks = count(|b| matches!(b, TickBody::Mark { .. }));
    assert!(books > 3 && trades > 3 && marks > 3, "{books} books, {trades} trades, {marks} marks");
    let report = feed.live.report();
    assert_eq!((report.lost_connections, report.malformed, report.unknown), (0, 0, 0));
    assert_eq!(report.connections, 2, "the market's route and the book's");
}

/// A symbol that is halted leaves with a gap; the others go on, and nothing of it is told any more.
#[test]
fn a_symbol_that_leaves_the_universe_is_told_of_once() {
    let exchange = Exchange::start_at("120", 3, 1, 60);
    let mut source = Feed::source(&exchange, Streams::All, Silence::default());
    // The first list says what was there before; then only what is announced makes it asked again.
    source.universe_refresh_ms = 3_600_000;
    let mut feed = Feed::of(&exchange, source);
    feed.until("the past", |feed| feed.live.is_live());
    exchange.fault("{\"fault\":\"symbol_halt\",\"symbol\":\"GEN001USDT\"}");
    feed.until("the halt", |feed| !feed.live.report().left.is_empty());
    let left = feed.live.report().left;
    assert!(left["GEN001USDT"].contains("not TRADING"), "{left:?}");
    let gaps = |feed: &Feed| {
        let of = |t: &&Tick| t.symbol.0 == 1 && matches!(t.body, TickBody::Gap { .. });
        feed.ticks.iter().filter(of).count()
    };
    let told = |feed: &Feed, symbol| feed.ticks.iter().filter(|t| t.symbol.0 == symbol).count();
    feed.until("its gap", |feed| gaps(feed) == 1);
    let (its, others) = (told(&feed, 1), told(&feed, 0));
    let began = Instant::now();
    feed.until("some minutes", |_| began.elapsed() > Duration::from_millis(1_500));
    assert_eq!(told(&feed, 1), its, "it has left");
    assert!(told(&feed, 0) > others, "the others have not");
}

/// While the exchange bans our address nothing is asked; afterwards what is missing is fetched.
#[test]
fn a_ban_is_waited_for() {
    let exchange = Exchange::start(2, 1, 60);
    let mut feed = Feed::new(&exchange, Streams::Klines, Silence::NEVER);
    feed.until("the past", |feed| feed.live.is_live());
    exchange.fault("{\"fault\":\"http_418\",\"match\":\"GET /fapi/v1/klines\",\"ms\":3000}");
    exchange.fault("{\"fault\":\"ws_gap\",\"match\":\"gen000usdt@kline_1m\",\"count\":2}");
    exchange.step(2 * MINUTE);
    let began = Instant::now();
    feed.until("the ban", |feed| feed.live.report().failed_requests > 0);
    let asked = feed.live.report().requests;
    feed.until("its end", |_| began.elapsed() > Duration::from_millis(400));
    assert_eq!(feed.live.report().requests, asked, "asked during the ban");
    settle(&mut feed, &exchange);
    check(&feed, &exchange, 0);
}
