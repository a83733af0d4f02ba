//! Settings and state folder of this call.

use crate::{args, output};
use aegis_node::home::Home;
use aegis_node::logging::{self, Format};
use aegis_node::session::Wanted;
use aegis_node::{EXIT_USAGE, Failure};
use aegis_settings::{Settings, Sources, Violations};
use aegis_types::Nanos;
use std::path::{Path, PathBuf};

/// The flags that set settings, as key and value.
fn flags(
    args: &args::Settings,
    market_seed: Option<u64>,
) -> Result<Vec<(String, String)>, Failure> {
    let mut flags = Vec::new();
    for pair in &args.set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::usage(
                format!("--set {pair}: there is no `=`"),
                "write --set key=value, such as --set risk.fraction=0.004",
            ));
        };
        flags.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    if let Some(seed) = market_seed {
        flags.push(("market.seed".to_owned(), seed.to_string()));
    }
    if let Some(format) = &args.log_format {
        flags.push(("log.format".to_owned(), format.clone()));
    }
    if let Some(level) = &args.log_level {
        flags.push(("log.level".to_owned(), level.to_ascii_uppercase()));
    }
    Ok(flags)
}

/// The settings file of this call: the one named, or `aegis.toml` here if there is one.
pub fn settings_file(args: &args::Settings) -> Option<PathBuf> {
    match &args.config {
        Some(path) => Some(path.clone()),
        None => Some(PathBuf::from("aegis.toml")).filter(|path| path.is_file()),
    }
}

/// Loads settings from flags, environment, file and defaults; all violations at once.
///
/// # Errors
/// A usage error in `Ok(Err(violations))`'s place when the command line itself is wrong.
pub fn load(
    args: &args::Settings,
    market_seed: Option<u64>,
) -> Result<Result<Settings, Violations>, Failure> {
    let file = settings_file(args);
    let env_keys = std::env::vars_os().filter_map(|(key, _)| key.into_string().ok());
    let env_keys = env_keys.filter(|key| key.starts_with("AEGIS__")).collect();
    let flags = flags(args, market_seed)?;
    Ok(Settings::load(&Sources { file, env: &variable, env_keys, flags }))
}

/// Settings, or a failure with every violation (exit 2).
pub fn settings(args: &args::Settings, market_seed: Option<u64>) -> Result<Settings, Failure> {
    load(args, market_seed)?.map_err(|violations| Failure {
        what: violations.to_string(),
        hint: "`aegis config show` prints every setting, `aegis config example` the file".into(),
        code: EXIT_USAGE,
    })
}

/// An environment variable; what is not UTF-8 in it becomes `U+FFFD`, which no setting accepts.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The state folder of this call.
pub fn home() -> Result<Home, Failure> {
    Home::open(&home_path()?)
}

/// Path of the state folder: AEGIS_HOME, or ~/.aegis.
///
/// # Errors
/// When it is not UTF-8: it is printed in JSON, and must be found again by what is printed.
pub fn home_path() -> Result<PathBuf, Failure> {
    let path = aegis_settings::home(&variable);
    if path.to_string_lossy().contains(char::REPLACEMENT_CHARACTER) {
        return Err(Failure::usage(
            format!("the state folder {} is not UTF-8", path.display()),
            "give AEGIS_HOME another name",
        ));
    }
    Ok(path)
}

/// Starts logging as the settings say.
pub fn start_logging(settings: &Settings, file: Option<&Path>) -> Result<(), Failure> {
    let (level, format) = settings.log();
    let format = if format == "json" { Format::Json } else { Format::Text };
    logging::start(level, format, settings.environment(), file)
        .map_err(|e| Failure::failed(format!("log file: {e}"), "check the state folder"))
}

/// Data arguments as the node takes them.
pub fn wanted(data: &args::Data) -> Result<Wanted, Failure> {
    let time = |text: &Option<String>, flag: &str| -> Result<Option<Nanos>, Failure> {
        let Some(text) = text else { return Ok(None) };
        aegis_data::parse_time(text).map(Some).map_err(|e| {
            Failure::usage(
                format!("{flag} {text}: {e}"),
                "write 2025-05-04, 2025-05-04 15:33:00 (UTC) or milliseconds since the epoch",
            )
        })
    };
    if data.symbols.iter().any(|symbol| symbol.trim().is_empty()) {
        return Err(Failure::usage(
            "--symbols: one of them is empty",
            "write --symbols BTCUSDT,ETHUSDT, or leave it out for all",
        ));
    }
    if data.data.is_empty() && data.instruments.is_some() {
        return Err(Failure::usage(
            "--instruments is for recorded data, and there is no --data",
            "give --data, or leave --instruments out: generated markets bring their own",
        ));
    }
    if !data.data.is_empty() && data.market_seed.is_some() {
        output::note("note: --market-seed changes nothing: with --data no market is generated");
    }
    Ok(Wanted {
        data: data.data.clone(),
        symbols: data.symbols.clone(),
        instruments: data.instruments.clone(),
        from: time(&data.from, "--from")?,
        to: time(&data.to, "--to")?,
        days: data.days,
    })
}
