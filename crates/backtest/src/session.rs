//! A session: everything that a run depends on, and so the first record of its journal.
//!
//! What is not in here cannot change the orders: no path, no clock, no process. The id is a hash of
//! the settings, the data's content and the seed, so equal runs carry equal client order ids.

use aegis_data::Dataset;
use aegis_driver::Driver;
use aegis_engine::Engine;
use aegis_exchange::Exchange;
use aegis_settings::Settings;
use aegis_types::{Answers, Command, EventBody, Instrument, Nanos, SymbolTable, Tick, Venue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// What is traded, from when to when, and where that is known from.
#[derive(Clone, Debug)]
pub struct Market {
    /// The names; ids are positions in name order.
    pub symbols: SymbolTable,
    /// By symbol id.
    pub instruments: Vec<Instrument>,
    /// No signal before; `Nanos(i64::MIN)` trades from the start.
    pub trade_from: Nanos,
    /// End of the data.
    pub until: Nanos,
    /// What is assumed where the data is silent.
    pub assumptions: Vec<String>,
    /// Among it: there is no mark price and no book of its own, so an entry is held against the
    /// last price alone.
    pub mark_is_last: bool,
    /// What the data is: files with their hashes, or the generator's specification.
    pub manifest: Value,
}

impl Market {
    /// The market that a set of files describes.
    pub fn of_dataset(dataset: &Dataset) -> Self {
        Self {
            symbols: dataset.symbols.clone(),
            instruments: dataset.instruments.clone(),
            trade_from: dataset.trade_from,
            until: dataset.until,
            assumptions: dataset.assumptions.clone(),
            // Files have no mark series.
            mark_is_last: true,
            manifest: dataset.manifest(),
        }
    }
}

/// Who executes a session's orders, and so which of its events are inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// The exchange inside the brain: its answers follow from the inputs, and are made again.
    #[default]
    Simulated,
    /// A venue on the wire: what it answers comes from outside, and is an input itself.
    Wire,
}

/// The venue of a session that is stepped through its journal again.
#[derive(Clone, Debug)]
pub enum Past {
    /// The simulated exchange answers anew what it answered then.
    Simulated(Box<Exchange>),
    /// What a venue on the wire answered is in the journal; nothing is sent to it.
    Wire,
}

impl Venue for Past {
    fn on_market(&mut self, at: Nanos, tick: &Tick, answers: &mut Answers) {
        if let Self::Simulated(exchange) = self {
            exchange.on_market(at, tick, answers);
        }
    }

    fn execute(&mut self, at: Nanos, command: &Command, answers: &mut Answers) {
        if let Self::Simulated(exchange) = self {
            exchange.execute(at, command, answers);
        }
    }
}

/// Journals written before a session said so were checked against the last price alone.
const fn yes() -> bool {
    true
}

/// Everything that a run depends on. Written as JSON, it is the header of the run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// 16 hex digits; the `session` of client order ids.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Commit that it was built from.
    pub commit: String,
    /// `development`, `testnet` or `production`.
    pub environment: String,
    /// The names; ids are positions in name order.
    pub symbols: SymbolTable,
    /// By symbol id.
    pub instruments: Vec<Instrument>,
    /// Who executes its orders.
    #[serde(default)]
    pub execution: Execution,
    /// Every effective setting that is no secret, as text.
    pub settings: BTreeMap<String, String>,
    /// No signal before.
    pub trade_from: Nanos,
    /// End of the data.
    pub until: Nanos,
    /// What is assumed where the data is silent.
    pub assumptions: Vec<String>,
    /// Among it: there is no mark price and no book of its own.
    #[serde(default = "yes")]
    pub mark_is_last: bool,
    /// What the data is: files with their hashes, or the generator's specification.
    pub data: Value,
}

/// Why a session cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionError(pub String);

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SessionError {}

impl Session {
    /// The session of these settings on this market. `commit` names the build.
    pub fn new(settings: &Settings, market: Market, commit: &str) -> Self {
        let pairs: BTreeMap<String, String> = settings.pairs().into_iter().collect();
        let seed = settings.exchange().seed;
        let environment = pairs.get("environment").cloned().unwrap_or_default();
        Self {
            id: Self::id_of(&pairs, &market.manifest, seed),
            version: env!("CARGO_PKG_VERSION").into(),
            commit: commit.into(),
            environment,
            symbols: market.symbols,
            instruments: market.instruments,
            execution: Execution::Simulated,
            settings: pairs,
            trade_from: market.trade_from,
            until: market.until,
            assumptions: market.assumptions,
            mark_is_last: market.mark_is_last,
            data: market.manifest,
        }
    }

