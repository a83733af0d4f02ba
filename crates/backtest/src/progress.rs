//! The progress bar of long commands: on stderr, and only when a person is looking at it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A bar that draws on a terminal and is silent anywhere else.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over `total` items, or a counter when the total is not known.
    pub fn new(what: &'static str, total: Option<u64>) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        let template = match total {
            Some(_) => "{msg} [{bar:40}] {percent}% {human_pos}/{human_len} {per_sec} eta {eta}",
            None => "{msg} {spinner} {human_pos} {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Self(bar)
    }

    /// There are more items than was known, or fewer.
    pub fn of(&self, total: u64) {
        self.0.set_length(total);
    }

    /// Changes the words before the bar.
    pub fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// `done` items so far.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Clears the line, so that the result stands alone.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}
