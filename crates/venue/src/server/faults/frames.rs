//! Step machine: what faults do to frames of market and user streams, before they are fanned out.

use super::fields::WRONG;
use super::{Acts, Fault, Faults, Kind};
use crate::server::sim::{Audience, Output};
use aegis_types::parse_decimal;
use aegis_wire::streams::{Route, Stream};

/// How late a late frame is unless it is said, ms.
const LATE_MS: u64 = 30_000;

/// Length of a frame that is far too long.
const OVERSIZED: usize = 1 << 20;

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameFate {
    /// It leaves.
    Send,
    /// It leaves twice.
    Twice,
    /// It never leaves.
    Lost,
    /// Its sockets close, with a close frame or without.
    Close {
        /// With one.
        politely: bool,
    },
    /// It is lost, and its sockets hear nothing more but stay open.
    Deaf,
    /// Something else leaves.
    Changed(String),
    /// It leaves behind the next one of its stream.
    Behind,
    /// It leaves at this wall time, ms.
    At(i64),
}

/// Frames that wait for their time or their successor.
#[derive(Clone, Debug, Default)]
pub struct Held {
    late: Vec<(i64, Output)>,
    behind: Vec<Output>,
}

impl Faults {
    /// Does nothing wait for frames?
    pub fn spares_frames(&self) -> bool {
        self.held.behind.is_empty()
            && !self.queue.iter().any(|fault| fault.kind.acts() == Acts::Frame)
    }

    /// What becomes of a frame; a count of the oldest fault that names it is used up.
    pub fn frame(&mut self, frame: &Output, wall_ms: i64, market_ms: i64) -> FrameFate {
        let over = |f: &Fault| {
            let timed = f.kind == Kind::WsSilence && f.left.is_none();
            timed && f.ms.is_some_and(|ms| wall_ms >= f.since_ms.saturating_add(ms))
        };
        self.queue.retain(|fault| !over(fault));
        let suits = |f: &Fault| f.kind.acts() == Acts::Frame && hears(f, frame);
        let Some(fault) = self.queue.iter_mut().find(|f| suits(f)) else {
            return FrameFate::Send;
        };
        let fault = fault.fire();
        self.queue.retain(|fault| fault.left != Some(0));
        let on = match &frame.to {
            Audience::Market(name) => name.as_str(),
            Audience::User { event, .. } => event,
        };
        self.record(&fault, on, (wall_ms, market_ms), None);
        match fault.kind {
            Kind::WsSilence | Kind::WsGap => FrameFate::Lost,
            Kind::WsDrop => FrameFate::Close { politely: false },
            Kind::WsClose => FrameFate::Close { politely: true },
            Kind::WsDup => FrameFate::Twice,
            Kind::WsReorder => FrameFate::Behind,
            Kind::WsMalformed => FrameFate::Changed(broken(&frame.body, fault.draw())),
            Kind::WsWrongData => FrameFate::Changed(wrong_data(&frame.body, &fault)),
            Kind::WsHalfOpen => FrameFate::Deaf,
            Kind::WsLate => {
                let ms = i64::try_from(fault.ms_or(LATE_MS)).unwrap_or(i64::MAX);
                FrameFate::At(wall_ms.saturating_add(ms))
            }
            _ => FrameFate::Send,
        }
    }

    /// Keeps a frame until the next one of its stream.
    pub fn hold_behind(&mut self, frame: Output) {
        self.held.behind.push(frame);
    }

    /// Keeps a frame until its time.
    pub fn hold_until(&mut self, at_ms: i64, frame: Output) {
        self.held.late.push((at_ms, frame));
    }

    /// Frames that waited for one that has just left, in order.
    pub fn behind(&mut self, to: &Audience) -> Vec<Output> {
        self.held.behind.extract_if(.., |held| same_stream(&held.to, to)).collect()
    }

    /// Frames whose time has come, in order of their times.
    pub fn late(&mut self, wall_ms: i64) -> Vec<Output> {
        if self.held.late.is_empty() {
            return Vec::new();
        }
        let mut due: Vec<(i64, Output)> =
            self.held.late.extract_if(.., |(at, _)| *at <= wall_ms).collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, frame)| frame).collect()
    }
}

