//! The package's answers on random frames (`fixtures/record`), equal cell for cell under compat.

use super::{Rows, recorded};
use aegis_smc::record::{Period, RecordOf, session_window};
use aegis_types::{Bar, Nanos};
use std::path::Path;

fn bar(line: &str) -> Bar {
    let (time, rest) = line.split_once(',').expect("columns");
    let time = Nanos::SECOND.times(time.parse().expect("a time"));
    let numbers: Vec<f64> = rest.split(',').map(|cell| cell.parse().expect("one")).collect();
    let &[open, high, low, close, volume] = &numbers[..] else { panic!("{line}") };
    Bar::new(time, open, high, low, close, volume).expect("a bar")
}

fn row(line: &str) -> (u32, Vec<Option<f64>>) {
    let (at, cells) = line.split_once(',').expect("columns");
    let cell = |cell: &str| (!cell.is_empty()).then(|| cell.parse().expect("a number"));
    (at.parse().expect("a bar"), cells.split(',').map(cell).collect())
}

fn of(what: &str, setting: &str) -> RecordOf {
    let yes = setting == "1";
    match what {
        "swings" => RecordOf::Swings,
        "fvg" => RecordOf::Fvg { join: yes },
        "bos" => RecordOf::BosChoch { close: yes },
        "ob" => RecordOf::Ob { close_mitigation: yes },
        "liq" => RecordOf::Liquidity { range_percent: setting.parse().expect("a share") },
        "prev" => RecordOf::PrevHl { period: Period::parse(setting).expect("a period") },
        "ses" => RecordOf::Sessions { window: session_window(setting, true).expect("a window") },
        "ret" => RecordOf::Retracements,
        _ => panic!("{what}"),
    }
}

#[test]
fn every_answer_on_random_frames_is_equal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/record/frames.csv");
    let text = std::fs::read_to_string(&path).expect("the frames");
    let mut lines = text.lines();
    let (mut kind, mut bars) = (String::new(), Vec::new());
    let (mut frames, mut records) = (0, 0);
    while let Some(line) = lines.next() {
        let head: Vec<&str> = line.splitn(5, ' ').collect();
        match head[..] {
            ["frame", name, count] => {
                kind = name.to_owned();
                bars = lines.by_ref().take(count.parse().expect("a count")).map(bar).collect();
                frames += 1;
            }
            ["record", what, length, count, setting] => {
                let count = count.parse().expect("a count");
                let want: Rows = lines.by_ref().take(count).map(row).collect();
                let length = length.parse().expect("a length");
                let found = recorded(of(what, setting), length, true, &bars);
                assert_eq!(found, want, "frame {frames} ({kind}): {line}");
                records += 1;
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!((frames, records), (19, 19 * 24));
}
