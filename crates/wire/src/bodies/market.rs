//! Bodies of the public calls, and of what streams send besides prices.

use super::loose::body;
use aegis_types::{Px, Rate};
use alloc::string::String;

body! {
    /// The answer of `time`: the only clock of the exchange that may be trusted.
    ServerTime {
        [ids]
        /// Milliseconds since the epoch.
        server_ms: i64 = "serverTime";
    }
}

body! {
    /// One entry of `premiumIndex`.
    PremiumIndex {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// Mark price.
        mark: Px = "markPrice";
        /// Index price.
        index: Px = "indexPrice";
        /// Estimated settlement price.
        settle: Px = "estimatedSettlePrice";
        /// Funding rate to be charged next.
        rate: Rate = "lastFundingRate";
        /// When it is charged, in milliseconds; 0 for what has no funding.
        next_funding_ms: i64 = "nextFundingTime";
        /// When this was so, in milliseconds.
        time_ms: i64 = "time";
    }
}

body! {
    /// One entry of `fundingRate`.
    FundingRate {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        /// When it was charged, in milliseconds.
        time_ms: i64 = "fundingTime";
        [fields]
        /// The rate.
        rate: Rate = "fundingRate";
        /// The mark price it was charged at.
        mark: Px = "markPrice";
        /// `Regular` or `Special`.
        kind: String = "rateType";
    }
}

body! {
    /// One entry of `fundingInfo`; a symbol without one has funding every eight hours.
    FundingInfo {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// Hours between two fundings.
        interval_hours: u32 = "fundingIntervalHours";
        /// Highest rate.
        cap: Rate = "adjustedFundingRateCap";
        /// Lowest rate.
        floor: Rate = "adjustedFundingRateFloor";
    }
}

body! {
    /// One entry of `ticker/price`.
    TickerPrice {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// Last price.
        px: Px = "price";
        /// When, in milliseconds.
        time_ms: i64 = "time";
    }
}

body! {
    /// The event `contractInfo`: a symbol was listed, changed or taken off.
    ContractInfo {
        [ids]
        /// Symbol.
        symbol: String = "s";
        [fields]
        /// Event time, in milliseconds.
        event_ms: i64 = "E";
        /// Contract type.
        contract: String = "ct";
        /// Status.
        status: String = "cs";
        /// 1 for USDⓈ-margined, 2 for coin-margined.
        stack: u8 = "st";
    }
}

body! {
    /// The answer to a message of ours on a stream connection, or its complaint.
    StreamReply {
        [fields]
        /// The id that our message had.
        id: String = "id";
        /// The code of a complaint.
        code: i32 = "code";
        /// Its text.
        message: String = "msg";
        [nested]
        /// A complaint may come in here, too.
        error: Option<super::ErrorBody> = "error";
    }
}

impl StreamReply {
    /// Did the exchange refuse what was asked?
    pub fn is_refused(&self) -> bool {
        self.code.is_some() || self.error.is_some()
    }
}
