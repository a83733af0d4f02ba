//! The report for people: what happened, what was denied and why, what was assumed.

use crate::report::{GroupReport, Report};
use crate::session::Execution;
use aegis_types::DenialCode;
use std::fmt::Write;

impl Report {
    /// The report as text, ending with a line break. `title` is its first words.
    pub fn text(&self, title: &str) -> String {
        let mut text = String::new();
        self.head(&mut text, title);
        self.money(&mut text);
        self.groups(&mut text);
        self.denied(&mut text);
        self.rest(&mut text);
        text
    }

    fn head(&self, out: &mut String, title: &str) {
        let from = self.from.as_deref().unwrap_or("no data");
        let until = self.until.as_deref().unwrap_or("no data");
        let orders = match self.execution {
            Execution::Simulated => "orders simulated",
            Execution::Wire => "orders by wire to an exchange",
        };
        let lines = [
            format!("{title}  session {}  {} symbols", self.session, self.symbols),
            format!("{from} to {until} UTC, {orders}"),
            String::new(),
            format!(
                "{} candles, {} ticks, {} signals ({} long, {} short)",
                self.candles, self.ticks, self.signals, self.signals_long, self.signals_short
            ),
            format!(
                "{} orders, {} fills, {} trades ({} long, {} short), {} rotations",
                self.orders,
                self.fills,
                self.trades,
                self.trades_long,
                self.trades_short,
                self.rotations
            ),
        ];
        push_lines(out, &lines);
    }

    fn money(&self, out: &mut String) {
        let percent = |ratio: f64| format!("{:.2} %", ratio * 100.0);
        let change = self.equity_end.saturating_plus(-self.equity_start);
        let rows = [
            ["equity".into(), format!("{} to {} USDT", self.equity_start, self.equity_end)],
            [
                "change".into(),
                format!("{change} ({})", percent(change.ratio_of(self.equity_start))),
            ],
            ["wallet".into(), self.wallet_end.to_string()],
            ["fees paid".into(), self.fees.to_string()],
            ["funding".into(), self.funding.to_string()],
            ["profit factor".into(), optional(self.profit_factor)],
            ["expectancy".into(), format!("{} R", optional(self.expectancy_r))],
            ["max drawdown".into(), percent(self.max_drawdown)],
            ["time in market".into(), percent(self.exposure)],
            ["mean notional / equity".into(), format!("{:.2}", self.exposure_average)],
            ["max notional / equity".into(), format!("{:.2}", self.max_exposure)],
            ["max leverage".into(), format!("{:.2}", self.max_leverage)],
            ["max open positions".into(), self.max_open_positions.to_string()],
        ];
        out.push('\n');
        push_table(out, &rows, &[Align::Left, Align::Left]);
    }

    fn groups(&self, out: &mut String) {
        let columns = ["trades", "wins", "net", "fees", "funding", "factor", "R"];
        let mut head = vec!["by symbol".to_string()];
        head.extend(columns.map(String::from));
        head.extend(["signals", "denied"].map(String::from));
        let mut rows = vec![head];
        for (name, symbol) in &self.by_symbol {
            let mut row = group_row(name, &symbol.closed);
            row.extend([symbol.signals.to_string(), symbol.denied.to_string()]);
            rows.push(row);
        }
        out.push('\n');
        push_table(out, &rows, &[Align::Left]);
        for (what, groups) in [("by exit", &self.by_reason), ("by side", &self.by_side)] {
            let mut head = vec![what.to_string()];
            head.extend(columns.map(String::from));
            let mut rows = vec![head];
            rows.extend(groups.iter().map(|(name, group)| group_row(name, group)));
            out.push('\n');
            push_table(out, &rows, &[Align::Left]);
        }
    }

