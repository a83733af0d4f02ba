//! The stop's deadline, in ten thousand entries at a venue that refuses, delays and loses answers.
//!
//! Judged by what the engine was told and has sent, with books of its own: from the first fill
//! that no acknowledged stop covers, `stop_deadline` may pass; then a reducing order is under way,
//! or the last one was refused for sure less than half a second ago. When the venue has become
//! polite, each position is closed or stands behind its stop.

use crate::world::{A, Random, World, config, instruments, proposal, px};
use aegis_engine::EngineConfig;
use aegis_types::{
    AccountUpdate, Command, EventBody, Nanos, Operator, Order, OrderReason, OrderUpdate, Qty,
    RejectCode, Side,
};
use std::collections::BTreeMap;

const ENTRIES: u64 = 10_000;
const RESEND: Nanos = Nanos::from_millis(500);

/// What comes to the engine later.
#[derive(Clone, Copy, Debug)]
enum Mail {
    Say(Order, OrderUpdate),
    Fill(Order, Qty),
    /// The operator flattens.
    Flatten,
}

/// What happened in all of them, so that the test can fail by testing nothing.
#[derive(Debug, Default)]
struct Tally {
    rejected_stops: u32,
    rejected_exits: u32,
    unknown: u32,
    silent: u32,
    lost_stops: u32,
    parts: u32,
    flattened: u32,
    protected: u32,
}

/// One entry, its venue, and the books that judge it.
struct Story<'a> {
    world: World,
    random: Random,
    mail: BTreeMap<(Nanos, u32), Mail>,
    letters: u32,
    seen: usize,
    /// What silence hides until the venue is polite.
    hidden: Vec<(Order, OrderUpdate)>,
    polite: bool,
    held: i64,
    /// Stops and closes, as told to the engine: quantity open, acknowledged, over.
    stops: BTreeMap<u32, (i64, bool)>,
    exits: BTreeMap<u32, bool>,
    refused_at: Nanos,
    bare_since: Option<Nanos>,
    tally: &'a mut Tally,
}

impl<'a> Story<'a> {
    fn new(seed: u64, tally: &'a mut Tally) -> Self {
        let mut random = Random(seed);
        // Some leave after two seconds, stop or no stop.
        let held = if random.percent(30) { Nanos::SECOND.times(2) } else { Nanos::HOUR };
        let fast = EngineConfig { warm_up_bars: 1, time_stop: held, ..config() };
        let mut world = World::new(fast, &instruments(1));
        world.event(EventBody::Account(AccountUpdate::Leverage { symbol: A, leverage: 3 }));
        world.held[0].leverage = 3;
        world.answers = false;
        world.fills = false;
        let side = if random.percent(50) { Side::Buy } else { Side::Sell };
        world.propose(A, proposal(side, 0.7));
        world.closes();
        Self {
            world,
            random,
            mail: BTreeMap::new(),
            letters: 0,
            seen: 0,
            hidden: Vec::new(),
            polite: false,
            held: 0,
            stops: BTreeMap::new(),
            exits: BTreeMap::new(),
            refused_at: Nanos(i64::MIN / 2),
            bare_since: None,
            tally,
        }
    }

    fn post(&mut self, after: Nanos, mail: Mail) {
        self.letters += 1;
        self.mail.insert((self.world.at.after(after), self.letters), mail);
    }

    /// Takes what the engine has sent since the last look.
    fn take_commands(&mut self) {
        while let Some((_, command)) = self.world.commands.get(self.seen).copied() {
            self.seen += 1;
            match command {
                Command::Submit { order } => self.submit(order),
                Command::Cancel { id, .. } => {
                    let found = self.world.orders().into_iter().find(|order| order.id == id);
                    let after = self.random.millis(5, 300);
                    self.post(after, Mail::Say(found.unwrap(), OrderUpdate::Canceled));
                }
                Command::SetLeverage { .. } | Command::WakeAt { .. } => {}
            }
        }
    }

