//! Trend: direction and how strong it is.

use super::entry::Entry;

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[];
