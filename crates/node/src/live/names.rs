//! Symbol names as frames write them to ids, without allocating: a fixed open-addressed table.

use aegis_types::{SYMBOLS_MAX, SymbolId, SymbolTable};

/// Places of the table; above three a symbol, so that most names are found at the first look.
const PLACES: usize = 2_048;
const _: () = assert!(PLACES.is_power_of_two() && PLACES > 3 * SYMBOLS_MAX);
const EMPTY: u16 = u16::MAX;

/// The lookup from name to id. Lookups are as fast for unknown names, which a shared stream of all
/// symbols may carry.
#[derive(Clone, Debug)]
pub struct Names {
    table: SymbolTable,
    places: Box<[u16; PLACES]>,
}

impl Names {
    /// Of the symbols of a session.
    pub fn new(table: &SymbolTable) -> Self {
        let mut places = Box::new([EMPTY; PLACES]);
        for id in table.ids() {
            let mut at = place(table.name(id).as_bytes());
            while places[at] != EMPTY {
                at = (at + 1) % PLACES;
            }
            places[at] = id.0;
        }
        Self { table: table.clone(), places }
    }

    /// The id of a name.
    #[inline]
    pub fn id(&self, name: &str) -> Option<SymbolId> {
        let mut at = place(name.as_bytes());
        loop {
            let id = self.places[at];
            if id == EMPTY {
                return None;
            }
            if self.table.name(SymbolId(id)) == name {
                return Some(SymbolId(id));
            }
            at = (at + 1) % PLACES;
        }
    }

    /// The table that it was made of.
    pub const fn table(&self) -> &SymbolTable {
        &self.table
    }
}

/// Where to look first: eight bytes at a time, multiplied and folded.
#[inline]
fn place(name: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = name.len() as u64;
    for chunk in name.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        hash ^= hash >> 29;
    }
    (hash >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let written: Vec<String> = (0..SYMBOLS_MAX).map(|n| format!("S{n}USDT")).collect();
        let table = SymbolTable::new(&written).unwrap();
        let names = Names::new(&table);
        for name in &written {
            assert_eq!(names.id(name), table.id(name), "{name}");
        }
        for other in ["", "S", "S600USDT", "s1usdt", "S1USDT ", "币安人生USDT"] {
            assert_eq!(names.id(other), None, "{other}");
        }
    }
}
