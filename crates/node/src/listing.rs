//! A session on an exchange: what it lists, by its own rules and figures.
//!
//! Everything is asked for before the first process starts: symbols and filters, margin brackets
//! and fees where there are keys. Nothing is guessed: where the exchange does not answer, simulated
//! orders may go by the built-in table of major symbols, loudly; real ones never.

use crate::exchange_child::Account;
use crate::live::{Silence, Source, Streams, universe};
use crate::question::Questions;
use crate::session::{self, Manifest};
use crate::{Failure, clock};
use aegis_backtest::{Execution, Market, Session};
use aegis_data::{FirewallConfig, built_in};
use aegis_settings::Settings;
use aegis_types::{Instrument, Nanos, Rate, SymbolTable, exchange_name};
use aegis_venue::client::Identity;
use aegis_wire::bodies::{self, ExchangeInfo};
use aegis_wire::urls::{Environment, Urls};
use aegis_wire::{Query, Signer};
use serde_json::Value;
use std::path::Path;

/// Longest answer.
const ANSWER: Nanos = Nanos(10_000_000_000);
/// Minutes of candles from before the start that warm the detectors up.
const WARM_UP_MINUTES: i64 = 1_500;

/// What is asked of a session on an exchange.
pub struct Wanted<'a> {
    /// `sim`, `local`, `testnet` or `binance`.
    pub venue: &'a str,
    /// Symbols as users write them; empty for all that the exchange trades.
    pub symbols: &'a [String],
    /// Keys, where orders go to the exchange.
    pub keys: Option<&'a Account>,
}

/// A session on an exchange, and where its facts come from.
pub struct Listing {
    /// The session.
    pub session: Session,
    /// The source.
    pub source: Source,
}

/// The bases of a venue.
///
/// # Errors
/// When an address of the settings cannot be used, or `local` has none.
pub fn urls(settings: &Settings, venue: &str) -> Result<Urls, Failure> {
    let given = settings.venue();
    let mut urls = match (venue, given.exchange_url.as_str()) {
        ("local", "") => {
            return Err(Failure::usage(
                "--venue local: where the exchange listens is not said",
                "give --exchange-url http://127.0.0.1:PORT, as `aegis exchange` prints it",
            ));
        }
        ("testnet", "") => Urls::of(Environment::Demo),
        (_, "") => Urls::of(Environment::Live),
        (_, base) => Urls::local(base)
            .map_err(|e| Failure::usage(format!("venue.exchange_url {base}: {e}"), "correct it"))?,
    };
    if !given.stream_url.is_empty() {
        urls.streams = given.stream_url;
    }
    Ok(urls)
}

/// Who signs for an account.
///
/// # Errors
/// When the secret looks like a PEM and is none.
pub fn identity(keys: &Account, recv_window_ms: u32) -> Result<Identity, Failure> {
    let secret = &keys.secret;
    let signer = if secret.expose_text().trim_start().starts_with("-----BEGIN") {
        Signer::ed25519_pem(secret).map_err(|e| Failure::usage(e.to_string(), ""))?
    } else {
        Signer::hmac(secret)
    };
    Ok(Identity { api_key: keys.key.clone(), signer, recv_window_ms })
}

/// What a simulator says of its clock.
struct SimClock {
    simulator: bool,
    market_ms: i64,
    stepped: bool,
    derived: bool,
}

struct Asking<'a> {
    settings: &'a Settings,
    wanted: &'a Wanted<'a>,
    urls: Urls,
    exchange: Questions,
    assumptions: Vec<String>,
}

/// Asks an exchange for all that a session needs. Files of its answers are kept in `folder`.
///
/// # Errors
/// When it does not answer, refuses the keys, or trades none of the symbols.
pub fn ask(settings: &Settings, wanted: &Wanted<'_>, folder: &Path) -> Result<Listing, Failure> {
    let urls = urls(settings, wanted.venue)?;
    let exchange = Questions::to(&urls.rest, ANSWER)?;
    let mut asking = Asking { settings, wanted, urls, exchange, assumptions: Vec::new() };
    let clock = asking.clock()?;
    let (symbols, mut instruments) = asking.instruments(folder)?;
    if wanted.keys.is_some() {
        asking.fees(&mut instruments)?;
    }
    asking.assumptions.push("fees of a regular user unless the exchange said others".to_owned());
    if clock.derived {
        asking.assumptions.push("mark price = last price: the exchange plays candles".to_owned());
    }
    let source = asking.source(&clock);
    let mut manifest = serde_json::to_value(Manifest::Live(source.clone()))
        .map_err(|e| Failure::failed(format!("the data manifest cannot be written: {e}"), ""))?;
    // Every start is a session of its own: its order ids are like no others.
    manifest["live"]["started"] = Account::fresh()?.key.expose_text().into();
    let market = Market {
        symbols,
        instruments,
        trade_from: Nanos::from_millis(clock.market_ms),
        until: Nanos::MAX,
        assumptions: asking.assumptions,
        // A simulator of candles says marks and books that it has made from them.
        mark_is_last: clock.derived,
        manifest,
    };
    let mut session = Session::new(settings, market, session::COMMIT);
    if wanted.keys.is_some() {
        session.execution = Execution::Wire;
    }
    Ok(Listing { session, source })
}

