//! Market data through the engine and the simulated exchange, with statistics.
