//! Cores and cycle counts, for benches that compare nanoseconds between two cores.

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::time::{Duration, Instant};

/// Cores this process may run on, in order.
pub fn cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// Takes this process out of its session and before all others, as far as it may: other work on
/// the machine then costs a measurement less. For a bench's own process only. Answers whether
/// the system allowed it.
///
/// Priority acts among the processes of a session only, hence the session of its own.
pub fn go_first() -> bool {
    let _ = rustix::process::setsid();
    let group = std::fs::write("/proc/self/autogroup", "-20").is_ok();
    rustix::process::setpriority_process(None, -20).is_ok() && group
}

/// Has this process killed when the thread that started it ends.
pub fn end_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

/// Two cores to measure between: the first allowed one and the first after it that is not the
/// same core's second thread, if there is such a one; `None` on a single core.
pub fn core_pair() -> Option<(usize, usize)> {
    let cores = cores();
    let (first, rest) = cores.split_first()?;
    let siblings = format!("/sys/devices/system/cpu/cpu{first}/topology/thread_siblings_list");
    let siblings = std::fs::read_to_string(siblings).unwrap_or_default();
    let second = rest.iter().find(|core| !in_list(&siblings, **core)).or(rest.first())?;
    Some((*first, *second))
}

/// Whether a list as the kernel writes it, `0-3,8`, has `core`.
fn in_list(list: &str, core: usize) -> bool {
    list.trim().split(',').any(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let range = from.parse().ok().zip(to.parse().ok());
        range.is_some_and(|(from, to): (usize, usize)| (from..=to).contains(&core))
    })
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

/// Stops a child process without its knowledge; false if there is no such process.
pub fn pause_process(pid: u32) -> bool {
    send(pid, Signal::STOP)
}

/// Lets a stopped child process go on; false if there is no such process.
pub fn resume_process(pid: u32) -> bool {
    send(pid, Signal::CONT)
}

fn send(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lists_are_read() {
        for (list, core, expected) in [
            ("0-3,8\n", 2, true),
            ("0-3,8\n", 8, true),
            ("0-3,8\n", 4, false),
            ("0,4", 4, true),
            ("", 0, false),
            ("x-y", 0, false),
        ] {
            assert_eq!(in_list(list, core), expected, "{core} in {list:?}");
        }
    }

    #[test]
    fn ticks_run_forward_at_one_rate() {
        let before = ticks();
        let rate = ticks_per_ns();
        assert!(rate > 0.0 && rate.is_finite());
        assert!(ticks_after_loads() > before);
    }

    #[test]
    fn pinning_to_an_allowed_core_works_and_to_none_is_refused() {
        std::thread::spawn(|| {
            let cores = cores();
            assert!(pin_to_core(cores[0]));
            assert_eq!(super::cores(), [cores[0]]);
            assert!(!pin_to_core(usize::MAX));
        })
        .join()
        .unwrap();
    }
}
