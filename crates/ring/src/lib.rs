//! Single-writer broadcast ring in shared memory.
