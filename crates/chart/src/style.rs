//! Colours. Plain rules without variables, which simple viewers do not know: one block for light
//! paper, one for dark that overrides it.

use crate::options::Theme;
use alloc::string::String;

const SHAPES: &str = include_str!("shapes.css");
const DARK: &str = include_str!("dark.css");

/// The style sheet.
pub fn sheet(theme: Theme) -> String {
    let mut out = String::from(SHAPES);
    match theme {
        Theme::Light => {}
        Theme::Dark => out.push_str(DARK),
        Theme::Auto => {
            out.push_str("@media (prefers-color-scheme:dark){\n");
            out.push_str(DARK);
            out.push_str("}\n");
        }
    }
    out
}
