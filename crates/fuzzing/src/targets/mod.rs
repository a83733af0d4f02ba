//! The targets.

mod files;
mod node;
mod state;
mod wire;

use crate::seeds;

/// A reader of outside bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: also the name of its cargo-fuzz program.
    pub name: &'static str,
    /// What it reads.
    pub reads: &'static str,
    /// Reads; true when it took the bytes for good ones. Must return.
    pub run: fn(&[u8]) -> bool,
    /// Good inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What means something to it.
    pub words: &'static [&'static str],
}

const JSON: &[&str] = &[
    "\"e\":",
    "\"E\":",
    "\"T\":",
    "\"s\":",
    "\"p\":",
    "\"q\":",
    "\"data\":",
    "\"stream\":",
    "\"k\":",
    "\"symbol\":",
    "\"symbols\":",
    "\"filters\":",
    "\"brackets\":",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "\"BTCUSDT\"",
    "null",
    "1e400",
    "[[[[[[[[",
    "{\"a\":{\"a\":",
];

const HTTP: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "\r\n",
    "\r\n\r\n",
    "Content-Length: ",
    "Content-Length: 18446744073709551616\r\n",
    "Transfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "Retry-After: ",
    "X-MBX-USED-WEIGHT-1M: ",
    "Sec-WebSocket-Accept: ",
    "Upgrade: websocket\r\n",
    ";ext=1",
];

const CSV: &[&str] = &[
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "\u{feff}",
    "open_time",
    "time",
    "close",
    "volume",
    "NaN",
    "inf",
    "1e308",
    "2025-05-04 15:33:00",
    "1735689600000",
    "1735689600000000",
    ",,,,,,",
    "\"",
];

const TOML: &[&str] = &[
    "[risk]\n",
    "[binance]\n",
    "api_key = \"x\"\n",
    "fraction = 0.004\n",
    "live = true\n",
    "\"\"\"",
    "[[a]]\n",
    "= ",
    "\n",
    "'",
    "0x7fff",
    "1979-05-27T07:32:00Z",
    "nan",
    "environment = \"",
    "store.url = \"postgresql://u:p@h/d\"\n",
    "{ a = 1 }",
    "[a.b.c.d]\n",
];

const LINES: &[&str] = &[
    "{\"ask\":\"status\"}\n",
    "{\"do\":\"stop\"}\n",
    "{\"report\":\"ready\"",
    "keys 1 1\n",
    "keys ",
    "\"what\":\"pause\"",
    "\"request\":",
    "BINANCE_API_KEY=",
    "BINANCE_API_SECRET=",
    "\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "#",
    "=",
];

const BINARY: &[&str] = &["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "\x1f\u{8b}", "\0\0\0\0"];

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "websocket_frames",
        reads: "frames of a WebSocket connection, from either side, whole and in pieces",
        run: wire::websocket_frames,
        seeds: wire::frame_seeds,
        words: &["\u{81}", "\0", "\u{7f}", "~"],
    },
    Target {
        name: "http_answers",
        reads: "HTTP answers: head, bodies by length, by chunks and by the end; handshakes",
        run: wire::http_answers,
        seeds: wire::http_seeds,
        words: HTTP,
    },
    Target {
        name: "stream_payloads",
        reads: "payloads of market streams and book snapshots; the fast and the slow reader agree",
        run: wire::stream_payloads,
        seeds: wire::stream_seeds,
        words: JSON,
    },
    Target {
        name: "user_events",
        reads: "events of the account and replies of the WebSocket API",
        run: wire::user_events,
        seeds: wire::user_seeds,
        words: JSON,
    },
    Target {
        name: "rest_bodies",
        reads: "bodies of every REST call, and what to do about their errors",
        run: wire::rest_bodies,
        seeds: wire::body_seeds,
        words: JSON,
    },
    Target {
        name: "exchange_info",
        reads: "exchangeInfo and leverage brackets: as a reply, as a file, and what is traded",
        run: files::exchange_info,
        seeds: files::instrument_seeds,
        words: JSON,
    },
    Target {
        name: "archives",
        reads: "zip and gzip files of candles, and plain ones",
        run: files::archives,
        seeds: files::archive_seeds,
        words: BINARY,
    },
    Target {
        name: "candle_rows",
        reads: "rows of every layout of the public archive",
        run: files::candle_rows,
        seeds: files::candle_seeds,
        words: CSV,
    },
    Target {
        name: "user_csv",
        reads: "candle files of users: any header, any timeframe, other programs' layouts",
        run: files::user_csv,
        seeds: files::user_seeds,
        words: CSV,
    },
    Target {
        name: "journal",
        reads: "segments of a journal, as they are and with right checksums",
        run: state::journal,
        seeds: state::journal_seeds,
        words: BINARY,
    },
    Target {
        name: "snapshots",
        reads: "files of snapshots and of kept money events, beside a journal",
        run: state::snapshots,
        seeds: state::snapshot_seeds,
        words: BINARY,
    },
    Target {
        name: "events",
        reads: "events and commands as the journal holds them; what is read is written as it was",
        run: state::events,
        seeds: seeds::events,
        words: &["\0\0\0\0\0\0\0\0", "\x01", "\x02"],
    },
    Target {
        name: "ring_ticks",
        reads: "slots of the ring; what is read is written as it was",
        run: state::ring_ticks,
        seeds: state::tick_seeds,
        words: &["\0\0\0\0\0\0\0\0", "\x01", "\x02"],
    },
    Target {
        name: "settings_file",
        reads: "aegis.toml; no message repeats a key",
        run: node::settings_file,
        seeds: node::settings_seeds,
        words: TOML,
    },
    Target {
        name: "control_lines",
        reads: "lines of the control socket and of the pipes, and the keys that go through one",
        run: node::control_lines,
        seeds: node::line_seeds,
        words: LINES,
    },
    Target {
        name: "key_files",
        reads: "files of keys and PEM blocks; no message repeats what is in them",
        run: node::key_files,
        seeds: node::key_seeds,
        words: LINES,
    },
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
