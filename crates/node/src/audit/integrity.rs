//! Phase 1: is this the program it says it is?

use super::{Auditor, Finding};
use aegis_indicators::{Atr, Indicator, Rsi};
use aegis_types::{Bar, Candle, Nanos, Tick};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// `crate:dependency,dependency` a line, read from the manifests when this program was built.
const GRAPH: &str = env!("AEGIS_GRAPH");
/// What tidy said when this program was built.
const TIDY: &str = env!("AEGIS_TIDY");
const ARCHITECTURE: &str = include_str!("../../../../ARCHITECTURE.md");
const CANDLES: &str = include_str!("../../../../fixtures/golden/candles_synth.csv");
const MOMENTUM: &str = include_str!("../../../../fixtures/golden/talib_momentum_synth.csv");
const VOLATILITY: &str = include_str!("../../../../fixtures/golden/talib_volatility_synth.csv");
/// Period of the golden columns.
const PERIOD: NonZeroU32 = NonZeroU32::new(14).unwrap();
/// Rows of the golden tables that the self-test computes.
const ROWS: usize = 300;

pub fn phase(auditor: &mut Auditor) {
    let component = "code integrity";
    auditor.check("build.identity", component, || {
        let commit = crate::session::COMMIT;
        let version = env!("CARGO_PKG_VERSION");
        if commit == "unknown" {
            Finding::warn(
                format!("version {version}, commit unknown"),
                "build inside the repository, so that a run can say what it is",
            )
        } else {
            Finding::pass(format!("version {version}, commit {commit}"))
        }
    });
    auditor.check("build.crate_graph", component, crate_graph);
    auditor.check("build.tidy", component, || match TIDY {
        "clean" => Finding::pass("house rules held when this program was built"),
        "not run" => Finding::skip("built outside the repository: tidy was not run"),
        found => Finding::warn(format!("at build time: {found}"), "run `cargo xtask tidy`"),
    });
    auditor.check("layout.ring", component, layout);
    auditor.check("selftest.rsi", component, || {
        golden("rsi", MOMENTUM, |bars| {
            let mut rsi = Rsi::new(PERIOD);
            bars.iter().map(|bar| rsi.push(bar.close())).collect()
        })
    });
    auditor.check("selftest.atr", component, || {
        golden("atr", VOLATILITY, |bars| {
            let mut atr = Atr::new(PERIOD);
            bars.iter().map(|bar| atr.push(*bar)).collect()
        })
    });
}

fn graph(text: &str) -> BTreeMap<String, Vec<String>> {
    text.split(';')
        .filter_map(|line| line.split_once(':'))
        .map(|(name, rest)| {
            let edges = rest.split(',').map(str::trim).filter(|e| !e.is_empty());
            (name.trim().to_owned(), edges.map(str::to_owned).collect())
        })
        .collect()
}

/// What a room may depend on, by the table of ARCHITECTURE.md.
enum May {
    These(Vec<String>),
    Anything,
}

/// The table between the edge markers: `| room | kind | dependencies |`.
fn declared() -> BTreeMap<String, May> {
    let table = ARCHITECTURE.split("<!-- edges -->").nth(1).unwrap_or_default();
    let table = table.split("<!-- /edges -->").next().unwrap_or_default();
    let mut rooms: BTreeMap<String, May> = BTreeMap::new();
    for line in table.lines().skip_while(|line| !line.starts_with("|---")).skip(1) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, may] = cells[..] else { continue };
        let may = match may {
            "all of the above" => May::These(rooms.keys().cloned().collect()),
            anything if anything.starts_with("anything") => May::Anything,
            list => May::These(list.split(", ").map(str::to_owned).collect()),
        };
        rooms.insert(name.to_owned(), may);
    }
    rooms
}

fn crate_graph() -> Finding {
    let graph = graph(GRAPH);
    if graph.is_empty() {
        return Finding::skip("built outside the repository: no crate graph is embedded");
    }
    let declared = declared();
    for (name, edges) in &graph {
        let undeclared = edges.iter().find(|edge| match declared.get(name) {
            Some(May::Anything) => false,
            Some(May::These(list)) => !list.contains(edge),
            None => true,
        });
        if let Some(edge) = undeclared {
            return Finding::fail(
                format!("{name} depends on {edge}, which ARCHITECTURE.md does not declare"),
                "remove the dependency, or declare it with its reason",
            );
        }
    }
    let mut left = graph.clone();
    while !left.is_empty() {
        let free: Vec<_> = left
            .iter()
            .filter(|(_, edges)| edges.iter().all(|e| !left.contains_key(e)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            let names: Vec<_> = left.keys().cloned().collect();
            return Finding::fail(
                format!("a cycle among {}", names.join(", ")),
                "a lower floor must not import a higher one",
            );
        }
        free.iter().for_each(|name| drop(left.remove(name)));
    }
    let edges: usize = graph.values().map(Vec::len).sum();
    Finding::pass(format!(
        "{} crates, {edges} edges, acyclic and as declared (embedded at build time)",
        graph.len()
    ))
}

fn layout() -> Finding {
    let words = Tick {
        symbol: aegis_types::SymbolId(513),
        derived: true,
        at: Nanos(1),
        received_us: 7,
        body: aegis_types::TickBody::Gap { missing: 3 },
    };
    let back = Tick::from_words(&words.to_words());
    if back != Ok(words) {
        return Finding::fail("a tick does not survive its ring slot", "rebuild the program");
    }
    Finding::pass(format!(
        "ring layout {:016x}, candle {} bytes, tick in 7 words",
        aegis_ring::LAYOUT_HASH,
        size_of::<Candle>()
    ))
}

fn bars() -> Vec<Bar> {
    let number = |cell: Option<&str>| cell.and_then(|c| c.parse().ok()).unwrap_or(f64::NAN);
    CANDLES
        .lines()
        .skip(1)
        .take(ROWS)
        .map(|line| {
            let mut cells = line.split(',').skip(1);
            let [open, high, low, close, volume] = std::array::from_fn(|_| number(cells.next()));
            Bar::new(Nanos::ZERO, open, high, low, close, volume).unwrap_or_default()
        })
        .collect()
}

/// Compares a computed column with the one of a golden table, over the embedded rows.
fn golden(name: &str, table: &str, compute: impl FnOnce(&[Bar]) -> Vec<Option<f64>>) -> Finding {
    let mut lines = table.lines();
    let header: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
    let column = header.iter().position(|h| *h == name);
    let Some(column) = column else {
        return Finding::fail(format!("no golden column {name}"), "rebuild from a whole checkout");
    };
    let computed = compute(&bars());
    let mut compared = 0;
    let mut worst = 0.0f64;
    for line in lines {
        let cells: Vec<_> = line.split(',').collect();
        let Some(row) = cells[0].parse::<usize>().ok().filter(|row| *row < computed.len()) else {
            continue;
        };
        match (cells.get(column).and_then(|c| c.parse::<f64>().ok()), computed[row]) {
            (None, None) => {}
            (Some(want), Some(got)) => {
                compared += 1;
                worst = worst.max((got - want).abs() / want.abs().max(1.0));
            }
            (want, got) => {
                return Finding::fail(
                    format!("{name} row {row}: golden {want:?}, computed {got:?}"),
                    "do not trade with this build",
                );
            }
        }
    }
    if worst > 1e-9 || compared == 0 {
        return Finding::fail(
            format!("{name}: worst relative difference {worst:e} over {compared} golden rows"),
            "do not trade with this build",
        );
    }
    Finding::pass(format!("{compared} golden rows equal to 1e-9 (worst {worst:.1e})"))
}
