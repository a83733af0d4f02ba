//! `aegis store`, `aegis config`, `aegis sign`.

use crate::args::{ConfigCommand, StoreCommand};
use crate::research::journal_folder;
use crate::{args, context};
use aegis_node::{EXIT_OK, EXIT_USAGE, Failure, persist};
use aegis_wire::Secret;

pub fn store(args: &args::Store) -> Result<i32, Failure> {
    match &args.what {
        StoreCommand::Rebuild { journal, json, settings } => {
            let settings = context::settings(settings, None)?;
            let url = store_url(&settings)?;
            let rebuilt = persist::rebuild(&url, &journal_folder(journal))?;
            if *json {
                println!("{rebuilt}");
            } else {
                println!("{} rows written to {}", rebuilt["rows"], rebuilt["store"]);
            }
        }
        StoreCommand::Dump { session, settings } => {
            let settings = context::settings(settings, None)?;
            for line in persist::dump(&store_url(&settings)?, session)? {
                println!("{line}");
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
        ConfigCommand::Example => print!("{}", aegis_settings::example_toml()),
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
                println!("{}", serde_json::Value::Array(rows));
            } else {
                for row in settings.rows() {
                    println!("{:<34} {:<24} {:<9} {}", row.key, row.value, row.origin, row.why);
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
            println!("settings are valid; {}", settings.mode_line());
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
    let now = args.timestamp.unwrap_or_else(|| aegis_node::clock::wall().as_millis());
    println!("{}", aegis_wire::sign_query(&Secret::new(secret), &args.query, now));
    Ok(EXIT_OK)
}
