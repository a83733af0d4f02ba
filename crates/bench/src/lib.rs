//! The measurements behind aegis bench.
