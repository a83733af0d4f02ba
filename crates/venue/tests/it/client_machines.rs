//! The client's small machines, each by itself: clock, limits, back-off, user stream, leverage.

use aegis_types::{Nanos, SymbolId};
use aegis_venue::client::backoff::Backoff;
use aegis_venue::client::clock::{self, Clock};
use aegis_venue::client::ledger::{Admission, Ledger, Limits, Refusal, Urgency};
use aegis_venue::client::leverage::{self, Leverages};
use aegis_venue::client::listen_key::{self, ListenKey, Wish};
use aegis_venue::client::request::{Meters, Purpose};
use aegis_wire::errors::Class;

fn ms(ms: i64) -> Nanos {
    Nanos::from_millis(ms)
}

#[test]
fn the_clock_believes_the_sample_of_the_shortest_way() {
    let (mut clock, mut out) = (Clock::new(), Vec::new());
    let mut now = ms(1_000_000);
    clock.step(now, clock::Input::Tick, &mut out);
    // The exchange is 300 ms ahead; samples are delayed one way by up to 200 ms.
    for (there, back) in [(90, 10), (5, 5), (200, 0), (0, 150), (40, 40)] {
        assert_eq!(out, [clock::Wish::Sample]);
        out.clear();
        let sent = now;
        let server_ms = now.after(ms(there)).as_millis() + 300;
        now = now.after(ms(there + back));
        clock.step(now, clock::Input::Sample { sent, server_ms }, &mut out);
    }
    assert_eq!(out, [clock::Wish::Synced]);
    assert_eq!((clock.offset(), clock.trip()), (ms(300), ms(10)));
    let behind = clock.server_ms(now) - clock.stamp_ms(now);
    assert!((1..=10).contains(&behind), "{behind}");
    // Again after five minutes, and at once when the exchange doubts it.
    out.clear();
    clock.step(now.after(ms(299_000)), clock::Input::Tick, &mut out);
    assert!(out.is_empty());
    clock.step(now.after(ms(300_000)), clock::Input::Tick, &mut out);
    assert_eq!(out, [clock::Wish::Sample]);
    assert!(clock.synced(), "the old offset serves until the new one is there");
    clock.step(now.after(ms(300_001)), clock::Input::Doubted, &mut out);
    assert!(!clock.synced());
}

#[test]
fn a_clock_that_jumps_says_so_until_a_round_agrees_with_the_one_before() {
    let (mut clock, mut out) = (Clock::new(), Vec::new());
    let mut now = Nanos::ZERO;
    let mut jumped = Vec::new();
    for offset in [0, 20, 700, 690, -5_000, -5_000] {
        out.clear();
        now = clock.next().max(now);
        clock.step(now, clock::Input::Tick, &mut out);
        for _ in 0..clock::SAMPLES {
            assert_eq!(out, [clock::Wish::Sample]);
            out.clear();
            let server_ms = now.as_millis() + offset;
            clock.step(now, clock::Input::Sample { sent: now, server_ms }, &mut out);
        }
        assert_eq!(out, [clock::Wish::Synced]);
        jumped.push(clock.jumped());
    }
    assert_eq!(jumped, [false, false, true, false, true, false]);
}

#[test]
fn what_others_use_of_the_address_is_left_free_in_the_windows_that_follow() {
    let mut ledger = Ledger::new(Limits { weight_1m: 1_000, ..Limits::default() });
    // What is counted in the first minute may be what the process before this one has used.
    let first = Nanos::MINUTE.times(76);
    ledger.told(first, &Meters { weight_1m: Some(890), ..Meters::default() });
    assert!(matches!(ledger.admit(first, 11, 0, Urgency::Usual), Admission::Wait(_)));
    let at = Nanos::MINUTE.times(77);
    assert_eq!(ledger.admit(at, 10, 0, Urgency::Usual), Admission::Go);
    // We have used 10 of the 610 that are counted.
    ledger.told(at, &Meters { weight_1m: Some(610), ..Meters::default() });
    let turn = at.after(Nanos::MINUTE);
    assert_eq!(ledger.admit(turn, 299, 0, Urgency::Usual), Admission::Go);
    assert!(matches!(ledger.admit(turn, 2, 0, Urgency::Usual), Admission::Wait(_)));
    assert_eq!(ledger.admit(turn, 400, 0, Urgency::Protect), Admission::Go, "the reserve is free");
    // It fades when they do not come back, and somebody who takes all leaves a fifth to us.
    let later = at.after(Nanos::MINUTE.times(9));
    for minute in 2..9 {
        ledger.admit(at.after(Nanos::MINUTE.times(minute)), 1, 0, Urgency::Usual);
    }
    assert_eq!(ledger.admit(later, 700, 0, Urgency::Usual), Admission::Go);
    ledger.refused(later, Refusal::TooMany { retry_after_s: None });
    let after = later.after(Nanos::MINUTE).after(Nanos::SECOND);
    assert_eq!(ledger.admit(after, 100, 0, Urgency::Usual), Admission::Go);
}

