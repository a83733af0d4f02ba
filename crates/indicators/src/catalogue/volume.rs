//! Volume: who is behind a move.

use super::entry::Entry;

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[];
