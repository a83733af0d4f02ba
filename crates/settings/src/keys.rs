//! The exchange's keys and where they come from: the first of the service manager's credentials,
//! a file of ours, the kernel's keyring, and the environment. What is given twice has to be the
//! same.

use crate::error::Violation;
use crate::keyfile::{self, Guard, Refused, parse_key_file};
use crate::keyring;
use crate::load::{Origin, Sources};
use crate::row::{Row, Scope};
use crate::secret::Secret;
use crate::table::TABLE;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How many secrets the table has: the key and what signs for it.
pub(crate) const SECRETS: usize = 2;
/// Setting that names the file.
pub(crate) const KEY_FILE: &str = "binance.key_file";
/// Setting that names the keys in the kernel's keyring.
pub(crate) const KEYRING: &str = "binance.keyring";
/// Where the service manager says that the credentials are.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A secret that was found.
#[derive(Clone)]
pub(crate) struct Found {
    pub secret: Secret,
    pub origin: Origin,
    pub place: String,
}

/// Rows of secrets, in the order of the table.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(|row| row.scope == Scope::Secret)
}

/// Finds every secret in every source; the preferred one of each is kept.
pub(crate) fn find(
    sources: &Sources<'_>,
    [key_file, name]: &[String; 2],
    wrong: &mut Vec<Violation>,
) -> [Option<Found>; SECRETS] {
    let by_preference = [
        credentials(sources, wrong),
        file(key_file, wrong),
        keyring(name, wrong),
        environment(sources),
    ];
    let mut kept: [Option<Found>; SECRETS] = [None, None];
    for pair in by_preference {
        for ((kept, found), row) in kept.iter_mut().zip(pair).zip(rows()) {
            match (&kept, found) {
                (_, None) => {}
                (None, Some(found)) => {
                    form(row, &found, wrong);
                    *kept = Some(found);
                }
                (Some(first), Some(second)) if first.secret != second.secret => {
                    wrong.push(Violation {
                        key: row.key.to_owned(),
                        place: first.place.clone(),
                        what: format!("{} gives another", second.place),
                        why: "nobody can say which of two is meant".to_owned(),
                        hint: "remove one of them".to_owned(),
                    });
                }
                (Some(_), Some(_)) => {}
            }
        }
    }
    kept
}

/// Classic name of a secret: that of its variable.
fn name(row: &Row) -> &'static str {
    row.env.unwrap_or_default()
}

/// `$CREDENTIALS_DIRECTORY/binance_api_key` and `…/binance_api_secret`.
fn credentials(sources: &Sources<'_>, wrong: &mut Vec<Violation>) -> [Option<Found>; SECRETS] {
    let folder = (sources.env)(CREDENTIALS).filter(|folder| !folder.is_empty());
    let Some(folder) = folder.map(PathBuf::from) else { return [None, None] };
    let mut found = [None, None];
    for (found, row) in found.iter_mut().zip(rows()) {
        let path = folder.join(name(row).to_ascii_lowercase());
        match keyfile::read(&path, Guard::Credential) {
            Ok(None) => {}
            Ok(Some(text)) => {
                // A credential that was written with `echo` ends a line.
                let text = text.trim_end_matches(['\n', '\r']);
                let (origin, place) = (Origin::Credential, path.display().to_string());
                let secret = Secret::new(text);
                *found = (!secret.is_empty()).then_some(Found { secret, origin, place });
            }
            Err(refused) => wrong.push(refusal(row.key, &path, refused)),
        }
    }
    found
}

fn file(named: &str, wrong: &mut Vec<Violation>) -> [Option<Found>; SECRETS] {
    if named.is_empty() {
        return [None, None];
    }
    let path = Path::new(named);
    let read = keyfile::read(path, Guard::Own).and_then(|text: Option<Zeroizing<String>>| {
        let text = text.ok_or_else(|| Refused {
            what: "it is not there".to_owned(),
            hint: "make it, mode 600, or leave the setting out".to_owned(),
        })?;
        parse_key_file(&text).map_err(|fault| Refused {
            what: fault.to_string(),
            hint: "write BINANCE_API_KEY=… and BINANCE_API_SECRET=…, a line each".to_owned(),
        })
    });
    match read {
        Ok((key, secret)) => [key, secret]
            .map(|secret| Some(Found { secret, origin: Origin::KeyFile, place: named.to_owned() })),
        Err(refused) => {
            wrong.push(refusal(KEY_FILE, path, refused));
            [None, None]
        }
    }
}

fn keyring(name: &str, wrong: &mut Vec<Violation>) -> [Option<Found>; SECRETS] {
    if name.is_empty() {
        return [None, None];
    }
    let mut found = [None, None];
    for (found, row) in found.iter_mut().zip(rows()) {
        let place = keyring::name_of(name, row);
        match keyring::read(&place, &keyring::kernel) {
            Ok(secret) => *found = Some(Found { secret, origin: Origin::Keyring, place }),
            Err(refused) => {
                // Where nothing can be asked, the second key has the same answer.
                let why = "its keys were asked for by this setting".to_owned();
                let refused = refusal(KEYRING, Path::new(&place), refused);
                wrong.push(Violation { why, ..refused });
                return [None, None];
            }
        }
    }
    found
}

fn refusal(key: &str, path: &Path, Refused { what, hint }: Refused) -> Violation {
    Violation {
        key: key.to_owned(),
        place: path.display().to_string(),
        what,
        why: "who can read or replace a key can trade with it".to_owned(),
        hint,
    }
}

fn environment(sources: &Sources<'_>) -> [Option<Found>; SECRETS] {
    let mut found = [None, None];
    for (found, row) in found.iter_mut().zip(rows()) {
        // An empty variable is an unset one: that is how compose files write it.
        let value = (sources.env)(name(row)).map(Zeroizing::new).filter(|text| !text.is_empty());
        *found = value.map(|value| Found {
            secret: Secret::new(value.as_str()),
            origin: Origin::Env,
            place: name(row).to_owned(),
        });
    }
    found
}

/// No key has white space or a character that is not ASCII; a PEM block has line ends.
fn form(row: &Row, found: &Found, wrong: &mut Vec<Violation>) {
    let value = found.secret.expose();
    let pem = value.trim_start().starts_with("-----BEGIN");
    let foreign = value.chars().find(|c| !c.is_ascii_graphic());
    let Some(foreign) = foreign.filter(|_| !pem) else { return };
    let what =
        if foreign.is_whitespace() { "white space" } else { "a character that is not ASCII" };
    // Taken all the same, so that the other key of the pair is not called missing.
    wrong.push(Violation {
        key: row.key.to_owned(),
        place: found.place.clone(),
        what: format!("there is {what} in it"),
        why: "no key has any; a copied line end or a blank is the usual cause".to_owned(),
        hint: format!("set {} again without it, or unset it to simulate orders", name(row)),
    });
}