#[test]
fn what_was_used_up_before_the_clock_was_set_stays_used() {
    let mut ledger = Ledger::new(Limits { weight_1m: 1_000, ..Limits::default() });
    // Our clock is 70 s ahead, and the predecessor of this process has used 890 in this minute.
    let (ours, server) = (Nanos::SECOND.times(670), Nanos::SECOND.times(600));
    ledger.told(ours, &Meters { weight_1m: Some(890), ..Meters::default() });
    ledger.clock_set(ours, server);
    assert!(matches!(ledger.admit(server, 40, 0, Urgency::Usual), Admission::Wait(_)));
    assert_eq!(ledger.admit(server, 40, 0, Urgency::Protect), Admission::Go);
    let turn = server.after(Nanos::MINUTE);
    assert_eq!(ledger.admit(turn, 800, 0, Urgency::Usual), Admission::Go);
}

#[test]
fn behind_a_firewall_only_an_exit_tries_and_an_answer_opens_the_door() {
    let mut ledger = Ledger::new(Limits::default());
    let at = Nanos::MINUTE.times(10);
    ledger.refused(at, Refusal::Blocked);
    let (mut now, mut tries) = (at, Vec::new());
    while now < at.after(Nanos::MINUTE.times(4)) {
        assert!(matches!(ledger.admit(now, 0, 1, Urgency::Usual), Admission::Wait(_)));
        assert!(matches!(ledger.admit(now, 1, 0, Urgency::Protect), Admission::Wait(_)));
        if ledger.admit(now, 0, 1, Urgency::Exit) == Admission::Go {
            tries.push(now.since(at).as_millis() / 1_000);
            ledger.refused(now, Refusal::Blocked);
        }
        now = now.after(Nanos::SECOND);
    }
    assert_eq!(tries, [10, 30, 70, 130, 190], "ever more seldom");
    ledger.answered(now);
    assert_eq!(ledger.admit(now, 1, 0, Urgency::Usual), Admission::Go);
    // Over a limit, or banned, nobody tries.
    ledger.refused(now, Refusal::Banned { until_ms: None, retry_after_s: None });
    let soon = now.after(Nanos::MINUTE);
    assert!(matches!(ledger.admit(soon, 0, 1, Urgency::Exit), Admission::Wait(_)));
}

#[test]
fn a_failed_sample_is_taken_again() {
    let (mut clock, mut out) = (Clock::new(), Vec::new());
    clock.step(Nanos::ZERO, clock::Input::Tick, &mut out);
    clock.step(ms(10), clock::Input::Failed, &mut out);
    assert_eq!(out, [clock::Wish::Sample]);
    clock.step(ms(900), clock::Input::Tick, &mut out);
    assert_eq!(out.len(), 1);
    clock.step(ms(1_010), clock::Input::Tick, &mut out);
    assert_eq!(out.len(), 2);
}

#[test]
fn a_tenth_of_every_limit_is_kept_for_protection() {
    let limits = Limits { weight_1m: 100, orders_10s: 10, orders_1m: 50 };
    let mut ledger = Ledger::new(limits);
    let at = Nanos::MINUTE.times(1_000).after(ms(5_000));
    let next_minute = Nanos::MINUTE.times(1_001);
    for _ in 0..9 {
        assert_eq!(ledger.admit(at, 10, 1, Urgency::Usual), Admission::Go);
    }
    assert!(
        matches!(ledger.admit(at, 1, 0, Urgency::Usual), Admission::Wait(t) if t >= next_minute)
    );
    let Admission::Wait(until) = ledger.admit(at, 0, 1, Urgency::Usual) else { panic!("full") };
    assert!(until >= at.after(ms(5_000)) && until < at.after(ms(6_000)), "ten seconds' window");
    assert_eq!(ledger.admit(at, 10, 1, Urgency::Protect), Admission::Go);
    assert!(matches!(ledger.admit(at, 1, 0, Urgency::Protect), Admission::Wait(_)));
    assert_eq!(ledger.admit(next_minute, 50, 5, Urgency::Usual), Admission::Go);
}