    fn denied(&self, out: &mut String) {
        if self.rejections.is_empty() && self.order_rejections.is_empty() {
            return;
        }
        let mut rows = vec![["denied".into(), "times".into(), "because".into()]];
        let mut denials: Vec<_> = self.rejections.iter().collect();
        denials.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        for (code, times) in denials {
            rows.push([code.clone(), times.to_string(), meaning(code).into()]);
        }
        for (code, times) in &self.order_rejections {
            rows.push([code.clone(), times.to_string(), "the venue refused the order".into()]);
        }
        out.push('\n');
        push_table(out, &rows, &[Align::Left, Align::Right, Align::Left]);
    }

    fn rest(&self, out: &mut String) {
        let open = self.open_at_end.iter().map(|p| {
            format!(
                "{} {} {} at {}, unrealised {}",
                p.symbol, p.side, p.qty, p.entry_px, p.unrealized
            )
        });
        push_section(out, "still open", open.collect());
        let refused = self.refusals.iter().map(|(reason, rows)| format!("{reason}: {rows} rows"));
        push_section(out, "refused data", refused.collect());
        push_section(out, "examples of refused data", self.refusal_examples.clone());
        push_section(out, "assumptions", self.assumptions.clone());
        let _ = writeln!(out, "\ndigest  {}", self.digest);
        if let Some(journal) = &self.journal {
            let _ = writeln!(out, "journal {journal}");
        }
        let speed = if self.wall_s > 0.0 { self.candles as f64 / self.wall_s } else { 0.0 };
        let _ = writeln!(out, "{:.2} s, {speed:.0} candles/s", self.wall_s);
    }
}

fn meaning(code: &str) -> &'static str {
    DenialCode::ALL.iter().find(|c| c.code() == code).map_or("", |c| c.meaning()[0])
}

fn optional(value: Option<f64>) -> String {
    value.map_or("none".into(), |v| format!("{v:.2}"))
}

fn group_row(name: &str, group: &GroupReport) -> Vec<String> {
    vec![
        name.into(),
        group.trades.to_string(),
        group.wins.to_string(),
        format!("{:.2}", group.net.to_f64()),
        format!("{:.2}", group.fees.to_f64()),
        format!("{:.2}", group.funding.to_f64()),
        optional(group.profit_factor),
        optional(group.expectancy_r),
    ]
}

fn push_lines(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}

fn push_section(out: &mut String, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{title}");
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

/// Aligned columns, two spaces apart; columns beyond `align` are numbers, to the right.
fn push_table<R: AsRef<[String]>>(out: &mut String, rows: &[R], align: &[Align]) {
    let columns = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.as_ref().get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = widths[column];
            let _ = match align.get(column).copied().unwrap_or(Align::Right) {
                Align::Left => write!(line, "{cell:<width$}  "),
                Align::Right => write!(line, "{cell:>width$}  "),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut out = String::new();
        let rows = [["by side", "trades"], ["long", "7"], ["short", "12"]];
        let rows = rows.map(|row| row.map(String::from));
        push_table(&mut out, &rows, &[Align::Left]);
        assert_eq!(out, "by side  trades\nlong          7\nshort        12\n");
    }

    #[test]
    fn a_report_says_what_was_denied_and_why() {
        let mut report = Report { session: "00ff".into(), symbols: 1, ..Report::default() };
        report.digest = "aa".into();
        report.rejections.insert("fee_over_risk".into(), 3);
        report.rejections.insert("cool_down".into(), 5);
        report.assumptions.push("mark = last".into());
        let text = report.text("AEGIS backtest");
        assert!(text.starts_with("AEGIS backtest  session 00ff  1 symbols\n"));
        let cool = text.find("cool_down          5  cooling down after an order or a trade");
        let fees = text.find("fee_over_risk      3  fees too large against the risk");
        assert!(cool.is_some() && fees.is_some() && cool < fees, "{text}");
        assert!(text.contains("\nassumptions\n  mark = last\n"));
        assert!(text.contains("profit factor           none"));
        assert!(text.lines().all(|line| line.trim_end() == line));
    }
}
