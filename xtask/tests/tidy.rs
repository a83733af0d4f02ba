//! The house keeps its own rules.

use std::path::Path;

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root");
    let found = xtask::tidy(root);
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
    assert!(xtask::unsafe_count(root) > 0, "ring has unsafe blocks; the count looks elsewhere");
}
