//! The faults of the catalogue: which number, at which level it is proven, and how it is made here.

/// Where a fault is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// In the simulation by seed.
    Torture,
    /// On real processes.
    Chaos,
    /// By tests of its own.
    Test,
}

impl Level {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torture => "torture",
            Self::Chaos => "chaos",
            Self::Test => "test",
        }
    }
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number in the catalogue.
    pub number: u8,
    /// Its name here.
    pub name: &'static str,
    /// Where it is proven.
    pub level: Level,
    /// How it is made.
    pub how: &'static str,
}

const fn torture(number: u8, name: &'static str, how: &'static str) -> Fault {
    Fault { number, name, level: Level::Torture, how }
}

const fn elsewhere(number: u8, name: &'static str, level: Level, how: &'static str) -> Fault {
    Fault { number, name, level, how }
}

/// All of them, by number.
pub const FAULTS: [Fault; 54] = [
    torture(1, "reply_dropped", "the exchange carries out an order and closes instead of replying"),
    torture(
        2,
        "unknown_executed",
        "503 of an unknown outcome, carried out; some not found at once",
    ),
    torture(3, "unknown_lost", "503 of an unknown outcome, not carried out"),
    torture(4, "unavailable", "503 that says that nothing happened"),
    torture(5, "minus_1007", "-1007 while the order is carried out and told on the stream"),
    torture(6, "duplicate_id", "-4116 although the order was carried out"),
    torture(7, "reset_mid_body", "a connection is cut while requests and answers are on it"),
    torture(8, "latency", "up to ten seconds one way, for a while"),
    torture(9, "bandwidth", "a thousand bytes a second, for a while"),
    torture(10, "half_open", "a connection takes everything and brings nothing"),
    torture(11, "dns", "no connection can be made for ten minutes, and some end"),
    elsewhere(12, "bad_certificate", Level::Test, "TLS against a certificate of nobody"),
    torture(13, "stream_silent", "streams stay open and say nothing"),
    torture(14, "frame_twice", "a frame comes twice"),
    torture(15, "frame_reordered", "a frame comes behind its successor"),
    torture(16, "frame_late", "a frame comes up to 30 s later"),
    torture(17, "frame_lost", "a frame never comes"),
    torture(18, "frame_malformed", "a frame is cut, no JSON, or far too long"),
    torture(19, "day_is_over", "the exchange closes a stream as after a day"),
    torture(20, "listen_key", "the listen key expires"),
    torture(21, "fill_before_ack", "the fill is told before the reply"),
    torture(22, "partial_entry", "an order fills in part, and its rest ends"),
    torture(23, "fill_after_cancel", "a cancel is refused and the order fills"),
    torture(24, "fill_twice", "a fill is told twice"),
    torture(25, "stop_rejected", "a conditional order is refused"),
    torture(26, "stop_would_trigger", "a conditional order would trigger at once"),
    torture(27, "stop_invisible", "queries do not find a conditional order for half an hour"),
    torture(28, "stop_partial", "a triggered stop fills in part"),
    torture(29, "target_filled", "a target fills while its stop rests"),
    torture(30, "liquidation", "the exchange liquidates a position"),
    torture(31, "adl", "the exchange reduces a position"),
    torture(32, "manual_close", "the user closes a position, or a part of it"),
    torture(33, "foreign_order", "somebody else's order fills on the account"),
    torture(34, "too_many", "429"),
    torture(35, "banned", "418, and a ban"),
    torture(36, "precision", "an order is refused for its numbers"),
    torture(37, "filters_change", "a symbol's grids become coarser"),
    torture(38, "halted", "a symbol stops trading for a while"),
    torture(39, "leverage_differs", "somebody sets another leverage"),
    torture(40, "funding", "funding is charged"),
    torture(41, "clock", "clocks are off by up to five seconds, jump, and go back"),
    torture(42, "kill", "the brain dies within any write of its journal"),
    torture(43, "stall", "a process stands still for up to a minute"),
    torture(44, "hang", "the brain hangs until its supervisor kills it"),
    elsewhere(45, "oom", Level::Chaos, "SIGKILL of one process at any moment"),
    torture(46, "disk_full", "the journal's disk has no space for a while"),
    torture(47, "sync_fails", "a sync of the journal says EIO"),
    torture(48, "torn_tail", "power goes: what was not synced is lost, kept or torn"),
    torture(49, "bit_flip", "a bit of the journal flips, in a copy that is then read"),
    torture(50, "database", "the database is down, locked or slow for a while"),
    torture(51, "overrun", "the ring is overwritten before it is read"),
    torture(52, "wrong_data", "frames say what cannot be"),
    elsewhere(53, "two_engines", Level::Chaos, "a second engine on the account"),
    elsewhere(54, "wrong_start", Level::Test, "wrong settings, build or key at the start"),
];

/// A fault by its name.
pub fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

/// The faults that the simulation proves.
pub fn simulated() -> impl Iterator<Item = &'static Fault> {
    FAULTS.iter().filter(|fault| fault.level == Level::Torture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_once_and_names_differ() {
        for (index, fault) in FAULTS.iter().enumerate() {
            assert_eq!(usize::from(fault.number), index + 1);
            assert_eq!(find(fault.name), Some(fault), "{}", fault.name);
        }
        assert!(simulated().count() >= 50);
    }
}
