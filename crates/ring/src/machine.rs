//! Cores and cycle counts, for benches that compare nanoseconds between two cores.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::time::{Duration, Instant};

/// Cores this process may run on, in order.
pub fn cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// Keeps the calling thread on one core; false if the system refuses.
pub fn pin_to_core(core: usize) -> bool {
    if core >= CpuSet::MAX_CPU {
        return false;
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).is_ok()
}

/// A count that runs at one steady rate on all cores: the time-stamp counter where there is one,
/// otherwise nanoseconds of the monotonic clock.
#[inline(always)]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction; it reads a register.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}

/// [`ticks`], taken only after every load before it has its value.
#[inline(always)]
pub fn ticks_after_loads() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: part of SSE2, which every x86-64 processor has; it orders, it touches nothing.
        unsafe { std::arch::x86_64::_mm_lfence() };
    }
    ticks()
}

/// Measures how many [`ticks`] make a nanosecond; takes 50 ms.
pub fn ticks_per_ns() -> f64 {
    let (start, from) = (Instant::now(), ticks());
    while start.elapsed() < Duration::from_millis(50) {
        std::hint::spin_loop();
    }
    let elapsed = start.elapsed().as_nanos() as f64;
    (ticks() - from) as f64 / elapsed
}
