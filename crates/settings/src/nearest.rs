//! The known key that a misspelt one probably means.

use crate::row::{Row, Scope};
use crate::table::TABLE;

/// The row whose key is nearest to what was written. A right name under a wrong section counts as
/// near.
pub(crate) fn nearest(written: &str) -> &'static Row {
    let written = written.to_ascii_lowercase();
    let name = written.rsplit_once('.').map_or(written.as_str(), |(_, name)| name);
    let distance = |row: &&Row| {
        let whole = distance(&written, row.key);
        let by_name = distance(name, row.name()) + 1 + usize::from(row.name().len() < 5) * 4;
        whole.min(by_name)
    };
    let rows = TABLE.iter().filter(|row| row.scope != Scope::Secret);
    rows.min_by_key(distance).unwrap_or(&TABLE[0])
}

/// Levenshtein distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = (0..=b.len()).collect();
    let mut row = vec![0; b.len() + 1];
    for (i, x) in a.chars().enumerate() {
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = before[j] + usize::from(x != *y);
            row[j + 1] = replaced.min(before[j + 1] + 1).min(row[j] + 1);
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_keys_find_their_way() {
        for (written, meant) in [
            ("risk.fractoin", "risk.fraction"),
            ("risk.max_open_positions", "portfolio.max_open_positions"),
            ("max_open_positions", "portfolio.max_open_positions"),
            ("journal.durabilty", "journal.durability"),
            ("log.lvl", "log.level"),
            ("sim.balanse", "sim.balance"),
            ("enviroment", "environment"),
        ] {
            assert_eq!(nearest(written).key, meant, "{written}");
        }
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
