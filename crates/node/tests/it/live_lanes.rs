//! One symbol's candles through lost, doubled and swapped frames, lost sockets, answers that come
//! late or not at all, and an exchange that has no candle for some minutes.

use crate::random::Random;
use aegis_node::live::lane::{Bar, Fact, Heard, Lane};
use aegis_types::Px;
use std::collections::{BTreeMap, VecDeque};

const MINUTE: i64 = 60_000;

/// The candle of a minute: told apart by its prices.
fn bar(minute: i64) -> Bar {
    let px = |n: i64| Px::from_raw(1_000_000 + minute * 10 + n);
    let (open, high, low, close) = (px(2), px(9), px(0), px(5));
    Bar { open_ms: minute * MINUTE, open, high, low, close, volume: minute as f64 }
}

/// What the exchange has: closed candles, and the minute under way.
struct Exchange {
    closed: BTreeMap<i64, Bar>,
    under_way: i64,
}

impl Exchange {
    fn answer(&self, from_ms: i64) -> (Vec<Bar>, Option<Bar>) {
        let closed = self.closed.range(from_ms..).map(|(_, bar)| *bar).collect();
        (closed, Some(bar(self.under_way)))
    }
}

struct Run {
    random: Random,
    exchange: Exchange,
    lane: Lane,
    told: Vec<Fact>,
    /// Frames on their way: candle, closed.
    wire: VecDeque<(Bar, bool)>,
    /// Frames until the socket is up again.
    down: u64,
    /// Answers on their way, and how many frames later they come.
    answers: VecDeque<(u64, Vec<Bar>, Option<Bar>)>,
    trouble: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let exchange = Exchange { closed: BTreeMap::new(), under_way: 0 };
        let mut lane = Lane::default();
        lane.begin(0);
        assert!(lane.past_ends(&mut |_| {}));
        Self {
            random: Random(seed),
            exchange,
            lane,
            told: Vec::new(),
            wire: VecDeque::new(),
            down: 0,
            answers: VecDeque::new(),
            trouble: true,
        }
    }

    fn minute(&mut self, minute: i64, has_candle: bool) {
        if has_candle {
            self.exchange.under_way = minute;
            for _ in 0..=self.random.below(2) {
                self.send((bar(minute), false));
            }
            self.exchange.closed.insert(minute * MINUTE, bar(minute));
            self.send((bar(minute), true));
        }
    }

    fn send(&mut self, frame: (Bar, bool)) {
        let trouble = self.trouble;
        let mut happens = |n| self.random.percent(n) && trouble;
        if !happens(8) {
            self.wire.push_back(frame);
        }
        if happens(5) {
            self.wire.push_back(frame);
        }
        let len = self.wire.len();
        if happens(5) && len > 1 {
            self.wire.swap(len - 1, len - 2);
        }
        if happens(3) && self.down == 0 {
            self.wire.clear();
            self.down = 1 + self.random.below(12);
            self.lane.lost(&mut |fact| self.told.push(fact));
        }
        if self.down > 0 {
            self.wire.clear();
            self.down -= 1;
        }
        while self.wire.len() > self.random.below(3) as usize {
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        let Some((bar, closed)) = self.wire.pop_front() else { return };
        let heard = self.lane.live(&bar, closed, &mut |fact| self.told.push(fact));
        if heard == Heard::Hole {
            assert!(self.lane.is_filling());
        }
        self.fetch();
    }

    /// One answer is under way while something is missing; some never come.
    fn fetch(&mut self) {
        if self.down == 0 && self.lane.is_filling() && self.answers.is_empty() {
            let (closed, under_way) = self.exchange.answer(self.lane.next_ms().unwrap_or(0));
            let delay = if self.trouble { self.random.below(6) } else { 0 };
            self.answers.push_back((delay, closed, under_way));
        }
        let Some((delay, ..)) = self.answers.front_mut() else { return };
        if *delay > 0 {
            *delay -= 1;
            return;
        }
        let Some((_, closed, under_way)) = self.answers.pop_front() else { return };
        if self.trouble && self.random.percent(30) {
            return;
        }
        self.lane.fetched(&closed, under_way.as_ref(), &mut |fact| self.told.push(fact));
    }

    /// All candles, each once; each jump and each loss behind a gap.
    fn check(&self, seed: u64) {
        let closes: Vec<Bar> = self.told.iter().filter_map(close).collect();
        let truth: Vec<Bar> = self.exchange.closed.values().copied().collect();
        assert_eq!(closes.len(), truth.len(), "seed {seed}: {:?}", difference(&closes, &truth));
        assert_eq!(closes, truth, "seed {seed}");
        let (mut next, mut opened, mut gap) = (None, i64::MIN, false);
        for fact in &self.told {
            match *fact {
                Fact::Gap { .. } => gap = true,
                Fact::Open { at_ms, px } => {
                    assert!(at_ms > opened, "seed {seed}: opened twice: {fact:?}");
                    assert_eq!(px, bar(at_ms / MINUTE).open, "seed {seed}");
                    opened = at_ms;
                }
                Fact::Close(bar) => {
                    assert_eq!(bar.open_ms, opened, "seed {seed}: closed before it opened");
                    let hole = next.is_some_and(|next| next != bar.open_ms);
                    assert!(!hole || gap, "seed {seed}: a hole without a gap before {bar:?}");
                    (next, gap) = (Some(bar.open_ms + MINUTE), false);
                }
            }
        }
    }
}

