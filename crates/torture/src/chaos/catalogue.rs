//! Step machine: every fault that a round may meet, with the rows of the fault catalogue that it
//! shows on real processes.

/// What kind of thing goes wrong; at most one of a kind in a round, but for requests and frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The exchange treats a request badly.
    Request,
    /// The exchange treats a frame of a stream badly.
    Frame,
    /// Something happens on the market or to the account.
    Event,
    /// The network between the node and the exchange.
    Link,
    /// A process is killed or stopped.
    Process,
    /// The disk.
    Disk,
    /// The database.
    Database,
    /// A second engine on the account.
    Second,
}

/// A process of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The orchestrator.
    Main,
    /// The feed.
    Feed,
    /// The brain.
    Brain,
}

/// How the network misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Every read is handed on so much later.
    Latency,
    /// A thousand bytes a second.
    Slow,
    /// Connections stay open and carry nothing, new ones too.
    HalfOpen,
    /// The next replies end in their middle, with a reset.
    Cut,
    /// Every connection is reset.
    Reset,
    /// Nobody listens, and every connection is reset.
    Refused,
}

/// What goes wrong while all processes of the node are down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wreck {
    /// Half a record lies behind the last one of the journal.
    TornTail,
    /// A bit in the middle of the journal is another one.
    BitFlip,
    /// The node is started as another program than expected, and with settings that are wrong.
    WrongStart,
}

