//! Every way to write a frame: any key order, white space, keys nobody knows, escapes in keys and
//! numbers, both forms; and bytes that are broken on purpose. A failing case prints its seed.

use crate::support::{agree, by_serde};
use aegis_wire::{Frame, Levels, scan, scan_snapshot};
use proptest::prelude::*;

/// A value of a frame, not yet written.
#[derive(Clone, Debug)]
enum Value {
    /// Written as it stands.
    Plain(String),
    /// A string whose letters may be written as escapes.
    Number(String),
    /// A nested object.
    Object(Vec<(String, Value)>),
}

fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0u64..100_000_000, 0u32..9, any::<u32>()).prop_map(|(whole, places, fraction)| {
            let digits = format!("{fraction:010}");
            match places {
                0 => whole.to_string(),
                n => format!("{whole}.{}", &digits[..n as usize]),
            }
        }),
        1 => "[0-9]{1,11}\\.[0-9]{1,8}0{0,6}",
        1 => Just("92233720368.54775807".to_string()),
        1 => "\\.[0-9]{1,8}|[0-9]{1,8}\\.",
    ]
}

fn time() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => (1_500_000_000_000i64..2_000_000_000_000).prop_map(|t| t.to_string()),
        1 => any::<i64>().prop_map(|t| t.to_string()),
    ]
    .prop_map(Value::Plain)
}

fn id() -> impl Strategy<Value = Value> {
    any::<u64>().prop_map(|id| Value::Plain(id.to_string()))
}

fn number() -> impl Strategy<Value = Value> {
    decimal().prop_map(Value::Number)
}

fn flag() -> impl Strategy<Value = Value> {
    any::<bool>().prop_map(|f| Value::Plain(f.to_string()))
}

fn name() -> impl Strategy<Value = Value> {
    prop_oneof![Just("\"BTCUSDT\""), Just("\"1000PEPEUSDT\""), Just("\"币安人生USDT\"")]
        .prop_map(|name| Value::Plain(name.to_string()))
}

/// A list of levels, as text.
fn levels() -> impl Strategy<Value = Value> {
    prop::collection::vec((decimal(), decimal()), 0..12).prop_map(|levels| {
        let levels: Vec<String> =
            levels.iter().map(|(px, qty)| format!("[ \"{px}\" ,\"{qty}\" ]")).collect();
        Value::Plain(format!("[{}]", levels.join(" ,\n")))
    })
}

fn word(text: &'static str) -> impl Strategy<Value = Value> {
    Just(Value::Plain(format!("\"{text}\"")))
}

/// Sometimes there, sometimes `null`, mostly a number.
fn optional() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => number().prop_map(Some),
        1 => Just(Some(Value::Plain("null".into()))),
        1 => Just(None),
    ]
}

type Fields = Vec<(String, Value)>;

