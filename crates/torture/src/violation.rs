//! What must always hold, and how it is told when it does not.

use std::fmt;

macro_rules! invariants {
    ($($name:ident = $meaning:literal,)*) => {
        /// The invariants.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(
                #[doc = $meaning]
                $name,
            )*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it says.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

invariants! {
    I1 = "open, in-flight and unknown positions are at most as many as allowed",
    I2 = "leverage and exposure are within their caps",
    I3 = "a position has a live reduce-only stop over its quantity, or an exit, by the deadline",
    I4 = "one client id is at most one order at the exchange, and journalled before it leaves",
    I5 = "no more is executed, or sent, than was approved",
    I6 = "balance = deposits + realised - fees + funding, to the last digit",
    I7 = "a journal that is stepped through again gives the same records and the same state",
    I8 = "a fill is booked once",
    I9 = "no reducing order can open or turn a position",
    I10 = "no entry while data, user stream or clock are not sound",
    I11 = "what is believed is what the exchange has, or entries are stopped",
    I12 = "no number that is none, or off the grid, reaches an order",
    I13 = "each record carries its symbol and its number",
    I14 = "no secret is in anything that leaves",
    I15 = "queues are bounded, and what they lose is counted",
    I16 = "when faults stop, the system is whole again within a bound",
    I17 = "the exchange refuses nothing for the rate of requests",
    I18 = "what the engine has booked is what its journal tells: positions, fees, funding, trades",
    I19 = "what was told as refused is never carried out; beside an open outcome nothing is sent",
    I20 = "at the exchange rests what the position needs: stops over its quantity, and no more",
    I21 = "requests are dated by the exchange's clock, as far as it is known",
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Of what.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl Violation {
    /// What was seen, of an invariant.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, what } = self;
        write!(f, "{} ({}): {what}", invariant.name(), invariant.meaning())
    }
}
