//! A list of what is alive, oldest first, of a capacity fixed when made.

use alloc::boxed::Box;
use alloc::vec;

/// Up to a fixed number of values; when full the oldest gives way and is counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounded<T> {
    items: Box<[T]>,
    length: usize,
    evicted: u64,
}

impl<T: Copy + Default> Bounded<T> {
    /// Room for `capacity` values (at least one).
    pub fn new(capacity: u32) -> Self {
        let items = vec![T::default(); capacity.max(1) as usize].into_boxed_slice();
        Self { items, length: 0, evicted: 0 }
    }

    /// Appends; a full list loses its oldest value.
    #[inline]
    pub fn push(&mut self, value: T) {
        if self.length == self.items.len() {
            self.evicted += 1;
            self.remove_first();
        }
        self.items[self.length] = value;
        self.length += 1;
    }

    /// Forgets the oldest value.
    #[inline]
    pub fn remove_first(&mut self) {
        if self.length > 0 {
            self.items.copy_within(1..self.length, 0);
            self.length -= 1;
        }
    }

    /// Forgets the newest value.
    #[inline]
    pub fn remove_last(&mut self) {
        self.length = self.length.saturating_sub(1);
    }

    /// Keeps the values for which `keep` holds, in order.
    #[inline]
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut kept = 0;
        for index in 0..self.length {
            let mut value = self.items[index];
            if keep(&mut value) {
                self.items[kept] = value;
                kept += 1;
            }
        }
        self.length = kept;
    }

    /// How many values a full list has lost.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }
}

impl<T> core::ops::Deref for Bounded<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        &self.items[..self.length]
    }
}

impl<T> core::ops::DerefMut for Bounded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_and_is_counted() {
        let mut list = Bounded::new(2);
        for value in 1..=3 {
            list.push(value);
        }
        assert_eq!((&*list, list.evicted()), (&[2, 3][..], 1));
        list.retain(|value| *value == 3);
        list.remove_first();
        assert!(list.is_empty());
    }
}