    /// 16 hex digits: the first eight bytes of SHA-256 over the settings, the data manifest and the
    /// seed. Each text is hashed with its length before it, so that no two lists of texts read the
    /// same; where files lie (`path`) is no part of what they hold.
    pub fn id_of(settings: &BTreeMap<String, String>, data: &Value, seed: u64) -> String {
        let mut hash = Sha256::new();
        hash.update((settings.len() as u64).to_le_bytes());
        for (key, value) in settings {
            hash_text(&mut hash, key);
            hash_text(&mut hash, value);
        }
        hash_json(&mut hash, data);
        hash.update(seed.to_le_bytes());
        let digest = hash.finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The session's number, as client order ids carry it.
    ///
    /// # Errors
    /// [`SessionError`] when the id is not 16 hex digits.
    pub fn number(&self) -> Result<u64, SessionError> {
        let wrong = || SessionError(format!("session id `{}` is not 16 hex digits", self.id));
        if self.id.len() != 16 {
            return Err(wrong());
        }
        u64::from_str_radix(&self.id, 16).map_err(|_| wrong())
    }

    /// The settings that the session ran with.
    ///
    /// # Errors
    /// [`SessionError`] naming every setting that this version does not accept.
    pub fn settings(&self) -> Result<Settings, SessionError> {
        let pairs: Vec<(String, String)> =
            self.settings.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        Settings::from_pairs(pairs)
            .map_err(|e| SessionError(format!("the session's settings are not accepted: {e}")))
    }

    /// The engine at its start.
    ///
    /// # Errors
    /// [`SessionError`] saying what of settings or instruments is wrong.
    pub fn engine(&self) -> Result<Engine, SessionError> {
        let mut config = self.settings()?.engine();
        config.session = self.number()?;
        config.trade_from = self.trade_from;
        config.mark_is_last = self.mark_is_last;
        Engine::new(config, &self.instruments)
            .map_err(|e| SessionError(format!("the engine refuses this session: {e}")))
    }

    /// The simulated exchange at its start.
    ///
    /// # Errors
    /// [`SessionError`] saying what of settings or instruments is wrong.
    pub fn exchange(&self) -> Result<Exchange, SessionError> {
        Exchange::new(self.settings()?.exchange(), &self.instruments)
            .map_err(|e| SessionError(format!("the simulated exchange refuses it: {e}")))
    }

    /// Engine and exchange behind their driver, and the exchange's first answers (the wallet),
    /// with which the driver is to be started at the time of the first market fact.
    ///
    /// # Errors
    /// [`SessionError`] saying what of settings or instruments is wrong.
    pub fn build(&self) -> Result<(Driver<Exchange>, Vec<EventBody>), SessionError> {
        let mut exchange = self.exchange()?;
        let mut initial = Vec::new();
        exchange.open(&mut initial);
        Ok((Driver::new(self.engine()?, exchange), initial))
    }

    /// The same to step through the session's journal with [`step_again`](crate::step_again).
    ///
    /// # Errors
    /// [`SessionError`] saying what of settings or instruments is wrong.
    pub fn again(&self) -> Result<(Driver<Past>, Vec<EventBody>), SessionError> {
        let mut initial = Vec::new();
        let past = match self.execution {
            Execution::Wire => Past::Wire,
            Execution::Simulated => {
                let mut exchange = self.exchange()?;
                exchange.open(&mut initial);
                Past::Simulated(Box::new(exchange))
            }
        };
        Ok((Driver::new(self.engine()?, past), initial))
    }
}

fn hash_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

/// Hashes a JSON value: objects by sorted keys, so that their order does not matter.
fn hash_json(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Array(items) => {
            hash.update([b'[']);
            hash.update((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| hash_json(hash, item));
        }
        Value::Object(map) => {
            let fields: BTreeMap<_, _> = map.iter().filter(|(key, _)| *key != "path").collect();
            hash.update([b'{']);
            hash.update((fields.len() as u64).to_le_bytes());
            for (key, field) in fields {
                hash_text(hash, key);
                hash_json(hash, field);
            }
        }
        scalar => hash_text(hash, &scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| (String::from(*k), String::from(*v))).collect()
    }

    #[test]
    fn the_id_follows_content_and_not_place() {
        let base = settings(&[("a", "1"), ("b", "2")]);
        let data = json!({"files": [{"path": "/x", "sha256": "00", "bytes": 7}]});
        let id = Session::id_of(&base, &data, 1);
        assert_eq!(id.len(), 16);
        assert!(u64::from_str_radix(&id, 16).is_ok());
        let moved = json!({"files": [{"bytes": 7, "path": "/y", "sha256": "00"}]});
        assert_eq!(Session::id_of(&base, &moved, 1), id, "the same file elsewhere");
        let other = json!({"files": [{"path": "/x", "sha256": "01", "bytes": 7}]});
        let changed = [
            Session::id_of(&base, &other, 1),
            Session::id_of(&base, &data, 2),
            Session::id_of(&settings(&[("a", "12"), ("b", "")]), &data, 1),
            Session::id_of(&settings(&[("a", "1")]), &data, 1),
            Session::id_of(&base, &json!({"files": []}), 1),
        ];
        for (index, id_changed) in changed.iter().enumerate() {
            assert_ne!(*id_changed, id, "change {index}");
        }
    }
}
