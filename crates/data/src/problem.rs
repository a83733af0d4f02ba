//! What can be wrong within data files.

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $violation:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Problem { $($(#[$doc])* $variant,)* }

        impl Problem {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code in reports and JSON.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// True when the data cannot be right, false when it is only worth a look.
            pub const fn is_violation(self) -> bool {
                match self { $(Self::$variant => $violation,)* }
            }
        }
    };
}

problems! {
    /// The file is cut, damaged, or in other columns than its name says.
    Unreadable = "unreadable", true;
    /// The file is not the one that its CHECKSUM is of.
    Checksum = "checksum", true;
    /// A line that is no row.
    BadRow = "bad_row", true;
    /// A number that is missing, NaN or infinite.
    NotFinite = "not_finite", true;
    /// A price or quantity that is zero or negative.
    NotPositive = "not_positive", true;
    /// A negative amount.
    Negative = "negative", true;
    /// A number that 64 bits at 1e-8 cannot hold exactly.
    OutOfRange = "out_of_range", true;
    /// High below low, or open or close outside of them.
    Ohlc = "ohlc", true;
    /// A time before the one above it.
    Order = "order", true;
    /// A time, an id or a whole row that was there already.
    Duplicate = "duplicate", true;
    /// A time that is not on the grid of its candle length.
    OffGrid = "off_grid", true;
    /// Times or ids that are missing between two rows.
    Gap = "gap", true;
    /// An id that is smaller than the one above it.
    IdOrder = "id_order", true;
    /// A bid above the ask.
    CrossedBook = "crossed_book", true;
    /// A price so far from the last one that it can only be a slip.
    WildJump = "wild_jump", true;
    /// A close time that is not where the candle ends.
    CloseTime = "close_time", true;
    /// A row of another symbol than the file's.
    WrongSymbol = "wrong_symbol", true;
    /// A file that begins before the one before it ends.
    Overlap = "overlap", true;
    /// A file without a single row.
    Empty = "empty", true;
    /// Many candles in a row without a trade.
    NoTrades = "no_trades", false;
    /// A large move from one row to the next.
    Outlier = "outlier", false;
}