    fn submit(&mut self, order: Order) {
        match order.reason {
            OrderReason::Entry => self.entry(order),
            OrderReason::Target => {
                let after = self.random.millis(5, 300);
                self.post(after, Mail::Say(order, OrderUpdate::Accepted));
            }
            OrderReason::Stop => {
                self.stops.insert(order.id.number, (order.qty.raw(), false));
                self.answer(order);
            }
            _ => {
                assert!(order.reduce_only && order.qty.raw() <= self.held.abs(), "{order:?}");
                self.exits.insert(order.id.number, true);
                self.answer(order);
            }
        }
    }

    /// The entry fills in parts, over up to five seconds.
    fn entry(&mut self, order: Order) {
        let parts = 1 + self.random.below(4) as i64;
        self.tally.parts += u32::from(parts > 1);
        let mut left = order.qty.raw();
        for part in 0..parts {
            let qty = if part + 1 == parts { left } else { left / 2 / 1_000_000 * 1_000_000 };
            left -= qty;
            let after = if self.random.percent(30) {
                self.random.millis(0, 5_000)
            } else {
                self.random.millis(0, 200)
            };
            if part == 0 || self.random.percent(90) {
                self.post(after, Mail::Fill(order, Qty::from_raw(qty)));
            }
        }
    }

    /// A stop or a close is answered somehow.
    fn answer(&mut self, order: Order) {
        let stop = order.reason == OrderReason::Stop;
        let good = |order: Order| {
            if stop {
                Mail::Say(order, OrderUpdate::Accepted)
            } else {
                Mail::Fill(order, order.qty)
            }
        };
        let soon = self.random.millis(1, 150);
        if self.polite {
            return self.post(soon, good(order));
        }
        match self.random.below(100) {
            0..40 => {
                self.post(soon, good(order));
                if stop && self.random.percent(15) {
                    self.tally.lost_stops += 1;
                    let after = self.random.millis(200, 5_000);
                    self.post(after, Mail::Say(order, OrderUpdate::Expired));
                }
            }
            40..55 => {
                let late = self.random.millis(500, 6_000);
                self.post(late, good(order));
            }
            55..80 => {
                use RejectCode::{
                    Margin, OrderRate, Price, TooManyOrders, VenueFailed, WouldTrigger,
                };
                let codes = if stop {
                    [VenueFailed, WouldTrigger, TooManyOrders, Price, OrderRate]
                } else {
                    [VenueFailed, Margin, TooManyOrders, VenueFailed, OrderRate]
                };
                let code = codes[self.random.below(5) as usize];
                let after = self.random.millis(1, 2_000);
                self.post(after, Mail::Say(order, OrderUpdate::Rejected { code }));
                if stop {
                    self.tally.rejected_stops += 1;
                } else {
                    self.tally.rejected_exits += 1;
                }
            }
            80..92 => {
                self.tally.unknown += 1;
                self.post(soon, Mail::Say(order, OrderUpdate::Unknown));
                let proof = self.random.millis(200, 15_000);
                let code = RejectCode::VenueFailed;
                let refused = Mail::Say(order, OrderUpdate::Rejected { code });
                let mail = if self.random.percent(60) { good(order) } else { refused };
                self.post(proof, mail);
            }
            _ => {
                self.tally.silent += 1;
                self.hidden.push((order, OrderUpdate::Accepted));
            }
        }
    }

    /// To the next timer or letter, or to `end`. Judges the time between.
    fn step(&mut self, end: Nanos) -> bool {
        let letter = self.mail.keys().next().map(|(at, _)| *at);
        let timer = self.world.timers.values().min().copied();
        let next = letter.into_iter().chain(timer).min().unwrap_or(end).min(end);
        self.judge(next);
        let next = next.max(self.world.at);
        self.world.wait(next.since(self.world.at));
        self.take_commands();
        while let Some(entry) = self.mail.first_entry() {
            if entry.key().0 > self.world.at {
                break;
            }
            let mail = entry.remove();
            self.deliver(mail);
            self.take_commands();
            self.look();
        }
        self.look();
        self.world.at < end
    }

