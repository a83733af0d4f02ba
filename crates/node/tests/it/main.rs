//! What the tests of the node prove:
//! 1. a live symbol's candles come out each once, in order and right, or behind a gap, whatever
//!    sockets and answers do;
//! 2. conflated quotes are the newest, and candles of conflated trades are those of all trades;
//! 3. the past is told in the order in which recorded files are;
//! 4. over real sockets the ring holds what the exchange has, through everything streams suffer.

mod boundaries;
mod emergency;
mod exchange;
mod live_conflation;
mod live_lanes;
mod live_past;
mod live_wire;
mod random;
mod secrets;
