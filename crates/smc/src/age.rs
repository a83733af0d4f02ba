//! When a list has to be looked at for values that are too old.

use serde::{Deserialize, Serialize};

/// Knows a bar before which nothing in a list, oldest first, can be too old. Most bars ask no more
/// than that, and do not touch the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Age {
    max: u32,
    due: u32,
}

impl Age {
    /// Values grow at most `max` bars old.
    pub const fn new(max: u32) -> Self {
        Self { max, due: 0 }
    }

    /// Can anything be too old at bar `at`?
    #[inline]
    pub const fn is_due(&self, at: u32) -> bool {
        at >= self.due
    }

    /// Is the oldest value, of bar `born`, too old at bar `at`? If not, or if there is none, the
    /// list need not be looked at for a while: what comes from now on is of the bar before at the
    /// earliest.
    #[must_use]
    pub const fn too_old(&mut self, at: u32, born: Option<u32>) -> bool {
        let born = match born {
            Some(born) if at - born > self.max => return true,
            Some(born) => born,
            None => at.saturating_sub(1),
        };
        self.due = born.saturating_add(self.max).saturating_add(1);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_when_the_oldest_is_too_old_and_not_before() {
        let mut age = Age::new(3);
        assert!(age.is_due(0) && !age.too_old(0, None));
        assert!(!age.is_due(3) && age.is_due(4));
        assert!(!age.too_old(10, Some(7)), "three bars old");
        assert!(!age.is_due(10) && age.is_due(11));
        assert!(age.too_old(11, Some(7)));
        assert!(!age.too_old(11, Some(9)) && !age.is_due(12));
        let mut ever = Age::new(u32::MAX);
        assert!(!ever.too_old(5, Some(5)) && !ever.is_due(u32::MAX - 1));
    }
}