fn same_stream(one: &Audience, other: &Audience) -> bool {
    match (one, other) {
        (Audience::Market(one), Audience::Market(other)) => one == other,
        (Audience::User { listen_key: one, .. }, Audience::User { listen_key: other, .. }) => {
            one == other
        }
        _ => false,
    }
}

/// Does a fault name this frame: by stream, route, listen key or event, and by its symbol?
fn hears(fault: &Fault, frame: &Output) -> bool {
    let names_it = |symbol: &String| frame.body.contains(&format!(":\"{symbol}\""));
    if !fault.symbol.as_ref().is_none_or(names_it) {
        return false;
    }
    let target = fault.target.trim_start_matches('/');
    if target.is_empty() {
        return true;
    }
    match &frame.to {
        Audience::Market(name) => {
            let told = frame.body.trim_start_matches('[').strip_prefix("{\"e\":\"");
            let event = told.and_then(|rest| rest.split_once('"')).map(|(event, _)| event);
            target.eq_ignore_ascii_case(name)
                || event == Some(target)
                || Stream::parse(name).is_some_and(|stream| stream.kind.route().name() == target)
        }
        Audience::User { listen_key, event } => {
            target == Route::Private.name()
                || target == "user"
                || target == *event
                || target == listen_key
        }
    }
}

/// A frame as no client may trust it.
fn broken(body: &str, draw: u64) -> String {
    match draw % 4 {
        0 => {
            let mut at = body.len() / 2;
            while !body.is_char_boundary(at) {
                at -= 1;
            }
            body[..at].to_owned()
        }
        1 => body.replace('"', ""),
        2 => not_a_number(body),
        _ => format!("{{\"e\":\"{}\"}}", "x".repeat(OVERSIZED)),
    }
}

/// Where the first decimal in quotes lies.
fn first_decimal(body: &str) -> Option<core::ops::Range<usize>> {
    let mut from = 0;
    loop {
        let start = body[from..].find(":\"").map(|at| from + at + 2)?;
        let end = start + body[start..].find('"')?;
        if parse_decimal(&body.as_bytes()[start..end]).is_ok() {
            return Some(start..end);
        }
        from = end;
    }
}

/// The frame with its first decimal as something else.
fn with_decimal(body: &str, change: impl FnOnce(&str) -> String) -> String {
    match first_decimal(body) {
        Some(place) => {
            let changed = change(&body[place.clone()]);
            format!("{}{changed}{}", &body[..place.start], &body[place.end..])
        }
        None => "{\"NaN\":NaN}".to_owned(),
    }
}

/// The frame with its first decimal string as `NaN`.
fn not_a_number(body: &str) -> String {
    with_decimal(body, |_| "NaN".to_owned())
}

/// A frame in the right form that says what cannot be.
fn wrong_data(body: &str, fault: &Fault) -> String {
    let said = WRONG.into_iter().find(|kind| fault.is_text("kind", kind));
    match said.unwrap_or(WRONG[fault.draw() as usize % WRONG.len()]) {
        "negative" => with_decimal(body, |number| format!("-{number}")),
        "zero" => with_decimal(body, |_| "0".to_owned()),
        "spike" => with_decimal(body, ten_times),
        "crossed" => exchanged(body),
        "symbol" => body.replace("USDT\"", "XXX\""),
        _ => not_a_number(body),
    }
}

/// Ten times a decimal, as text.
fn ten_times(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, rest)) => {
            let (first, rest) = rest.split_at(rest.len().min(1));
            format!("{whole}{first}.{rest}0")
        }
        None => format!("{number}0"),
    }
}

