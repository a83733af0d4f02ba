//! Defects made by hand, to see whether the simulation of the whole system finds them.
//!
//! Without the feature `defects` (and nothing that is delivered has it) [`on`] is the constant
//! `false`, and the compiler takes each of these branches away. With it one defect at a time can be
//! switched on for the whole process; `aegis-torture`'s mutation run does so.

use crate::signal::codes;
use core::fmt;

codes! {
    /// What can be broken on purpose, each a mistake that somebody has made with their own money.
    Defect {
        /// An order whose outcome is unknown is sent again.
        ResendUnknown = "resend_unknown",
        /// The cap on positions counts open ones only, not those in flight.
        CapForgetsInFlight = "cap_forgets_in_flight",
        /// The stop is for the quantity that was asked for, not for what was filled.
        StopForIntended = "stop_for_intended",
        /// Fills after the end of their order are dropped.
        DropLateFills = "drop_late_fills",
        /// Prices may be as old as they like.
        AcceptStale = "accept_stale",
        /// An unknown outcome is taken for a rejection.
        UnknownIsRejected = "unknown_is_rejected",
        /// The deadline of the stop does nothing.
        NoStopDeadline = "no_stop_deadline",
        /// What closes a position is not marked as reducing.
        ExitMayOpen = "exit_may_open",
        /// A fill told twice is booked twice.
        BookTwice = "book_twice",
        /// Fees are added to the wallet.
        FeeSign = "fee_sign",
        /// Funding is not booked.
        ForgetFunding = "forget_funding",
        /// The stop stays when its position is gone.
        OrphanStop = "orphan_stop",
        /// Conditions from outside stop nothing.
        IgnoreConditions = "ignore_conditions",
        /// The first "not found" proves that an order does not exist.
        NotFoundIsAbsent = "not_found_is_absent",
        /// A hole in the data taints nothing.
        IgnoreGaps = "ignore_gaps",
        /// The entry does not wait for the venue to confirm the leverage.
        TrustLeverage = "trust_leverage",
        /// A refused exit is not sent again.
        ExitOnce = "exit_once",
        /// Orders that were under way when the brain died are not asked about.
        ForgetUnderway = "forget_underway",
        /// A command leaves before its event is in the journal.
        SendBeforeJournal = "send_before_journal",
        /// The stop is not made smaller when the position is.
        StopKeepsSize = "stop_keeps_size",
        /// An order ten times the size leaves the client.
        TenTimes = "ten_times",
        /// An expired key of the user stream is not noticed.
        DeafUserStream = "deaf_user_stream",
        /// The clock's offset is not applied.
        IgnoreOffset = "ignore_offset",
    }
}

#[cfg(feature = "defects")]
static ON: core::sync::atomic::AtomicU8 = core::sync::atomic::AtomicU8::new(u8::MAX);

/// Is this defect switched on?
#[inline(always)]
pub fn on(defect: Defect) -> bool {
    #[cfg(feature = "defects")]
    return ON.load(core::sync::atomic::Ordering::Relaxed) == defect as u8;
    #[cfg(not(feature = "defects"))]
    {
        let _ = defect;
        false
    }
}

/// Switches one on for the whole process, or all off.
#[cfg(feature = "defects")]
pub fn switch(defect: Option<Defect>) {
    let code = defect.map_or(u8::MAX, |defect| defect as u8);
    ON.store(code, core::sync::atomic::Ordering::Relaxed);
}
