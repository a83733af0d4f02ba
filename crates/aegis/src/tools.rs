//! `aegis store`, `aegis config`, `aegis sign`.

use crate::args::{ConfigCommand, StoreCommand};
use crate::output::Reader;
use crate::research::journal_folder;
use crate::{args, context, output};
use aegis_node::{EXIT_OK, EXIT_USAGE, Failure, persist};
use aegis_settings::mask_url;
use aegis_wire::Secret;

pub fn store(args: &args::Store) -> Result<i32, Failure> {
    match &args.what {
        StoreCommand::Rebuild { journal, json, settings } => {
            let settings = context::settings(settings, None)?;
            let url = store_url(&settings)?;
            let rebuilt = persist::rebuild(&url, &journal_folder(journal))?;
            if *json {
                output::line(&rebuilt)?;
            } else {
                let store = rebuilt["store"].as_str().unwrap_or_default();
                output::line(format_args!("{} rows written to {store}", rebuilt["rows"]))?;
            }
        }
        StoreCommand::Dump { session, settings } => {
            let settings = context::settings(settings, None)?;
            let url = store_url(&settings)?;
            let lines = persist::dump(&url, session)?;
            if lines.is_empty() {
                return Err(Failure::failed(
                    format!("{} holds no row of session {session}", mask_url(&url)),
                    "name a session by its 16 hex digits (its folder without the -001); \
                     `aegis store rebuild FOLDER` writes its rows",
                ));
            }
            for line in lines {
                if output::line(line)? == Reader::Gone {
                    break;
                }
            }
        }
    }
    Ok(EXIT_OK)
}

fn store_url(settings: &aegis_settings::Settings) -> Result<String, Failure> {
    match settings.store_url() {
        Some(url) => Ok(url.to_owned()),
        None => Ok(persist::sqlite_url(&context::home()?.database())),
    }
}

pub fn config(args: &args::Config) -> Result<i32, Failure> {
    match &args.what {
        ConfigCommand::Example => {
            output::text(aegis_settings::example_toml())?;
        }
        ConfigCommand::Show { settings, json } => {
            let settings = context::settings(settings, None)?;
            if *json {
                let rows: Vec<_> = settings
                    .rows()
                    .map(|row| {
                        serde_json::json!({
                            "key": row.key, "value": row.value, "origin": row.origin,
                            "default": row.default, "unit": row.unit, "why": row.why
                        })
                    })
                    .collect();
                output::line(serde_json::Value::Array(rows))?;
            } else {
                for row in settings.rows() {
                    let (key, value, origin, why) = (row.key, row.value, row.origin, row.why);
                    output::line(format_args!("{key:<34} {value:<24} {origin:<9} {why}"))?;
                }
            }
        }
        ConfigCommand::Check { settings, require_keys } => {
            let settings = context::settings(settings, None)?;
            if *require_keys {
                settings.require_keys("binance").map_err(|v| Failure {
                    what: v.to_string(),
                    hint: String::new(),
                    code: EXIT_USAGE,
                })?;
            }
            output::line(format_args!("settings are valid; {}", settings.mode_line()))?;
        }
    }
    Ok(EXIT_OK)
}

pub fn sign(args: &args::Sign) -> Result<i32, Failure> {
    let secret = std::env::var("BINANCE_API_SECRET").ok().filter(|s| !s.is_empty());
    let Some(secret) = secret else {
        return Err(Failure::usage(
            "BINANCE_API_SECRET is not set, and a query is signed with it",
            "export it for this call; arguments would show it to everyone on this machine",
        ));
    };
    if secret.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(Failure::usage(
            "BINANCE_API_SECRET holds white space or a character that is not ASCII",
            "export the secret as the exchange shows it; PEM keys are not for this command",
        ));
    }
    let now = args.timestamp.unwrap_or_else(|| aegis_node::clock::wall().as_millis());
    output::line(aegis_wire::sign_query(&Secret::new(secret), &args.query, now))?;
    Ok(EXIT_OK)
}