/// Bid and ask of a best-price frame, one for the other; of others the first number goes.
fn exchanged(body: &str) -> String {
    let place = |name: &str| {
        let start = body.find(name)? + name.len();
        Some(start..start + body[start..].find('"')?)
    };
    match (place("\"b\":\""), place("\"a\":\"")) {
        (Some(bid), Some(ask)) if bid.end < ask.start => format!(
            "{}{}{}{}{}",
            &body[..bid.start],
            &body[ask.clone()],
            &body[bid.end..ask.start],
            &body[bid.clone()],
            &body[ask.end..]
        ),
        _ => not_a_number(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Faults {
        let mut faults = Faults::default();
        faults.post(body.as_bytes(), 0).unwrap();
        faults
    }

    fn market(name: &str, body: &str) -> Output {
        Output { to: Audience::Market(name.into()), body: body.into() }
    }

    #[test]
    fn a_fault_names_stream_route_or_event() {
        let frame = market("btcusdt@depth", "{}");
        for (target, fate) in [
            ("", FrameFate::Lost),
            ("btcusdt@depth", FrameFate::Lost),
            ("/public", FrameFate::Lost),
            ("market", FrameFate::Send),
            ("ethusdt@depth", FrameFate::Send),
            ("private", FrameFate::Send),
        ] {
            let mut faults = faults(&format!("{{\"fault\":\"ws_gap\",\"match\":\"{target}\"}}"));
            assert_eq!(faults.frame(&frame, 0, 0), fate, "{target}");
        }
    }

    #[test]
    fn a_fault_of_a_symbol_spares_the_frames_of_others() {
        let posted = r#"{"fault":"ws_gap","match":"kline","symbol":"btcusdt"}"#;
        let kline = |symbol: &str| {
            let body = format!(r#"{{"e":"kline","s":"{symbol}","k":{{}}}}"#);
            market(&format!("{}@kline_1m", symbol.to_lowercase()), &body)
        };
        let mut faults = faults(posted);
        assert_eq!(faults.frame(&kline("ETHUSDT"), 0, 0), FrameFate::Send);
        let other = market("btcusdt@aggTrade", r#"{"e":"aggTrade","s":"BTCUSDT"}"#);
        assert_eq!(faults.frame(&other, 0, 0), FrameFate::Send);
        assert_eq!(faults.frame(&kline("BTCUSDT"), 0, 0), FrameFate::Lost);
    }

    #[test]
    fn counts_are_used_up_and_a_silence_ends_with_its_time() {
        let frame = market("btcusdt@depth", "{}");
        let mut two = faults(r#"{"fault":"ws_dup","count":2}"#);
        let fates: Vec<FrameFate> = (0..3).map(|_| two.frame(&frame, 0, 0)).collect();
        assert_eq!(fates, [FrameFate::Twice, FrameFate::Twice, FrameFate::Send]);
        assert!(two.spares_frames());
        let mut silence = faults(r#"{"fault":"ws_silence","ms":100}"#);
        assert_eq!(silence.frame(&frame, 99, 0), FrameFate::Lost);
        assert_eq!(silence.frame(&frame, 100, 0), FrameFate::Send);
    }

    #[test]
    fn wrong_frames_are_well_formed_and_wrong() {
        let body = r#"{"e":"bookTicker","s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36"}"#;
        for (kind, part) in [
            ("nan", r#""b":"NaN""#),
            ("negative", r#""b":"-25.35""#),
            ("zero", r#""b":"0""#),
            ("spike", r#""b":"253.50""#),
            ("crossed", r#""b":"25.36","B":"31.21","a":"25.35""#),
            ("symbol", r#""s":"BNBXXX""#),
        ] {
            let posted = format!(r#"{{"fault":"ws_wrong_data","kind":"{kind}"}}"#);
            let frame = market("bnbusdt@bookTicker", body);
            let FrameFate::Changed(text) = faults(&posted).frame(&frame, 0, 0) else { panic!() };
            assert!(text.contains(part), "{kind}: {text}");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
        assert_eq!(ten_times("7"), "70");
        assert_eq!(ten_times("0.5"), "05.0");
    }

    #[test]
    fn broken_frames_are_broken() {
        let body = r#"{"e":"bookTicker","u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21"}"#;
        for draw in 0..4 {
            let text = broken(body, draw);
            assert_ne!(text, body);
        }
        assert!(broken(body, 2).contains(r#""b":"NaN""#));
        assert!(serde_json::from_str::<serde_json::Value>(&broken(body, 0)).is_err());
    }
}