/// How a fault is brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the exchange, on requests; further fields of the posting as JSON.
    Request(&'static str),
    /// By the exchange, on frames; further fields of the posting as JSON.
    Frame(&'static str),
    /// By the exchange, in every symbol or none in particular.
    Everywhere(&'static str),
    /// By the exchange, to one open position.
    Position(&'static str),
    /// By the exchange: an order in a symbol that we hold nothing of.
    Foreign,
    /// By trading at a price beyond the stop or the target of an open position.
    Touch {
        /// The target; else the stop.
        target: bool,
    },
    /// By the proxy.
    Link(Bad),
    /// By SIGKILL.
    Kill(Victim),
    /// By SIGSTOP, and SIGCONT a while later.
    Stop(Victim),
    /// By SIGKILL of all processes of the node, and what is found when it is started again.
    Wreck(Wreck),
    /// By filling the file system of the state folder.
    DiskFull,
    /// By a disk that takes what is written and fails when it is to be synced.
    SyncFails,
    /// By an exclusive transaction of another process.
    DatabaseLocked,
    /// By an address where no server listens.
    DatabaseDown,
    /// By starting a second `aegis run` with the same keys.
    SecondEngine,
}

impl How {
    /// Its group.
    pub const fn group(self) -> Group {
        match self {
            Self::Request(_) => Group::Request,
            Self::Frame(_) => Group::Frame,
            Self::Everywhere(_) | Self::Position(_) | Self::Foreign | Self::Touch { .. } => {
                Group::Event
            }
            Self::Link(_) => Group::Link,
            Self::Kill(_) | Self::Stop(_) | Self::Wreck(_) => Group::Process,
            Self::DiskFull | Self::SyncFails => Group::Disk,
            Self::DatabaseLocked | Self::DatabaseDown => Group::Database,
            Self::SecondEngine => Group::Second,
        }
    }
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name; of faults of the exchange, the exchange's own name or one that begins so.
    pub name: &'static str,
    /// Rows of the fault catalogue.
    pub rows: &'static [u8],
    /// How often it is drawn, against the others.
    pub weight: u32,
    /// How it is brought about.
    pub how: How,
}

const fn fault(name: &'static str, rows: &'static [u8], weight: u32, how: How) -> Fault {
    Fault { name, rows, weight, how }
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    fault("reply_cut", &[1, 7], 6, How::Request("{}")),
    fault("reply_delay", &[1, 8], 3, How::Request(r#"{"ms":2500}"#)),
    fault("http_408", &[1], 2, How::Request("{}")),
    fault("http_503_unknown_executed", &[2], 4, How::Request("{}")),
    fault("http_503_unknown_lost", &[3], 4, How::Request("{}")),
    fault("http_503_unavailable", &[4], 3, How::Request("{}")),
    fault("minus_1008", &[4], 2, How::Request("{}")),
    fault("minus_1007", &[5], 3, How::Request("{}")),
    fault("duplicate_id", &[6], 2, How::Request(DUPLICATE)),
    fault("http_429", &[34], 2, How::Request("{}")),
    fault("http_418", &[35], 2, How::Request(r#"{"ms":2000}"#)),
    fault("fill_before_ack", &[21], 3, How::Request(r#"{"ms":300}"#)),
    fault("partial_fill", &[22, 28], 4, How::Request(r#"{"rest":"expire"}"#)),
    fault("avg_price_absent", &[21], 1, How::Request("{}")),
    fault("algo_reject", &[25], 4, How::Request(REFUSED)),
    fault("algo_would_trigger", &[26], 3, How::Request(TRIGGERS)),
    fault("algo_invisible", &[27], 3, How::Request("{}")),
    fault("cancel_refused", &[23, 29], 3, How::Request(NO_SUCH)),
    fault("quantity_refused", &[36], 2, How::Request(PRECISION)),
    fault("ws_silence", &[13], 3, How::Frame(r#"{"ms":1500}"#)),
    fault("ws_dup", &[14, 24], 3, How::Frame(r#"{"count":40}"#)),
    fault("ws_reorder", &[15], 3, How::Frame(r#"{"count":10}"#)),
    fault("ws_late", &[16], 2, How::Frame(r#"{"count":4,"ms":1500}"#)),
    fault("ws_gap", &[17], 3, How::Frame(r#"{"count":4}"#)),
    fault("ws_malformed", &[18], 3, How::Frame(r#"{"count":6}"#)),
    fault("ws_wrong_data", &[52], 2, How::Frame(r#"{"count":6}"#)),
    fault("ws_close", &[19], 3, How::Frame("{}")),
    fault("ws_drop", &[19], 2, How::Frame("{}")),
    fault("ws_half_open", &[10], 2, How::Frame("{}")),
    fault("listen_key_expire", &[20], 3, How::Everywhere("{}")),
    fault("funding", &[40], 2, How::Everywhere(r#"{"rate":"0.0003"}"#)),
    fault("filters_change", &[37], 2, How::Everywhere(r#"{"minNotional":"100"}"#)),
    fault("symbol_halt", &[38], 2, How::Position(r#"{"ms":1500}"#)),
    fault("clock_skew", &[41], 2, How::Everywhere(r#"{"ms":5000}"#)),
    fault("settings_change", &[39], 2, How::Position(r#"{"leverage":7}"#)),
    fault("liquidation", &[30], 2, How::Position("{}")),
    fault("adl", &[31], 2, How::Position(r#"{"fraction":0.5}"#)),
    fault("manual_close", &[32], 3, How::Position("{}")),
    fault("foreign_order", &[33], 2, How::Foreign),
    fault("stop_touched", &[28], 4, How::Touch { target: false }),
    fault("target_touched", &[29], 4, How::Touch { target: true }),
    fault("latency", &[8], 3, How::Link(Bad::Latency)),
    fault("bandwidth", &[9], 2, How::Link(Bad::Slow)),
    fault("half_open", &[10], 3, How::Link(Bad::HalfOpen)),
    fault("cut_mid_body", &[7], 4, How::Link(Bad::Cut)),
    fault("reset", &[7, 19], 3, How::Link(Bad::Reset)),
    fault("refused", &[11], 3, How::Link(Bad::Refused)),
    fault("sigkill_brain", &[42, 45], 8, How::Kill(Victim::Brain)),
    fault("sigkill_feed", &[45], 3, How::Kill(Victim::Feed)),
    fault("sigkill_orchestrator", &[45], 4, How::Kill(Victim::Main)),
    fault("sigstop_brain", &[43, 44, 51], 3, How::Stop(Victim::Brain)),
    fault("sigstop_feed", &[43], 2, How::Stop(Victim::Feed)),
    fault("sigstop_orchestrator", &[43], 2, How::Stop(Victim::Main)),
    fault("torn_tail", &[45, 48], 3, How::Wreck(Wreck::TornTail)),
    fault("bit_flip", &[49], 2, How::Wreck(Wreck::BitFlip)),
    fault("wrong_start", &[54], 2, How::Wreck(Wreck::WrongStart)),
    fault("disk_full", &[46], 5, How::DiskFull),
    fault("sync_fails", &[47], 3, How::SyncFails),
    fault("database_locked", &[50], 3, How::DatabaseLocked),
    fault("database_down", &[50], 2, How::DatabaseDown),
    fault("second_engine", &[53], 3, How::SecondEngine),
];

/// An order that the exchange has already, as its reply says.
const DUPLICATE: &str = r#"{"fault":"error_code","code":-4116,"msg":"ClientOrderId is duplicated.",
    "executed":true}"#;
/// Conditional orders are not taken here.
const REFUSED: &str = r#"{"code":-4120,"msg":"Order type not supported for this endpoint."}"#;
/// The stop would trigger at once.
const TRIGGERS: &str =
    r#"{"fault":"algo_reject","code":-2021,"msg":"Order would immediately trigger."}"#;
/// A cancel is refused, and its order goes on resting.
const NO_SUCH: &str = r#"{"fault":"error_code","code":-2011,"executed":false,
    "msg":"Unknown order sent."}"#;
/// A quantity that the exchange does not take.
const PRECISION: &str = r#"{"fault":"error_code","code":-1111,"executed":false,
    "msg":"Precision is over the maximum defined for this asset."}"#;

/// The fault of a name.
pub fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_rows_exist_and_fields_are_json() {
        for fault in FAULTS {
            assert_eq!(find(fault.name), Some(fault));
            assert!(!fault.rows.is_empty() && fault.rows.iter().all(|row| (1..=54).contains(row)));
            if let How::Request(fields)
            | How::Frame(fields)
            | How::Everywhere(fields)
            | How::Position(fields) = fault.how
            {
                let fields: serde_json::Value = serde_json::from_str(fields).unwrap();
                assert!(fields.is_object(), "{}", fault.name);
            }
        }
    }
}
