//! The tick path allocates nothing after warm-up: proved in a binary of its own, because counting
//! needs the global allocator.

use aegis_bench::engine::allocations_on_generated;

#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();

#[test]
fn nothing_is_allocated_after_warm_up() {
    let counted = allocations_on_generated(10).unwrap();
    assert!(
        counted.signals > 0 && counted.orders > 0 && counted.fills > 0 && counted.rotations > 0,
        "a run without work proves nothing: {counted:?}"
    );
    assert_eq!(counted.allocations, 0, "{counted:?}");
}
