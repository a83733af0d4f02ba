//! No key in the repository: what looks like one is either published or a finding.

use crate::files;
use std::path::Path;

/// Length of the exchange's keys and secrets.
const KEY_LENGTH: usize = 64;

/// A line that says why its neighbour is not a key: `not a key: digest of …`.
const EXCUSE: &str = "not a key:";

/// Published texts that look like keys, with their source.
const PUBLISHED: &[(&str, &str)] = &[
    (
        "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
        "secret of the examples in Binance's futures documentation",
    ),
    (
        "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83",
        "API key of the examples in Binance's futures documentation",
    ),
    (
        "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        "secret of the examples in Binance's Spot documentation",
    ),
    (
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "API key of the examples in Binance's Spot documentation",
    ),
    (
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        "signature, futures documentation, examples 1 and 2",
    ),
    (
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        "signature, futures documentation, example 3, computed",
    ),
    (
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        "signature, Spot documentation, example 1",
    ),
    (
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        "signature, Spot documentation, mixed example",
    ),
    (
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        "signature, Spot documentation, encoded symbol",
    ),
    (
        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
        "signature, WebSocket API documentation",
    ),
    (
        "062c0319f4c34ff9e316e53aec1f590de552bc87b4bcca36b5ffd42a2e82be3b",
        "signature under the futures documentation's secret, computed",
    ),
    (
        "ae3e4b253a565a026f3e801d7d9f7a73f7409f401dc7ade99e71081d577de271",
        "signature under the futures documentation's secret, computed",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "RFC 8032, section 7.1, test 2, secret key",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "RFC 8032, section 7.1, test 2, public key",
    ),
    (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "SHA-256 of the empty text",
    ),
    (
        "9f41acd8764c86ec9856fb3210e86d3a63a9e51baf3cfb948bb5233b2f82f01b",
        "SHA-256 of a file of recorded candles",
    ),
    (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "RFC 8032, section 7.1, test 2, signature",
    ),
    (
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "RFC 8032, section 7.1, test 2, signature",
    ),
];

/// Texts in tracked files that look like keys and are not excused.
pub fn check(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in files::tracked(root) {
        // Checksums of packages, and seeds of failed property tests.
        if path.ends_with("Cargo.lock") || path.contains("proptest-regressions/") {
            continue;
        }
        if let Some(text) = files::read(&root.join(&path)) {
            found.extend(in_text(&path, &text));
        }
    }
    found
}

fn in_text(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut excused = false;
    for (number, line) in text.lines().enumerate() {
        let excuse = line.contains(EXCUSE);
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words.filter(|word| looks_like_a_key(word)) {
            let published = PUBLISHED.iter().any(|(text, _)| *text == word);
            if !published && !excused && !excuse {
                // The text itself is not repeated: it may be a key.
                found.push(format!(
                    "{path}:{}: a text of 64 letters and digits looks like a key; if it is none, \
                     say `{EXCUSE} …` with its source on the line or the one above",
                    number + 1
                ));
            }
        }
        excused = excuse;
    }
    found
}

fn looks_like_a_key(word: &str) -> bool {
    let distinct: std::collections::BTreeSet<u8> = word.bytes().collect();
    word.len() == KEY_LENGTH && distinct.len() >= 8 && word.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_and_not_repeated() {
        let key: String = "0123456789abcdef".repeat(4);
        let found = in_text("a.rs", &format!("fn a() {{}}\nlet k = \"{key}\";\n"));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs:2: ") && !found[0].contains(&key));
    }

    #[test]
    fn excuses_and_other_texts_pass() {
        let key: String = "0123456789abcdef".repeat(4);
        for text in [
            format!("// not a key: digest of nothing\n{key}"),
            format!("{key} # not a key: example"),
            format!("{key}0"),
            "0".repeat(64),
            PUBLISHED[0].0.to_owned(),
        ] {
            assert_eq!(in_text("a", &text), Vec::<String>::new(), "{text}");
        }
    }
}
