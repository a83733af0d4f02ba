//! Arrays of any length in serde's forms, for `#[serde(with = "aegis_types::array")]`: serde itself
//! knows them up to 32 values.

use alloc::vec::Vec;
use serde::de::Error;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// All values in order.
///
/// # Errors
/// What the serializer says.
pub fn serialize<T, S, const N: usize>(values: &[T; N], s: S) -> Result<S::Ok, S::Error>
where
    T: Serialize,
    S: Serializer,
{
    let mut tuple = s.serialize_tuple(N)?;
    values.iter().try_for_each(|value| tuple.serialize_element(value))?;
    tuple.end()
}

/// The same number of values back.
///
/// # Errors
/// What the deserializer says, or that there are fewer values.
pub fn deserialize<'de, T, D, const N: usize>(d: D) -> Result<[T; N], D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let values = d.deserialize_tuple(N, Values::<T, N>(core::marker::PhantomData))?;
    let wrong = |values: Vec<T>| D::Error::invalid_length(values.len(), &"all values of an array");
    <[T; N]>::try_from(values).map_err(wrong)
}

struct Values<T, const N: usize>(core::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> serde::de::Visitor<'de> for Values<T, N> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{N} values")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut values = Vec::with_capacity(N);
        while values.len() < N
            && let Some(value) = seq.next_element()?
        {
            values.push(value);
        }
        Ok(values)
    }
}
