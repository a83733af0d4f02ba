//! What the tests of the vocabulary prove:
//! 1. decimals go in and out exactly; sums, products and roundings are those of exact arithmetic;
//! 2. every tick, event and command survives its bytes, and no bytes make a reader panic;
//! 3. candles are the fold of their trades or of their minutes, whatever is missing or late;
//! 4. ids, names and dates mean one thing.

mod bytes;
mod candles;
mod minutes;
mod names;
mod numbers;
