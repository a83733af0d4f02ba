//! Structured logs: text or JSON lines on stderr, or in a file of the session.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging, once a process.
///
/// `level` is one of ERROR, WARN, INFO, DEBUG, TRACE; an unknown one means INFO. Every line says
/// the environment, so that nobody mistakes one for the other. With `file`, lines go to its end
/// instead of stderr.
///
/// # Errors
/// When the file cannot be opened.
pub fn start(
    level: &str,
    format: Format,
    environment: &str,
    file: Option<&Path>,
) -> std::io::Result<()> {
    let level: LevelFilter = level.to_ascii_lowercase().parse().unwrap_or(LevelFilter::INFO);
    let ansi = file.is_none() && format == Format::Text && colours_wanted();
    let sink = match file {
        Some(path) => Sink::File(OpenOptions::new().create(true).append(true).open(path)?),
        None => Sink::Stderr,
    };
    let head = match format {
        Format::Text => format!("[{environment}] "),
        Format::Json => format!("{{\"env\":\"{environment}\","),
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::NONE)
        .with_target(false)
        // Its way of saying that stderr takes nothing is to write that to stderr, and to panic when
        // that fails: `aegis demo 2>&1 | head -1` must not end a run.
        .log_internal_errors(false)
        .with_ansi(ansi)
        .with_writer(Mutex::new(Lines { sink, head, format }));
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        Format::Json => builder.json().try_init(),
        Format::Text => builder.try_init(),
    };
    Ok(())
}

enum Sink {
    Stderr,
    File(File),
}

/// Puts the environment at the head of each line; a line comes as one write.
struct Lines {
    sink: Sink,
    head: String,
    format: Format,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let rest = match self.format {
            Format::Json => line.strip_prefix(b"{").unwrap_or(line),
            Format::Text => line,
        };
        let whole = [self.head.as_bytes(), rest].concat();
        match &mut self.sink {
            Sink::Stderr => std::io::stderr().write_all(&whole)?,
            Sink::File(file) => file.write_all(&whole)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// May colours be used on stderr? Only on a terminal, and never against `NO_COLOR`.
pub fn colours_wanted() -> bool {
    use std::io::IsTerminal;
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && std::io::stderr().is_terminal()
}

/// Logs a panic with its message and place before the process ends.
pub fn log_panics(process: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic
            .payload()
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let seq = crate::brain::last_seq();
        tracing::error!(process, %message, %place, last_seq = seq, "panic");
    }));
}