#[test]
fn headers_correct_the_ledger_upwards_and_windows_are_the_exchange_s_minutes() {
    let mut ledger = Ledger::new(Limits::default());
    let at = Nanos::MINUTE.times(77);
    assert_eq!(ledger.admit(at, 5, 0, Urgency::Usual), Admission::Go);
    ledger.told(at, &Meters { weight_1m: Some(2_400), ..Meters::default() });
    assert!(matches!(ledger.admit(at, 1, 0, Urgency::Protect), Admission::Wait(_)));
    ledger.told(at, &Meters { weight_1m: Some(3), ..Meters::default() });
    assert_eq!(ledger.weight().0, 2_400, "an older figure takes nothing back");
    let turn = at.after(Nanos::MINUTE);
    assert_eq!(ledger.admit(turn, 1, 0, Urgency::Usual), Admission::Go);
    ledger.orders_full(turn);
    assert!(matches!(ledger.admit(turn, 0, 1, Urgency::Protect), Admission::Wait(_)));
    assert_eq!(ledger.admit(turn, 1, 0, Urgency::Usual), Admission::Go, "cancels are no orders");
}

#[test]
fn refusals_close_everything_until_they_say() {
    let at = Nanos::MINUTE.times(10).after(ms(30_000));
    for (refusal, least, most) in [
        (Refusal::TooMany { retry_after_s: None }, 30_000, 31_000),
        (Refusal::TooMany { retry_after_s: Some(7) }, 7_000, 7_000),
        (
            Refusal::Banned { until_ms: Some(at.as_millis() + 90_000), retry_after_s: None },
            90_000,
            91_000,
        ),
        (Refusal::Banned { until_ms: None, retry_after_s: None }, 120_000, 120_000),
        (Refusal::Blocked, 300_000, 300_000),
    ] {
        let mut ledger = Ledger::new(Limits::default());
        let span = ledger.refused(at, refusal).since(at).as_millis();
        assert!((least..=most).contains(&span), "{refusal:?}: {span}");
        assert!(matches!(ledger.admit(at, 0, 0, Urgency::Protect), Admission::Wait(_)));
        let open = at.after(ms(span));
        assert_eq!(ledger.admit(open, 1, 1, Urgency::Usual), Admission::Go);
    }
}

#[test]
fn pauses_double_with_jitter_up_to_half_a_minute_and_data_alone_resets_them() {
    pauses(Backoff::new, 30_000);
}

#[test]
fn a_connection_that_a_stop_may_wait_for_is_tried_every_four_seconds_at_least() {
    pauses(Backoff::for_requests, 4_000);
}

fn pauses(of: fn(u64) -> Backoff, longest: i64) {
    for seed in 0..200 {
        let (mut backoff, mut again) = (of(seed), of(seed));
        let mut whole = 250;
        for _ in 0..12 {
            let pause = backoff.pause();
            assert_eq!(pause, again.pause(), "seed {seed}: the same seed, the same pauses");
            let pause = pause.as_millis();
            assert!((whole / 2..=whole).contains(&pause), "seed {seed}: {pause} of {whole}");
            whole = (whole * 2).min(longest);
        }
        backoff.reset();
        assert!(backoff.pause() <= ms(250));
    }
}

/// A user stream that is ready at time 0 on connection 1.
fn ready() -> ListenKey {
    let (mut stream, mut out) = (ListenKey::new(5), Vec::new());
    stream.step(Nanos::ZERO, listen_key::Input::Start, &mut out);
    stream.step(Nanos::ZERO, listen_key::Input::Made("key-1"), &mut out);
    stream.step(Nanos::ZERO, listen_key::Input::Opened(1), &mut out);
    assert!(!stream.ready(), "being connected proves nothing");
    stream.step(Nanos::ZERO, listen_key::Input::Read, &mut out);
    assert_eq!(out, [Wish::Make, Wish::Open(1), Wish::ReadAccount, Wish::Ready]);
    assert!(stream.ready());
    stream
}

fn tick(stream: &mut ListenKey, now: Nanos) -> Vec<Wish> {
    let mut out = Vec::new();
    stream.step(now, listen_key::Input::Tick, &mut out);
    out
}

#[test]
fn the_key_is_renewed_every_half_hour_and_the_connection_replaced_before_its_day_is_over() {
    let mut stream = ready();
    let mut renewals = 0;
    let mut out = Vec::new();
    for minute in 1..23 * 60 {
        let now = Nanos::MINUTE.times(minute);
        let wishes = tick(&mut stream, now);
        if wishes == [Wish::Renew] {
            renewals += 1;
            stream.step(now, listen_key::Input::Renewed, &mut out);
        } else {
            assert!(wishes.is_empty(), "minute {minute}: {wishes:?}");
        }
    }
    assert_eq!(renewals, 45);
    let now = Nanos::HOUR.times(23);
    stream.step(now, listen_key::Input::Tick, &mut out);
    assert!(out.contains(&Wish::Open(2)), "{out:?}");
    out.clear();
    stream.step(now, listen_key::Input::Opened(2), &mut out);
    assert!(stream.ready() && out.is_empty(), "both listen: {out:?}");
    assert!(tick(&mut stream, now.after(ms(9_000))).is_empty());
    assert_eq!(tick(&mut stream, now.after(ms(10_000))), [Wish::Close(1)]);
    assert!(stream.ready());
}

