//! A list of what is alive, oldest first, of a capacity fixed when made.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Up to a fixed number of values; when full the oldest gives way and is counted.
///
/// The values lie in one slice with some room to spare. The oldest leaves by moving the start; only
/// when the end is reached everything moves to the front, so a full list of any capacity takes a
/// new value in constant amortised time and can still be read as a slice.
///
/// It is no larger than a pointer: most bars change nothing in most lists, and what a bar reads
/// should lie close together.
#[derive(Clone, Debug)]
pub struct Bounded<T>(Box<List<T>>);

#[derive(Clone, Debug)]
struct List<T> {
    items: Box<[T]>,
    capacity: usize,
    start: usize,
    length: usize,
    evicted: u64,
}

/// Greatest capacity; larger ones are taken for it.
const CAPACITY_MAX: u32 = 1 << 16;
/// Least room to spare: more would cost memory, which many symbols share, less would move more.
const SPARE_MIN: usize = 4;

impl<T: Copy + Default> Bounded<T> {
    /// Room for `capacity` values: at least one, at most 65,536.
    pub fn new(capacity: u32) -> Self {
        let capacity = capacity.clamp(1, CAPACITY_MAX) as usize;
        let slots = capacity + (capacity / 4).max(SPARE_MIN);
        let items = vec![T::default(); slots].into();
        Self(Box::new(List { items, capacity, start: 0, length: 0, evicted: 0 }))
    }

    /// Most values alive.
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// Appends; a full list loses its oldest value.
    #[inline]
    pub fn push(&mut self, value: T) {
        if self.0.length == self.0.capacity {
            self.0.evicted += 1;
            self.remove_first();
        }
        let list = &mut *self.0;
        if list.start + list.length == list.items.len() {
            list.items.copy_within(list.start.., 0);
            list.start = 0;
        }
        list.items[list.start + list.length] = value;
        list.length += 1;
    }

    /// Forgets the oldest value.
    #[inline]
    pub fn remove_first(&mut self) {
        let list = &mut *self.0;
        if list.length > 0 {
            list.start += 1;
            list.length -= 1;
        }
    }

    /// Forgets the newest value.
    #[inline]
    pub fn remove_last(&mut self) {
        self.0.length = self.0.length.saturating_sub(1);
    }

    /// Forgets the value at `index`, which is one of those alive; later ones move up.
    #[inline]
    pub fn remove(&mut self, index: usize) {
        let list = &mut *self.0;
        list.length -= 1;
        // Most often it is the newest, which leaves nothing to move.
        if index < list.length {
            let place = list.start + index;
            list.items.copy_within(place + 1..=list.start + list.length, place);
        }
    }

    /// Keeps the values for which `keep` holds, in order.
    #[inline]
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let items = &mut **self;
        let mut kept = 0;
        for index in 0..items.len() {
            let mut value = items[index];
            if keep(&mut value) {
                items[kept] = value;
                kept += 1;
            }
        }
        self.0.length = kept;
    }

    /// How many values a full list has lost.
    pub fn evicted(&self) -> u64 {
        self.0.evicted
    }
}

impl<T> core::ops::Deref for Bounded<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        let list = &*self.0;
        &list.items[list.start..list.start + list.length]
    }
}

impl<T> core::ops::DerefMut for Bounded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let list = &mut *self.0;
        &mut list.items[list.start..list.start + list.length]
    }
}

impl<T: PartialEq> PartialEq for Bounded<T> {
    /// The same values alive, the same number lost.
    fn eq(&self, other: &Self) -> bool {
        **self == **other && self.0.evicted == other.0.evicted
    }
}

/// What a list is without the places that hold nothing.
#[derive(Serialize, Deserialize)]
struct Form<A> {
    capacity: u32,
    evicted: u64,
    alive: A,
}

impl<T: Serialize> Serialize for Bounded<T> {
    /// The values alive: where they lie makes no difference to anyone.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // A capacity is at most `CAPACITY_MAX`.
        let capacity = self.0.capacity as u32;
        Form { capacity, evicted: self.0.evicted, alive: &**self }.serialize(s)
    }
}

impl<'de, T: Deserialize<'de> + Copy + Default> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let form: Form<Vec<T>> = Form::deserialize(d)?;
        let mut list = Self::new(form.capacity);
        if form.alive.len() > list.capacity() {
            return Err(serde::de::Error::custom("more values alive than fit"));
        }
        form.alive.into_iter().for_each(|value| list.push(value));
        list.0.evicted = form.evicted;
        Ok(list)
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
        list.remove(0);
        assert_eq!(&*list, &[3][..]);
        list.push(4);
        list.remove(1);
        list.retain(|value| *value == 3);
        list.remove_first();
        assert!(list.is_empty());
    }

    #[test]
    fn holds_the_last_values_for_ever() {
        let mut list = Bounded::new(3);
        for value in 0..100u32 {
            list.push(value);
            let from = value.saturating_sub(2);
            assert!(list.iter().copied().eq(from..=value), "{:?} after {value}", &*list);
        }
    }
}
