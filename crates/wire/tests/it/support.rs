//! The comparison that all scanner tests make.

use aegis_wire::oracle::{self, Combined};
use aegis_wire::{Frame, Levels, Message, ScanError, frame, scan};
use std::path::PathBuf;

/// Reads `bytes` by the scanner and, as the kind that `like` is, by serde; both must agree.
/// Returns whether the bytes were readable.
pub fn agree(bytes: &[u8], like: &Frame<'_>, combined: bool) -> bool {
    let mut levels = Levels::default();
    let scanned = scan(bytes, &mut levels);
    let mut oracle_levels = Levels::default();
    let expected = by_serde(bytes, like, combined, &mut oracle_levels);
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match (&scanned, &expected) {
        (Ok(scanned), Some(expected)) => {
            assert_eq!(scanned, expected, "{}", text());
            assert_eq!(levels, oracle_levels, "{}", text());
            true
        }
        (Err(ScanError { offset, .. }), None) => {
            assert!(*offset <= bytes.len());
            false
        }
        _ => panic!("scanner {scanned:?}, serde {expected:?}: {}", text()),
    }
}

/// What typed serde reads, if it reads it.
pub fn by_serde<'a>(
    bytes: &'a [u8],
    like: &Frame<'_>,
    combined: bool,
    levels: &mut Levels,
) -> Option<Message<'a>> {
    macro_rules! typed {
        ($kind:ident, $frame:expr) => {
            if combined {
                let whole: Combined<'a, frame::$kind<'a>> = serde_json::from_slice(bytes).ok()?;
                Some(Message { stream: Some(whole.stream), frame: $frame(whole.data) })
            } else {
                let frame = serde_json::from_slice(bytes).ok()?;
                Some(Message { stream: None, frame: $frame(frame) })
            }
        };
    }
    match like {
        Frame::Trade(_) => typed!(Trade, Frame::Trade),
        Frame::AggTrade(_) => typed!(AggTrade, Frame::AggTrade),
        Frame::BookTicker(_) => typed!(BookTicker, Frame::BookTicker),
        Frame::Kline(_) => typed!(Kline, Frame::Kline),
        Frame::MarkPrice(_) => typed!(MarkPrice, Frame::MarkPrice),
        Frame::Depth(_) if combined => {
            let whole = oracle::combined_depth(bytes, levels).ok()??;
            Some(Message { stream: Some(whole.stream), frame: Frame::Depth(whole.data) })
        }
        Frame::Depth(_) => {
            let depth = oracle::depth(bytes, levels).ok()??;
            Some(Message { stream: None, frame: Frame::Depth(depth) })
        }
        Frame::Other { .. } => None,
    }
}

/// The folder of shared data, or nothing with a line on what is not tested; a failure under `CI`.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AEGIS_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let wanted = folder.join(path);
    if wanted.exists() {
        return Some(wanted);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing; set AEGIS_SHARED", wanted.display());
    eprintln!("not tested: {} is missing; set AEGIS_SHARED", wanted.display());
    None
}
