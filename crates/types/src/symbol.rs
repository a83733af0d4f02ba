//! Symbols: a small id on the tick path, the exchange's name at the edge, never a guess between.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Index of a symbol in the [`SymbolTable`] of its session.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[repr(transparent)]
pub struct SymbolId(pub u16);

impl SymbolId {
    /// As an array index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Most symbols that one session holds.
pub const SYMBOLS_MAX: usize = 600;

/// Why a set of names is not a symbol table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolError {
    /// More than [`SYMBOLS_MAX`] names.
    TooMany(usize),
    /// A name that is not 2..=24 upper-case letters and digits (or an underscore).
    BadName(String),
    /// Two entries of one name.
    Duplicate(String),
}

impl fmt::Display for SymbolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(n) => {
                write!(f, "{n} symbols are more than the {SYMBOLS_MAX} that fit; name fewer")
            }
            Self::BadName(name) => {
                write!(f, "`{name}` is not a symbol name; use the exchange's form, such as BTCUSDT")
            }
            Self::Duplicate(name) => write!(f, "symbol {name} is given twice; name it once"),
        }
    }
}

impl core::error::Error for SymbolError {}

/// The names of a session's symbols; ids are positions in name order, whatever the input order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SymbolTable {
    names: Vec<String>,
}

impl SymbolTable {
    /// From names in any order.
    ///
    /// # Errors
    /// See [`SymbolError`].
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, SymbolError> {
        let mut sorted = Vec::new();
        for name in names {
            let name = name.as_ref();
            if !is_name(name) {
                return Err(SymbolError::BadName(name.into()));
            }
            sorted.push(String::from(name));
        }
        if sorted.len() > SYMBOLS_MAX {
            return Err(SymbolError::TooMany(sorted.len()));
        }
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(SymbolError::Duplicate(pair[0].clone())),
            None => Ok(Self { names: sorted }),
        }
    }

    /// The id of a name in the exchange's form.
    pub fn id(&self, name: &str) -> Option<SymbolId> {
        let index = self.names.binary_search_by(|n| n.as_str().cmp(name)).ok()?;
        u16::try_from(index).ok().map(SymbolId)
    }

    /// The name of an id, or `?` for an id of another table.
    pub fn name(&self, id: SymbolId) -> &str {
        self.names.get(id.index()).map_or("?", String::as_str)
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// No symbols?
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All ids in name order.
    pub fn ids(&self) -> impl Iterator<Item = SymbolId> + use<> {
        (0..self.names.len() as u16).map(SymbolId)
    }

    /// All names in id order.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

fn is_name(name: &str) -> bool {
    (2..=24).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// The exchange's name of what a user wrote: `BTC/USDT`, `BTC/USDT:USDT` and `btcusdt` are
/// `BTCUSDT`.
pub fn exchange_name(written: &str) -> String {
    let before_settle = written.split(':').next().unwrap_or(written);
    before_settle.chars().filter(|c| *c != '/').map(|c| c.to_ascii_uppercase()).collect()
}