#[test]
fn a_dead_key_or_connection_is_replaced_and_the_account_read_again() {
    for dead in [listen_key::Input::Expired, listen_key::Input::NotRenewed { gone: true }] {
        let (mut stream, mut out) = (ready(), Vec::new());
        stream.step(ms(1), dead, &mut out);
        assert_eq!(out, [Wish::Close(1), Wish::Lost, Wish::Make], "{dead:?}");
        assert!(!stream.ready());
    }
    let (mut stream, mut out) = (ready(), Vec::new());
    stream.step(ms(1), listen_key::Input::Closed(1), &mut out);
    assert_eq!(out, [Wish::Lost]);
    let at = stream.next();
    assert!(at > ms(1) && at <= ms(300), "{at:?}");
    assert_eq!(tick(&mut stream, at), [Wish::Open(2)]);
    // A late opening of something that was given up is closed.
    out.clear();
    stream.step(at, listen_key::Input::Opened(9), &mut out);
    assert_eq!(out, [Wish::Close(9)]);
}

const SYMBOL: SymbolId = SymbolId(0);

#[test]
fn a_leverage_that_somebody_else_has_set_is_set_again_and_read_back() {
    let (now, mut machine, mut out) = (Nanos::SECOND, Leverages::new(1), Vec::new());
    machine.step(now, leverage::Input::Want(SYMBOL, 3), &mut out);
    machine.step(now, leverage::Input::Done(Purpose::Isolate(SYMBOL)), &mut out);
    machine.step(now, leverage::Input::Done(Purpose::Leverage(SYMBOL, 3)), &mut out);
    machine.step(now, leverage::Input::Read(SYMBOL, 3, true), &mut out);
    out.clear();
    machine.step(now, leverage::Input::Want(SYMBOL, 3), &mut out);
    assert_eq!(out, [leverage::Wish::Tell(SYMBOL, 3)], "it is so, and was read back");
    out.clear();
    machine.step(now, leverage::Input::Changed(SYMBOL, 50), &mut out);
    machine.step(now, leverage::Input::Want(SYMBOL, 3), &mut out);
    assert_eq!(out, [leverage::Wish::Ask(Purpose::Leverage(SYMBOL, 3))]);
}

#[test]
fn leverage_goes_by_isolating_setting_and_reading_back() {
    let (mut machine, mut out) = (Leverages::new(1), Vec::new());
    let now = Nanos::ZERO;
    machine.step(now, leverage::Input::Want(SYMBOL, 7), &mut out);
    assert_eq!(out.pop(), Some(leverage::Wish::Ask(Purpose::Isolate(SYMBOL))));
    // It is so already: the class says that this is success.
    let isolate = Purpose::Isolate(SYMBOL);
    machine.step(now, leverage::Input::Refused(isolate, Class::Done), &mut out);
    let set = Purpose::Leverage(SYMBOL, 7);
    assert_eq!(out.pop(), Some(leverage::Wish::Ask(set)));
    // Its answer is lost: what it did is read back.
    machine.step(now, leverage::Input::Lost(set), &mut out);
    let read = Purpose::SymbolConfig(Some(SYMBOL));
    assert_eq!(out.pop(), Some(leverage::Wish::Ask(read)));
    machine.step(now, leverage::Input::Read(SYMBOL, 7, true), &mut out);
    assert_eq!(out, [leverage::Wish::Tell(SYMBOL, 7)]);
    assert_eq!(machine.pending(), 0);
}

#[test]
fn a_symbol_that_is_not_isolated_is_told_with_leverage_zero() {
    let (mut machine, mut out) = (Leverages::new(1), Vec::new());
    machine.step(Nanos::ZERO, leverage::Input::Want(SYMBOL, 7), &mut out);
    let mut now = Nanos::ZERO;
    for _ in 0..40 {
        let wishes = core::mem::take(&mut out);
        for wish in wishes {
            match wish {
                leverage::Wish::Ask(Purpose::SymbolConfig(_)) => {
                    machine.step(now, leverage::Input::Read(SYMBOL, 20, false), &mut out);
                }
                leverage::Wish::Ask(purpose) => {
                    let denied = leverage::Input::Refused(purpose, Class::Denied);
                    machine.step(now, denied, &mut out);
                }
                leverage::Wish::Tell(symbol, leverage) => {
                    assert_eq!((symbol, leverage, machine.pending()), (SYMBOL, 0, 0));
                    return;
                }
                leverage::Wish::Note(_) => {}
            }
        }
        now = now.after(ms(500));
        machine.step(now, leverage::Input::Tick, &mut out);
    }
    panic!("the engine never heard");
}
