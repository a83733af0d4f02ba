//! Market data files to ticks: 1m candles and funding rates in the exchange's CSV layout, plain,
//! gzip or zip, of any number of symbols, merged into the one order that the whole system reads.
//! And what brings such files onto the disk and says what they hold.
//!
//! The one decision: **a file is read as a stream and judged row by row by the same firewall as
//! live data.** Memory does not grow with the length of the files, and a row that cannot be true
//! is refused, counted by reason and symbol, and shown with file and line; it is never dropped in
//! silence and never repaired. A file that is not what it claims to be (cut, wrong columns, not
//! 1m) stops the run with its place and what to do.
//!
//! ```text
//! DataArgs ──discover──> Dataset (symbols, instruments, files + SHA-256, window, assumptions)
//!                           │ open
//!   BTCUSDT-1m*.csv.gz ─ lines ─ row ─ firewall ─┐
//!   ETHUSDT-1m*.zip    ─ lines ─ row ─ firewall ─┼─ merge ──> Tick, Tick, Tick …
//!   *-funding*         ─ rates by minute ────────┘   at one instant: closes, then opens,
//!                                                    each by symbol id
//!
//!   a user's candle file of any timeframe ─ lines ─ bars ──> Bar, Bar, Bar … (floats; an error
//!                                                            with its place ends the reading)
//!
//!   public archive ─ fetch (plan, one transfer machine a file, CHECKSUM) ──> SYMBOL-1m-….zip
//!   another program's candles ─ import (whole file, all bad rows told) ────> SYMBOL-1m-….csv.gz
//!   any of these files ─ survey (every row, all findings with lines) ──────> verify, info
//! ```

mod error;
mod number;
mod time;

mod lines;
mod row;

mod firewall;
mod refusals;

mod funding;
mod names;
mod rows;
mod scan;

mod instruments;
mod majors;

mod dataset;
mod ticks;

mod bars;

mod archive;
mod fetch;

mod content;
mod problem;
mod records;
mod survey;

mod import;

pub mod rubbish;

pub use archive::{ArchiveFile, Date, INTERVALS, Month, Period, Series, interval};
pub use bars::{Bars, read_bars};
pub use content::Content;
pub use dataset::{DataArgs, Dataset, FileEntry, FileKind, discover, discover_with};
pub use error::DataError;
pub use fetch::{FetchConfig, FetchReport, FileReport, Outcome, Plan, Progress, Wanted, fetch};
pub use firewall::{Firewall, FirewallConfig, Reason, Refusal};
pub use import::{BadRow, ImportConfig, ImportReport, Source, TimeUnit, import};
pub use instruments::{InstrumentFile, MAKER_FEE, TAKER_FEE, built_in, derived, read_instruments};
pub use majors::majors;
pub use names::holds_data;
pub use problem::Problem;
pub use refusals::{Example, Refusals};
pub use survey::{Finding, Limits, Survey, data_files, grid, survey};
pub use ticks::{Ticks, load, open};
pub use time::parse_time;