impl Asking<'_> {
    /// The market's time: the machine's, but for a simulator, which says its own.
    fn clock(&mut self) -> Result<SimClock, Failure> {
        if self.wanted.venue != "local" {
            // A simulator may play the exchange for simulated orders too.
            let path = "/sim/v1/clock";
            let named = !self.settings.venue().exchange_url.is_empty();
            if !named || self.exchange.get(path)?.status != 200 {
                let market_ms = clock::wall().as_millis();
                return Ok(SimClock {
                    simulator: false,
                    market_ms,
                    stepped: false,
                    derived: false,
                });
            }
        }
        let said = self.exchange.json("/sim/v1/clock")?;
        let market_ms = said["market_ms"].as_i64().ok_or_else(|| {
            Failure::failed("the exchange's clock has no market_ms", "is it `aegis exchange`?")
        })?;
        let stepped = said["speed"] == "step";
        if stepped && self.wanted.keys.is_none() {
            return Err(Failure::usage(
                "the exchange waits to be stepped, which only --venue local does",
                "start it with --speed real, N or max, or use --venue local",
            ));
        }
        Ok(SimClock { simulator: true, market_ms, stepped, derived: said["derived"] == true })
    }

    /// Symbols and instruments as the exchange lists them.
    fn instruments(&mut self, folder: &Path) -> Result<(SymbolTable, Vec<Instrument>), Failure> {
        let answer = match self.exchange.json("/fapi/v1/exchangeInfo") {
            Ok(answer) => answer,
            Err(failure) if self.wanted.keys.is_none() => return self.fallback(&failure),
            Err(failure) => return Err(failure),
        };
        let info: ExchangeInfo = bodies::read(answer.to_string().as_bytes())
            .map_err(|e| Failure::failed(format!("exchangeInfo: {e}"), ""))?;
        let brackets = self.brackets()?;
        if brackets.is_null() {
            let why = "margin brackets of the built-in table, or one conservative bracket";
            self.assumptions.push(why.to_owned());
        }
        let path = folder.join("exchange-info.json");
        crate::home::write_whole(&path, format!("{answer}\n{brackets}\n").as_bytes())?;
        let names = self.chosen(&info)?;
        let symbols =
            SymbolTable::new(names).map_err(|e| Failure::usage(e.to_string(), "name fewer"))?;
        let file = aegis_data::read_instruments(&path).map_err(session::data_failure)?;
        let mut instruments = Vec::new();
        for id in symbols.ids() {
            let name = symbols.name(id);
            let found = file.instrument(name, id).map_err(session::data_failure)?;
            instruments.extend(found);
        }
        Ok((symbols, instruments))
    }

    /// Without the exchange's list: the major symbols, by the built-in table.
    fn fallback(&mut self, why: &Failure) -> Result<(SymbolTable, Vec<Instrument>), Failure> {
        let names = universe::fallback(&why.what);
        let wanted: Vec<String> = self.wanted.symbols.iter().map(|s| exchange_name(s)).collect();
        let kept =
            names.iter().filter(|name| wanted.is_empty() || wanted.iter().any(|w| w == *name));
        let symbols = SymbolTable::new(kept.map(|name| (*name).to_owned()))
            .map_err(|e| Failure::usage(e.to_string(), ""))?;
        let instruments: Vec<Instrument> =
            symbols.ids().filter_map(|id| built_in(symbols.name(id), id)).collect();
        if instruments.is_empty() {
            return Err(why.clone());
        }
        self.assumptions.push("the built-in table of major symbols: no exchangeInfo".to_owned());
        Ok((symbols, instruments))
    }

    /// The symbols to trade: those asked for, or all that the rule lets in.
    fn chosen(&self, info: &ExchangeInfo) -> Result<Vec<String>, Failure> {
        let verdicts = bodies::universe(&info.symbols.0);
        let wanted: Vec<String> = self.wanted.symbols.iter().map(|s| exchange_name(s)).collect();
        for name in &wanted {
            let verdict = verdicts.iter().find(|verdict| verdict.symbol == *name);
            match verdict {
                None => {
                    return Err(Failure::usage(
                        format!("{name} is not listed at {}", self.urls.rest),
                        "look at its exchangeInfo for what is",
                    ));
                }
                Some(verdict) if !verdict.is_in() => {
                    return Err(Failure::usage(
                        format!("{name} cannot be traded: {}", verdict.reason),
                        "leave it out",
                    ));
                }
                Some(_) => {}
            }
        }
        let out = verdicts.iter().filter(|verdict| !verdict.is_in());
        for verdict in out {
            tracing::debug!(symbol = %verdict.symbol, reason = %verdict.reason, "left out");
        }
        let mut names: Vec<String> = if wanted.is_empty() {
            verdicts.iter().filter(|v| v.is_in()).map(|v| v.symbol.clone()).collect()
        } else {
            wanted
        };
        names.sort_unstable();
        names.dedup();
        let most = self.settings.universe_max();
        if names.len() > most {
            let out = names.split_off(most);
            tracing::warn!(most, "universe.symbols_max leaves out {}", out.join(" "));
        }
        if names.is_empty() {
            return Err(Failure::usage(
                format!("{} trades no perpetual contract in USDT", self.urls.rest),
                "check the address",
            ));
        }
        let listed = verdicts.len();
        tracing::info!(traded = names.len(), listed, "universe of {}", self.urls.rest);
        Ok(names)
    }

    /// An answer to a question of the account's owner.
    fn owned(&mut self, path: &str, query: &Query) -> Result<Value, Failure> {
        let Some(keys) = self.wanted.keys else { return Ok(Value::Null) };
        let identity = identity(keys, self.settings.venue().recv_window_ms)?;
        let time = self.exchange.json("/fapi/v1/time")?;
        let now = time["serverTime"].as_i64().unwrap_or_else(|| clock::wall().as_millis());
        let answer = self.exchange.signed(path, query, &identity, now)?;
        self.exchange.good(path, &answer).map_err(|failure| Failure {
            hint: "check that the keys belong to this exchange and may trade futures".to_owned(),
            ..failure
        })
    }

    fn brackets(&mut self) -> Result<Value, Failure> {
        self.owned("/fapi/v1/leverageBracket", &Query::new())
    }

    /// Fees of the account: asked for one symbol, for one account has one schedule.
    fn fees(&mut self, instruments: &mut [Instrument]) -> Result<(), Failure> {
        let Some(first) = instruments.first() else { return Ok(()) };
        let query = Query::new().with("symbol", first.name.as_str());
        let said = self.owned("/fapi/v1/commissionRate", &query)?;
        let rate = |key: &str| said[key].as_str().and_then(|text| text.parse::<Rate>().ok());
        let (taker, maker) = (rate("takerCommissionRate"), rate("makerCommissionRate"));
        for instrument in instruments {
            instrument.taker_fee = taker.unwrap_or(instrument.taker_fee);
            instrument.maker_fee = maker.unwrap_or(instrument.maker_fee);
        }
        Ok(())
    }

    fn source(&self, clock: &SimClock) -> Source {
        let limits = self.settings.firewall();
        let conflation = self.settings.conflation().as_millis();
        let refresh = self.settings.universe_refresh().as_millis();
        Source {
            venue: match self.wanted.venue {
                _ if clock.simulator => "local",
                "sim" => "binance",
                venue => venue,
            }
            .to_owned(),
            rest: self.urls.rest.clone(),
            stream_base: self.urls.streams.clone(),
            streams: if clock.derived { Streams::Klines } else { Streams::All },
            history_from_ms: clock.market_ms - WARM_UP_MINUTES * 60_000,
            conflation_ms: u32::try_from(conflation).unwrap_or(0),
            universe_refresh_ms: u64::try_from(refresh).unwrap_or(0),
            // The other half is the brain's.
            weight_minute: self.urls.weight_minute / 2,
            silence: if clock.stepped { Silence::NEVER } else { Silence::default() },
            firewall: FirewallConfig {
                jump_factor: limits.jump_factor,
                jump_window: limits.jump_window,
            },
        }
    }
}