    fn deliver(&mut self, mail: Mail) {
        match mail {
            Mail::Flatten => self.world.operator(Operator::Flatten),
            Mail::Say(order, update) => {
                self.hear(&order, &update);
                self.world.update(order, update);
            }
            Mail::Fill(order, qty) => {
                let qty = if order.reduce_only {
                    Qty::from_raw(qty.raw().min(self.held.abs()))
                } else {
                    qty
                };
                if qty.is_zero() {
                    self.hear(&order, &OrderUpdate::Expired);
                    return self.world.update(order, OrderUpdate::Expired);
                }
                self.held += order.side.sign() * qty.raw();
                if order.reduce_only {
                    self.exits.insert(order.id.number, false);
                }
                self.world.fill(order, qty, px("100"));
            }
        }
    }

    /// The books of what the engine is about to be told.
    fn hear(&mut self, order: &Order, update: &OrderUpdate) {
        let number = order.id.number;
        let over = matches!(
            update,
            OrderUpdate::Rejected { .. } | OrderUpdate::Expired | OrderUpdate::Canceled
        );
        if let Some((_, acknowledged)) = self.stops.get_mut(&number) {
            *acknowledged |= *update == OrderUpdate::Accepted;
            if over {
                self.stops.remove(&number);
            }
        }
        if over && let Some(live) = self.exits.get_mut(&number) {
            *live = false;
            self.refused_at = self.world.at;
        }
    }

    fn covered(&self) -> bool {
        self.stops.values().any(|(qty, acknowledged)| *acknowledged && *qty >= self.held.abs())
    }

    /// Notes since when a position is bare.
    fn look(&mut self) {
        if self.held == 0 || self.covered() {
            self.bare_since = None;
        } else {
            self.bare_since = self.bare_since.or(Some(self.world.at));
        }
    }

    /// Nothing happens until `next`: may that be?
    fn judge(&self, next: Nanos) {
        let Some(since) = self.bare_since else { return };
        if self.exits.values().any(|live| *live) {
            return;
        }
        let deadline = since.after(self.world.engine.config().stop_deadline);
        let allowed = deadline.max(self.refused_at.after(RESEND));
        assert!(
            next <= allowed,
            "unprotected past the deadline: bare since {since:?}, idle until {next:?}, last close \
             refused at {:?}, orders {:?}",
            self.refused_at,
            self.world.orders()
        );
    }

    fn play(&mut self) {
        self.take_commands();
        if self.random.percent(10) {
            let after = self.random.millis(0, 6_000);
            self.post(after, Mail::Flatten);
        }
        let storm = self.world.at.after(Nanos::SECOND.times(30));
        while self.step(storm) {}
        self.polite = true;
        for (order, _) in core::mem::take(&mut self.hidden) {
            let stop = order.reason == OrderReason::Stop;
            let soon = self.random.millis(1, 500);
            let said = Mail::Say(order, OrderUpdate::Accepted);
            self.post(soon, if stop { said } else { Mail::Fill(order, order.qty) });
        }
        let calm = self.world.at.after(Nanos::SECOND.times(60));
        while self.step(calm) {}
        assert!(self.held == 0 || self.covered(), "bare at the end: {:?}", self.world.orders());
        let position = self.world.position(A).map_or(0, |p| p.side.sign() * p.qty.raw());
        assert_eq!(position, self.held, "belief is truth");
        if self.held == 0 {
            self.tally.flattened += 1;
        } else {
            self.tally.protected += 1;
        }
    }
}

#[test]
fn stop_deadline_holds_in_ten_thousand_entries() {
    let mut tally = Tally::default();
    for seed in 0..ENTRIES {
        let mut story = Story::new(seed, &mut tally);
        let played = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| story.play()));
        assert!(played.is_ok(), "seed {seed}");
    }
    println!("{tally:?}");
    let Tally { rejected_stops, rejected_exits, unknown, silent, .. } = tally;
    let Tally { lost_stops, parts, flattened, protected, .. } = tally;
    for (what, count) in [
        ("rejected stops", rejected_stops),
        ("rejected closes", rejected_exits),
        ("unknown outcomes", unknown),
        ("silences", silent),
        ("lost stops", lost_stops),
        ("entries in parts", parts),
        ("flattened", flattened),
        ("protected", protected),
    ] {
        assert!(count > 300, "only {count} {what}");
    }
}
