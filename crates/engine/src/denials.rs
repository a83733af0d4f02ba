//! The table of denials for people, generated from the enum.

use aegis_types::DenialCode;
use alloc::format;
use alloc::string::String;

/// Markdown of every [`DenialCode`]: code, meaning, what is measured, what it is held against.
pub fn denial_table() -> String {
    let mut text = String::from(
        "# Why a signal was turned away\n\n\
         Generated from `DenialCode` (crates/types/src/denial.rs); a test of `aegis-engine` holds \
         it true,\nand `UPDATE=1 cargo test -p aegis-engine denials` writes it anew. Each denial \
         carries two numbers.\n\n\
         | code | meaning | measured | limit |\n|---|---|---|---|\n",
    );
    for code in DenialCode::ALL {
        let [meaning, measured, limit] = code.meaning();
        text.push_str(&format!("| `{code}` | {meaning} | {measured} | {limit} |\n"));
    }
    text
}
