//! The time zone table that `smc` holds is the one that the pinned database gives.

use std::path::Path;

#[test]
fn the_committed_table_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root");
    assert_eq!(xtask::zones::check(root), Ok(()));
}
