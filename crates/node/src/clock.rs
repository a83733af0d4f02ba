//! The clocks of this machine, for pumps only; the engine's time is `Event::at`.

use aegis_types::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock, the same for every process of this machine.
pub fn monotonic() -> Nanos {
    let t = clock_gettime(ClockId::Monotonic);
    Nanos(t.tv_sec * Nanos::SECOND.0 + t.tv_nsec)
}

/// Low 32 bits of the monotonic clock in µs: a stamp for delays below an hour.
pub fn stamp_us() -> u32 {
    (monotonic().0 / 1_000) as u32
}

/// Nanoseconds since the epoch by the machine's wall clock.
pub fn wall() -> Nanos {
    let t = clock_gettime(ClockId::Realtime);
    Nanos(t.tv_sec * Nanos::SECOND.0 + t.tv_nsec)
}
