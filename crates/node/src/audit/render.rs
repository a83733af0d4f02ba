//! The audit for people: on a terminal, and as a Markdown report.

use super::{COMPONENTS, Check, PHASES, Report, Status};
use std::fmt::Write as _;

impl Status {
    /// The word of the report.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
        }
    }
}

impl Report {
    /// For a terminal.
    pub fn text(&self) -> String {
        let mut t = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            t,
            "AEGIS audit  version {}  commit {}  {} UTC",
            self.version, self.commit, self.date
        );
        for (index, phase) in self.phases.iter().enumerate() {
            let _ = writeln!(t, "\n{}. {} ({:.1} ms)", index + 1, phase.name, phase.ms);
            for c in self.of_phase(index) {
                let _ = writeln!(t, "  {} {:<28} {}", c.status.word(), c.id, c.reason);
                if !c.hint.is_empty() && c.status != Status::Pass {
                    let _ = writeln!(t, "       {:<28} → {}", "", c.hint);
                }
            }
        }
        let _ = writeln!(t, "\nmeasured here");
        for m in &self.performance {
            let _ =
                writeln!(t, "  {:<34} {:>10.1} {} (floor {})", m.name, m.value, m.unit, m.floor);
        }
        let _ = writeln!(t, "\n{} ({}) in {:.0} ms", self.verdict, self.mode, self.total_ms);
        t
    }

    fn of_phase(&self, index: usize) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |c| usize::from(c.phase) == index + 1)
    }

    fn with(&self, status: Status) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |c| c.status == status)
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut t = String::new();
        let _ = writeln!(t, "# AEGIS audit: {} ({})\n", self.verdict, self.mode);
        let _ = writeln!(
            t,
            "Version {} · commit {} · {} UTC · {:.0} ms\n",
            self.version, self.commit, self.date, self.total_ms
        );
        self.summary(&mut t);
        for (index, name) in PHASES.iter().enumerate() {
            let ms = self.phases.get(index).map_or(0.0, |p| p.ms);
            let _ = writeln!(t, "\n## Phase {}: {name} ({ms:.1} ms)\n", index + 1);
            let _ = writeln!(t, "| status | check | seen | to do | ms |\n|---|---|---|---|---|");
            for c in self.of_phase(index) {
                let _ = writeln!(
                    t,
                    "| {} | {} | {} | {} | {:.2} |",
                    c.status.word(),
                    c.id,
                    cell(&c.reason),
                    cell(&c.hint),
                    c.ms
                );
            }
        }
        self.conclusion(&mut t);
        t
    }

    fn summary(&self, t: &mut String) {
        let _ = writeln!(t, "## Summary\n\n| component | pass | warn | fail | skip |");
        let _ = writeln!(t, "|---|---|---|---|---|");
        for component in COMPONENTS {
            let count = |status| self.with(status).filter(|c| c.component == component).count();
            let _ = writeln!(
                t,
                "| {component} | {} | {} | {} | {} |",
                count(Status::Pass),
                count(Status::Warn),
                count(Status::Fail),
                count(Status::Skip)
            );
        }
    }

    fn conclusion(&self, t: &mut String) {
        let _ = writeln!(t, "\n## Performance, measured on the spot\n");
        let _ = writeln!(t, "| what | measured | floor |\n|---|---|---|");
        for m in &self.performance {
            let _ =
                writeln!(t, "| {} | {:.1} {} | {} {} |", m.name, m.value, m.unit, m.floor, m.unit);
        }
        let _ = writeln!(t, "\n## Observations\n");
        let mut any = false;
        for c in self.with(Status::Fail).chain(self.with(Status::Warn)) {
            any = true;
            let impact = if c.status == Status::Fail { "blocks trading" } else { "none now" };
            let _ = writeln!(
                t,
                "- **{}**: {}. Resolution: {}. Impact: {impact}.",
                c.id,
                c.reason,
                if c.hint.is_empty() { "none needed" } else { &c.hint }
            );
        }
        if !any {
            let _ = writeln!(t, "None.");
        }
        let _ = writeln!(t, "\n## Readiness\n");
        for (index, name) in PHASES.iter().enumerate() {
            let ok = self.of_phase(index).all(|c| c.status != Status::Fail);
            let _ = writeln!(t, "- [{}] {name}", if ok { "x" } else { " " });
        }
        let _ = writeln!(t, "\n## Next steps\n");
        let next = if self.verdict == "GO" {
            "`aegis demo`, or `aegis run --data FOLDER`. Audit again after a change of settings."
        } else {
            "Resolve every FAIL above, then run `aegis audit` again."
        };
        let _ = writeln!(t, "{next}");
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
