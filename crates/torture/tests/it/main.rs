//! The simulation: the same seed gives the same run, and a slice of seeds holds every invariant.

mod slice;