fn close(fact: &Fact) -> Option<Bar> {
    if let Fact::Close(bar) = fact { Some(*bar) } else { None }
}

fn difference(a: &[Bar], b: &[Bar]) -> Option<Bar> {
    b.iter().find(|bar| !a.contains(bar)).copied()
}

#[test]
fn every_candle_comes_once_through_random_trouble() {
    let mut gaps = 0;
    for seed in 0..2_000 {
        let mut run = Run::new(seed);
        for minute in 0..120 {
            let halted = run.random.percent(4);
            run.minute(minute, !halted);
        }
        run.trouble = false;
        for minute in 120..126 {
            run.minute(minute, true);
            while !run.wire.is_empty() {
                run.deliver();
            }
            for _ in 0..4 {
                run.fetch();
            }
        }
        run.check(seed);
        gaps += run.told.iter().filter(|fact| matches!(fact, Fact::Gap { .. })).count();
    }
    assert!(gaps > 2_000, "the trouble must have been some: {gaps} gaps");
}

/// What lane and test agree on can be wrong in both: the plain cases by hand.
#[test]
fn a_minute_that_is_missing_is_told_as_a_gap_then_fetched() {
    let mut lane = Lane::default();
    lane.begin(0);
    let mut told = Vec::new();
    let mut tell = |fact| told.push(fact);
    assert!(lane.past_ends(&mut tell));
    assert_eq!(lane.live(&bar(0), false, &mut tell), Heard::Fine);
    assert_eq!(lane.live(&bar(0), true, &mut tell), Heard::Fine);
    assert_eq!(lane.live(&bar(0), true, &mut tell), Heard::Duplicate);
    assert_eq!(lane.live(&bar(2), false, &mut tell), Heard::Hole);
    assert_eq!(lane.live(&bar(2), true, &mut tell), Heard::Fine, "kept");
    assert!(lane.fetched(&[bar(1)], Some(&bar(2)), &mut tell));
    assert_eq!(lane.live(&bar(1), true, &mut tell), Heard::Late);
    let open = |m: i64| Fact::Open { at_ms: m * MINUTE, px: bar(m).open };
    let close = |m: i64| Fact::Close(bar(m));
    let gap = Fact::Gap { missing: 1 };
    assert_eq!(told, [open(0), close(0), gap, open(1), close(1), open(2), close(2)]);
}

#[test]
fn what_the_exchange_never_has_is_passed_over_behind_one_gap() {
    let mut lane = Lane::default();
    lane.begin(0);
    let mut told = Vec::new();
    let mut tell = |fact| told.push(fact);
    lane.past_ends(&mut tell);
    lane.live(&bar(0), true, &mut tell);
    assert_eq!(lane.live(&bar(3), false, &mut tell), Heard::Hole);
    // Its answers lag: they do not even have the minute under way.
    let mut asked = 1;
    while !lane.fetched(&[], None, &mut tell) {
        asked += 1;
        assert!(asked < 20, "it asks for ever");
    }
    assert!(asked > 2, "it gave up at once");
    lane.live(&bar(3), true, &mut tell);
    let gaps = told.iter().filter(|fact| matches!(fact, Fact::Gap { .. })).count();
    assert_eq!((gaps, told.last()), (1, Some(&Fact::Close(bar(3)))));
}
