//! The exchange's words, as enums with a name and back.

macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident {
            $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// All, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The exchange's word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What the exchange's word means.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// Which position an order is for.
    PositionSide {
        /// The only one, of an account in one-way mode.
        Both = "BOTH",
        /// The long one, in hedge mode.
        Long = "LONG",
        /// The short one, in hedge mode.
        Short = "SHORT",
    }
}

words! {
    /// What the matching engine executes.
    OrderKind {
        /// At a price or better.
        Limit = "LIMIT",
        /// At once, at the market.
        Market = "MARKET",
    }
}

words! {
    /// The conditional orders of the algo service.
    AlgoKind {
        /// A limit order once the price went against the position.
        Stop = "STOP",
        /// A market order once the price went against the position.
        StopMarket = "STOP_MARKET",
        /// A limit order once the price went in favour.
        TakeProfit = "TAKE_PROFIT",
        /// A market order once the price went in favour.
        TakeProfitMarket = "TAKE_PROFIT_MARKET",
        /// A market order once the price came back by a rate from its best.
        TrailingStopMarket = "TRAILING_STOP_MARKET",
    }
}

words! {
    /// How long an order stands.
    TimeInForce {
        /// Until cancelled.
        Gtc = "GTC",
        /// What fills at once; the rest expires.
        Ioc = "IOC",
        /// All of it at once, or nothing.
        Fok = "FOK",
        /// Only as maker.
        Gtx = "GTX",
        /// Until a date.
        Gtd = "GTD",
    }
}

words! {
    /// What happens when an account would trade with itself.
    SelfTrade {
        /// It does.
        None = "NONE",
        /// The arriving order expires.
        ExpireTaker = "EXPIRE_TAKER",
        /// The resting order expires.
        ExpireMaker = "EXPIRE_MAKER",
        /// Both expire.
        ExpireBoth = "EXPIRE_BOTH",
    }
}

words! {
    /// Where an order stands.
    OrderStatus {
        /// In the book, unfilled.
        New = "NEW",
        /// In the book, partly filled.
        PartiallyFilled = "PARTIALLY_FILLED",
        /// Done.
        Filled = "FILLED",
        /// Taken back.
        Canceled = "CANCELED",
        /// Ended by the exchange.
        Expired = "EXPIRED",
        /// Ended by self-trade prevention.
        ExpiredInMatch = "EXPIRED_IN_MATCH",
    }
}

impl OrderStatus {
    /// Can it still be filled?
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }
}

words! {
    /// What an order report is about.
    ExecutionKind {
        /// The order was taken into the book.
        New = "NEW",
        /// It was filled, wholly or in part.
        Trade = "TRADE",
        /// It was taken back.
        Canceled = "CANCELED",
        /// It was ended by the exchange.
        Expired = "EXPIRED",
        /// The exchange's own order of a liquidation or of auto-deleveraging was filled.
        Calculated = "CALCULATED",
        /// Its price or quantity was changed.
        Amendment = "AMENDMENT",
    }
}

words! {
    /// Which price triggers a conditional order.
    WorkingType {
        /// The mark price.
        MarkPrice = "MARK_PRICE",
        /// The last price.
        ContractPrice = "CONTRACT_PRICE",
    }
}

words! {
    /// Where a conditional order stands.
    AlgoStatus {
        /// Waits for its trigger.
        New = "NEW",
        /// Triggered, on its way to the matching engine.
        Triggering = "TRIGGERING",
        /// The matching engine has taken its order.
        Triggered = "TRIGGERED",
        /// Its order has ended.
        Finished = "FINISHED",
        /// Taken back before it triggered.
        Canceled = "CANCELED",
        /// The matching engine refused its order.
        Rejected = "REJECTED",
        /// Ended by the exchange before it triggered.
        Expired = "EXPIRED",
    }
}

impl AlgoStatus {
    /// Does it still wait for its trigger?
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New)
    }
}

words! {
    /// What stands behind a position.
    MarginType {
        /// The whole cross wallet.
        Crossed = "CROSSED",
        /// Its own margin only.
        Isolated = "ISOLATED",
    }
}

words! {
    /// May a symbol be traded?
    SymbolStatus {
        /// Not yet.
        PendingTrading = "PENDING_TRADING",
        /// Yes.
        Trading = "TRADING",
        /// Not for the time being.
        TradingHalt = "TRADING_HALT",
        /// Only cancels.
        CancelOnly = "TRADING_CANCEL_ONLY",
        /// Being settled for good.
        Settling = "SETTLING",
        /// Not any more.
        Close = "CLOSE",
    }
}

words! {
    /// Why a wallet changed.
    IncomeKind {
        /// Paid in or out.
        Transfer = "TRANSFER",
        /// Profit of a closed part, before fees.
        RealizedPnl = "REALIZED_PNL",
        /// A fee.
        Commission = "COMMISSION",
        /// Funding paid or received.
        FundingFee = "FUNDING_FEE",
        /// The fee of a liquidation, which goes to the insurance fund.
        InsuranceClear = "INSURANCE_CLEAR",
    }
}

words! {
    /// Why an account report is sent.
    AccountReason {
        /// Something was paid in.
        Deposit = "DEPOSIT",
        /// Something was paid out.
        Withdraw = "WITHDRAW",
        /// A fill.
        Order = "ORDER",
        /// Funding.
        FundingFee = "FUNDING_FEE",
        /// Margin was moved between wallet and position.
        MarginTransfer = "MARGIN_TRANSFER",
        /// A margin type was changed.
        MarginTypeChange = "MARGIN_TYPE_CHANGE",
        /// The fee of a liquidation.
        InsuranceClear = "INSURANCE_CLEAR",
    }
}
