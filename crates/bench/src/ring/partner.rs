//! The second process, the clock they share, and waiting for one another.

use aegis_ring::machine;
use aegis_ring::{Config, Writer};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one process waits for the other before the bench fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Where things are and how fast the clock runs.
pub(super) struct Bench {
    far: usize,
    pub(super) ticks_per_ns: f64,
    dir: PathBuf,
}

impl Bench {
    pub(super) fn new(far: usize) -> Result<Self, String> {
        let dir = aegis_ring::ring_dir(&format!("bench-{}", std::process::id()));
        aegis_ring::prepare_dir(&dir).map_err(text)?;
        Ok(Self { far, ticks_per_ns: machine::ticks_per_ns(), dir })
    }

    pub(super) fn ns(&self, ticks: u64) -> f64 {
        ticks as f64 / self.ticks_per_ns
    }

    pub(super) fn ticks(&self, ns: f64) -> u64 {
        (ns * self.ticks_per_ns) as u64
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn ring(&self, gated: bool) -> Result<(Writer, PathBuf), String> {
        let path = self.file("bench.ring");
        let config = Config { gated, ..Config::default() };
        Ok((Writer::create(&path, &config).map_err(text)?, path))
    }

    /// Starts the second process on the far core and waits until it is ready.
    pub(super) fn partner(
        &self,
        task: &str,
        path: &Path,
        numbers: &[u64],
    ) -> Result<Partner, String> {
        let fixed = [self.far.to_string(), self.ticks_per_ns.to_string()];
        let numbers = numbers.iter().map(u64::to_string);
        let path = path.to_string_lossy().into_owned();
        let mut partner = Partner::spawn(task, [path].into_iter().chain(fixed).chain(numbers))?;
        match partner.line()?.as_str() {
            "ready" => Ok(partner),
            other => Err(format!("the second process said `{other}` instead of `ready`")),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Another process of this program; killed if it is dropped before its end.
pub(super) struct Partner {
    pub(super) child: Child,
    lines: BufReader<ChildStdout>,
}

impl Partner {
    pub(super) fn spawn(task: &str, args: impl Iterator<Item = String>) -> Result<Self, String> {
        let exe = std::env::current_exe().map_err(text)?;
        let mut child = Command::new(exe)
            .args(["bench-child", "ring", task])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("could not start another process of the bench: {e}"))?;
        let lines = child.stdout.take().map(BufReader::new).ok_or("no pipe from the child")?;
        Ok(Self { child, lines })
    }

    pub(super) fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => Err("another process of the bench ended early".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(e) => Err(format!("could not hear another process of the bench: {e}")),
        }
    }

    /// Its numbers, and its end.
    pub(super) fn finish(mut self) -> Result<Vec<f64>, String> {
        let line = self.line()?;
        let numbers: Option<_> = line.split_whitespace().map(|n| n.parse().ok()).collect();
        self.child.wait().map_err(text)?;
        numbers.ok_or_else(|| format!("the second process failed: {line}"))
    }

    /// Kills it and waits for its end.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        self.child.kill().map_err(text)?;
        self.child.wait().map_err(text)?;
        Ok(())
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Said by the second process when it is about to listen.
pub(super) fn ready() {
    println!("ready");
}

pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Spins until `ready`; an error once the other process has been silent too long.
#[inline(always)]
pub(super) fn spin_until(mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let mut since = None;
    loop {
        for _ in 0..1_u32 << 22 {
            if ready() {
                return Ok(());
            }
        }
        if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Err("the other process does not answer".to_owned());
        }
    }
}

/// The middle value; sorts.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// p50 and p99.
pub(super) fn quantiles(values: &mut [u64]) -> [u64; 2] {
    values.sort_unstable();
    let last = values.len().saturating_sub(1) as f64;
    [0.5, 0.99].map(|q| values.get((last * q) as usize).copied().unwrap_or(0))
}