fn fields(list: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Fields> {
    let (names, values): (Vec<_>, Vec<_>) = list.into_iter().unzip();
    values.prop_map(move |values| names.iter().map(|n| n.to_string()).zip(values).collect()).boxed()
}

fn with(fields: BoxedStrategy<Fields>, name: &'static str) -> BoxedStrategy<Fields> {
    (fields, optional())
        .prop_map(move |(mut fields, value)| {
            fields.extend(value.map(|value| (name.to_string(), value)));
            fields
        })
        .boxed()
}

/// The fields of one frame of every kind.
fn frame() -> impl Strategy<Value = Fields> {
    let head =
        |event| vec![("e", word(event).boxed()), ("E", time().boxed()), ("s", name().boxed())];
    let of = |event, more: &[(&'static str, BoxedStrategy<Value>)]| {
        let mut list = head(event);
        list.extend(more.iter().cloned());
        fields(list)
    };
    let (t, n, i, f) = (time().boxed(), number().boxed(), id().boxed(), flag().boxed());
    let px_qty = [("p", n.clone()), ("q", n.clone()), ("m", f.clone()), ("T", t.clone())];
    let trade = of("trade", &[&px_qty[..], &[("t", i.clone())]].concat());
    let aggregate = of(
        "aggTrade",
        &[&px_qty[..], &[("a", i.clone()), ("f", i.clone()), ("l", i.clone())]].concat(),
    );
    let book = ["b", "B", "a", "A"].map(|key| (key, n.clone()));
    let book = of("bookTicker", &[&book[..], &[("u", i.clone()), ("T", t.clone())]].concat());
    let mark = [("p", n.clone()), ("i", n.clone()), ("T", t.clone())];
    let rate = prop_oneof![4 => number(), 1 => Just(Value::Plain("\"\"".into()))].boxed();
    let mark = of("markPriceUpdate", &[&mark[..], &[("r", rate)]].concat());
    let ids = ["U", "u", "pu"].map(|key| (key, i.clone()));
    let sides = [("b", levels().boxed()), ("a", levels().boxed()), ("T", t.clone())];
    let depth = of("depthUpdate", &[&ids[..], &sides[..]].concat());
    let bar: Vec<_> = ["o", "h", "l", "c", "v", "q", "V", "Q"].map(|key| (key, n.clone())).into();
    let rest = [("t", t.clone()), ("T", t), ("i", word("1m").boxed()), ("n", i), ("x", f)];
    let bar = fields([&bar[..], &rest[..]].concat());
    let bar = bar.prop_shuffle().prop_map(Value::Object).boxed();
    let kline = of("kline", &[("k", bar)]);
    prop_oneof![trade, with(aggregate, "nq"), book, with(with(mark, "ap"), "P"), depth, kline]
}

/// Keys that no frame has, with values of every JSON kind.
fn unknown() -> impl Strategy<Value = Fields> {
    let value = prop_oneof![
        Just("null"),
        Just("true"),
        Just("-1.5e+30"),
        Just("0"),
        Just("\"\""),
        Just(r#""a\"b\\\u00e9\ud83d\ude00 {[""#),
        Just(r#"{"e":"other","p":[{}],"x":{"y":[]}}"#),
        Just("[[[]],{},[1, 2,\t3]]"),
        Just(r#""币安""#),
        Just("{ }"),
        Just("[ ]"),
    ];
    prop::collection::vec(("[g-kw-z]{3,12}|ps|st|é|u\\\\\\\\", value), 0..4).prop_map(|list| {
        let mut list: Vec<_> =
            list.into_iter().map(|(key, v)| (key, Value::Plain(v.to_string()))).collect();
        list.dedup_by(|a, b| a.0 == b.0);
        list
    })
}

/// Writes JSON with white space and escapes drawn from `dice`.
struct Writer {
    dice: u64,
    out: String,
}

impl Writer {
    fn roll(&mut self, sides: u64) -> bool {
        // Xorshift: any even spread will do.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice.is_multiple_of(sides)
    }

    fn space(&mut self) {
        if self.roll(6) {
            let space = if self.roll(2) { " " } else { "\r\n\t " };
            self.out.push_str(space);
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for letter in text.chars() {
            if letter.is_ascii_alphanumeric() && self.roll(40) {
                self.out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            } else {
                self.out.push(letter);
            }
        }
        self.out.push('"');
    }

    fn object(&mut self, fields: &[(String, Value)]) {
        self.out.push('{');
        for (index, (key, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.space();
            self.string(key);
            self.space();
            self.out.push(':');
            self.space();
            match value {
                Value::Plain(text) => self.out.push_str(text),
                Value::Number(text) => self.string(text),
                Value::Object(fields) => self.object(fields),
            }
            self.space();
        }
        self.out.push('}');
    }
}

/// A whole message as bytes, and whether it is in combined form.
fn message() -> impl Strategy<Value = (String, bool)> {
    let parts = (frame(), unknown(), any::<bool>(), any::<u64>());
    parts
        .prop_flat_map(|(mut fields, more, ordered, dice)| {
            fields.extend(more);
            let fields =
                if ordered { Just(fields).boxed() } else { Just(fields).prop_shuffle().boxed() };
            (fields, 0u8..4, Just(dice | 1))
        })
        .prop_map(|(fields, form, dice)| {
            let mut writer = Writer { dice, out: String::new() };
            let stream = ("stream".to_string(), Value::Plain("\"btcusdt@x\"".into()));
            let data = ("data".to_string(), Value::Object(fields.clone()));
            match form {
                0 => writer.object(&[stream, data]),
                1 => writer.object(&[data, stream]),
                _ => writer.object(&fields),
            }
            (writer.out, form < 2)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_way_of_writing_gives_the_same_values((json, combined) in message()) {
        let mut levels = Levels::default();
        match scan(json.as_bytes(), &mut levels) {
            Ok(message) => {
                prop_assert!(!matches!(message.frame, Frame::Other { .. }), "{json}");
                prop_assert!(agree(json.as_bytes(), &message.frame, combined), "{json}");
            }
            // Too large for 64 bits at 1e-8: serde must say so too.
            Err(error) => prop_assert!(
                matches!(error.fault, aegis_wire::Fault::Decimal(_)), "{error} {json}"
            ),
        }
    }

    #[test]
    fn damage_is_seen_by_both(
        (json, _) in message(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..3),
    ) {
        let bytes = json.into_bytes();
        let Ok(whole) = scan(&bytes, &mut Levels::default()) else { return Ok(()) };
        let was_combined = whole.stream.is_some();
        let like = kind_of(&whole.frame);
        let event = format!("\"e\":\"{like}\"");
        let mut damaged = bytes.clone();
        for (place, byte, how) in edits {
            let at = place.index(damaged.len());
            match how {
                0 => damaged[at] = byte,
                1 => drop(damaged.remove(at)),
                _ => damaged.insert(at, b"\"\\{}[],:0e.x"[usize::from(byte) % 12]),
            }
            prop_assume!(!damaged.is_empty());
        }
        let mut levels = Levels::default();
        match scan(&damaged, &mut levels) {
            // Damage may make another kind of frame; then serde has nothing to say.
            Ok(message) if kind_of(&message.frame) != like => {}
            Ok(message) => {
                prop_assert!(agree(&damaged, &message.frame, message.stream.is_some()));
            }
            // Serde does not look at the event's name: compared only where that is still whole.
            Err(_) if damaged.windows(event.len()).any(|w| w == event.as_bytes()) => {
                let read = by_serde(&damaged, &whole.frame, was_combined, &mut levels);
                prop_assert_eq!(read, None, "{}", String::from_utf8_lossy(&damaged));
            }
            Err(_) => {}
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut levels = Levels::with_capacity(4);
        let _ = scan(&bytes, &mut levels);
        let _ = scan_snapshot(&bytes, &mut levels);
    }

    #[test]
    fn every_prefix_is_an_error((json, _) in message()) {
        let mut levels = Levels::default();
        prop_assume!(scan(json.as_bytes(), &mut levels).is_ok());
        for end in 0..json.len() {
            let error = scan(&json.as_bytes()[..end], &mut levels).expect_err("a prefix");
            prop_assert!(error.offset <= end);
        }
    }
}

fn kind_of(frame: &Frame<'_>) -> &'static str {
    match frame {
        Frame::Trade(_) => "trade",
        Frame::AggTrade(_) => "aggTrade",
        Frame::BookTicker(_) => "bookTicker",
        Frame::Kline(_) => "kline",
        Frame::MarkPrice(_) => "markPriceUpdate",
        Frame::Depth(_) => "depthUpdate",
        Frame::Other { .. } => "other",
    }
}
