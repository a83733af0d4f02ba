//! A list of fixed capacity: the replacement of object pools.

use core::fmt;
use core::marker::PhantomData;

/// Up to `N` values in place. A full list refuses; it never grows.
#[derive(Clone, Copy, Debug)]
pub struct List<T, const N: usize> {
    items: [T; N],
    length: usize,
}

/// The list is full: the capacity that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(pub usize);

impl<T: Copy + Default, const N: usize> List<T, N> {
    /// Empty.
    pub fn new() -> Self {
        Self { items: [T::default(); N], length: 0 }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// [`Full`] when `N` values are held.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full> {
        let slot = self.items.get_mut(self.length).ok_or(Full(N))?;
        *slot = value;
        self.length += 1;
        Ok(())
    }

    /// Removes and returns the value at `index`, keeping the order of the rest.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.length {
            return None;
        }
        let value = self.items[index];
        self.items.copy_within(index + 1..self.length, index);
        self.length -= 1;
        Some(value)
    }

    /// Keeps the values for which `keep` holds, in order.
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

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// The capacity.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> core::ops::Deref for List<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.items[..self.length]
    }
}

impl<T, const N: usize> core::ops::DerefMut for List<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.length]
    }
}

impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: serde::Serialize, const N: usize> serde::Serialize for List<T, N> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de, T, const N: usize> serde::Deserialize<'de> for List<T, N>
where
    T: serde::Deserialize<'de> + Copy + Default,
{
    /// From a sequence of at most `N` values.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Values<T, const N: usize>(PhantomData<T>);
        impl<'de, T, const N: usize> serde::de::Visitor<'de> for Values<T, N>
        where
            T: serde::Deserialize<'de> + Copy + Default,
        {
            type Value = List<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {N} values")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut values: A,
            ) -> Result<List<T, N>, A::Error> {
                let mut list = List::new();
                while let Some(value) = values.next_element()? {
                    list.push(value).map_err(|_| serde::de::Error::invalid_length(N + 1, &self))?;
                }
                Ok(list)
            }
        }
        d.deserialize_seq(Values(PhantomData))
    }
}
