//! Where the generated market makes the engine enter: found by stepping it through the same market
//! in this process, so that a round can begin a moment before.

use super::stage::{MARKET, settings};
use aegis_driver::Observer;
use aegis_node::session::{self, Wanted};
use aegis_settings::{Settings, Sources};
use aegis_types::{Command, Event, EventBody, Nanos, Notice};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Signals at one instant that make it worth a round.
const SIGNALS_MIN: u32 = 3;
/// Minutes of history that the node fetches.
const HISTORY: i64 = 1_500;

#[derive(Default)]
struct Signals(BTreeMap<Nanos, u32>);

impl Observer for Signals {
    type Error = Infallible;

    fn event(&mut self, _: &Event) -> Result<(), Infallible> {
        Ok(())
    }

    fn command(&mut self, _: Nanos, _: &Command) -> Result<(), Infallible> {
        Ok(())
    }

    fn notice(&mut self, at: Nanos, _: u64, notice: &Notice) {
        if matches!(notice, Notice::Signal(_)) {
            *self.0.entry(at).or_default() += 1;
        }
    }
}

/// The closes at which several symbols give a signal, by time.
///
/// # Errors
/// When the market cannot be made or stepped through.
pub fn instants() -> Result<Vec<Nanos>, String> {
    let (seed, symbols, days) = MARKET;
    let mut flags = vec![
        ("market.seed".to_owned(), seed.to_string()),
        ("market.symbols".to_owned(), symbols.to_string()),
    ];
    let engine = settings(1, false);
    flags.extend(engine.iter().filter_map(|setting| {
        setting.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
    }));
    let sources = Sources { file: None, env: &|_| None, env_keys: Vec::new(), flags };
    let settings = Settings::load(&sources).map_err(|violations| violations.to_string())?;
    let wanted = Wanted { days: Some(days), ..Wanted::default() };
    let session = session::prepare(&settings, &wanted).map_err(|failure| failure.to_string())?;
    let (mut driver, initial) = session.build().map_err(|error| error.to_string())?;
    let mut signals = Signals::default();
    let mut begun = false;
    for tick in session::facts(&session).map_err(|failure| failure.to_string())? {
        let tick = tick.map_err(|error| error.to_string())?;
        if !begun {
            let Ok(()) = driver.start(tick.at, &initial, &mut signals);
            begun = true;
        }
        let Ok(()) = driver.step(tick.at, EventBody::Market(tick), &mut signals);
    }
    let first = session.trade_from.after(Nanos::MINUTE.times(HISTORY));
    // The last hours are left for rounds to run into.
    let last = session.until.as_millis() - 3_600_000;
    let worth = |(at, count): &(&Nanos, &u32)| {
        **count >= SIGNALS_MIN && **at > first && at.as_millis() < last
    };
    Ok(signals.0.iter().filter(worth).map(|(at, _)| *at).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_entries_to_disturb() {
        let instants = super::instants().unwrap();
        assert!(instants.len() > 100, "{}", instants.len());
        assert!(instants.is_sorted());
    }
}
