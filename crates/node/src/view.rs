//! The demo's page: one screen of plain text, redrawn in place on a terminal.

use crate::logging::colours_wanted;
use crate::protocol::{BrainReport, FeedReport, MarketRow, PositionRow};
use aegis_types::Nanos;
use std::fmt::Write as _;
use std::io::Write as _;

/// How often the screen is redrawn.
const REDRAW_EVERY: Nanos = Nanos(200_000_000);

/// Draws reports to stdout.
pub struct View {
    title: String,
    orders: &'static str,
    colours: bool,
    drawn: Nanos,
    started: bool,
}

struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn signed(&self, negative: bool, text: &str) -> String {
        self.with(if negative { "31" } else { "32" }, text)
    }
}

impl View {
    /// A view under a title, which says what the prices are; `orders` says in a word or two where
    /// orders go.
    pub fn new(title: String, orders: &'static str) -> Self {
        Self { title, orders, colours: colours_wanted(), drawn: Nanos::ZERO, started: false }
    }

    /// Draws, unless it has just been drawn.
    pub fn draw(
        &mut self,
        now: Nanos,
        brain: &BrainReport,
        feed: &FeedReport,
        health: &serde_json::Value,
    ) {
        if now.since(self.drawn) < REDRAW_EVERY {
            return;
        }
        self.drawn = now;
        let page = page([&self.title, self.orders], brain, feed, health, self.colours);
        let mut out = std::io::stdout().lock();
        if !self.started {
            self.started = true;
            let _ = write!(out, "\x1b[?25l\x1b[2J");
        }
        let _ = write!(out, "\x1b[H{}\x1b[J", page.replace('\n', "\x1b[K\n"));
        let _ = out.flush();
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.started {
            // The cursor comes back, the last page stays.
            let _ = writeln!(std::io::stdout(), "\x1b[?25h");
        }
    }
}

/// The page as text; writing to a `String` cannot fail, so results are dropped.
fn page(
    [title, orders]: [&str; 2],
    b: &BrainReport,
    feed: &FeedReport,
    health: &serde_json::Value,
    colours: bool,
) -> String {
    let paint = Paint(colours);
    let mut p = String::new();
    let time = Nanos::from_millis(b.time_ms).utc();
    let _ = writeln!(p, "{} {title}", paint.with("1", "AEGIS"));
    let entries = if b.entries { "" } else { ", entries stopped" };
    let _ = writeln!(
        p,
        "{time} UTC   {orders}{entries}   equity {} USDT   wallet {}",
        b.equity, b.wallet
    );
    let _ = writeln!(
        p,
        "\n{}",
        paint.with("4", "market         price      24h   rsi15m  atr15m  newest structure")
    );
    for MarketRow { symbol, price, change, rsi, atr, structure } in &b.markets {
        let change = paint.signed(*change < 0.0, &format!("{:>+7.2}%", change * 100.0));
        let rsi = rsi.map_or_else(|| "warming".into(), |v| format!("{v:.1}"));
        let atr = atr.map_or_else(|| "–".into(), |v| format!("{:.2}%", v * 100.0));
        let _ = writeln!(p, "{symbol:<10} {price:>11} {change} {rsi:>7} {atr:>7}  {structure}");
    }
    let head = "position   side   qty         entry       stop        target      pnl       conf";
    let _ = writeln!(p, "\n{}", paint.with("4", head));
    for row in &b.positions {
        position(&mut p, row, &paint);
    }
    if b.positions.is_empty() {
        let _ = writeln!(p, "none open");
    }
    let _ = writeln!(p, "\n{}", paint.with("4", "what happened, and why"));
    for line in &b.news {
        let _ = writeln!(p, "{}", clip(line, 118));
    }
    let (o, q) = (&b.orders, &b.tick_to_order_us);
    let _ = writeln!(
        p,
        "\n{} candles  {} signals  {} orders ({} rejected)  {} trades  {} journal records",
        b.candles, b.signals, o.sent, o.rejected, b.trades, b.records
    );
    let _ = writeln!(
        p,
        "ring: {} published, lag {} of {}, {} lost   tick→order p50 {} µs, p99 {} µs",
        feed.published, b.lag, b.capacity, b.lost, q.p50, q.p99
    );
    let _ = writeln!(
        p,
        "feed {} (restarts {})   brain {} (restarts {})   Ctrl-C ends",
        health["feed"]["state"].as_str().unwrap_or("?"),
        health["feed"]["restarts"],
        health["brain"]["state"].as_str().unwrap_or("?"),
        health["brain"]["restarts"],
    );
    if !b.store.is_empty() {
        let _ = writeln!(p, "{}", paint.with("33", &b.store));
    }
    p
}

fn position(p: &mut String, row: &PositionRow, paint: &Paint) {
    let PositionRow { symbol, side, qty, entry, stop, target, unrealized, confidence, protected } =
        row;
    let guard = if *protected { "" } else { "  stop not confirmed" };
    let pnl: String = unrealized.chars().take(9).collect();
    let pnl = paint.signed(unrealized.starts_with('-'), &format!("{pnl:>9}"));
    let _ = writeln!(
        p,
        "{symbol:<10} {side:<6} {qty:<11} {entry:<11} {stop:<11} {target:<11} {pnl} \
         {confidence:>5.2}{guard}"
    );
}

fn clip(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_positions_news_and_missing_data_without_colour_codes() {
        let brain = BrainReport {
            equity: "10012.5".into(),
            entries: true,
            markets: vec![MarketRow {
                symbol: "BTCUSDT".into(),
                price: "97000.1".into(),
                ..MarketRow::default()
            }],
            positions: vec![PositionRow {
                symbol: "BTCUSDT".into(),
                side: "short".into(),
                ..PositionRow::default()
            }],
            news: vec!["x".repeat(300)],
            ..BrainReport::default()
        };
        let health = serde_json::json!({"feed": {"state": "running", "restarts": 0},
            "brain": {"state": "running", "restarts": 1}});
        let page =
            page(["title", "orders simulated"], &brain, &FeedReport::default(), &health, false);
        for part in ["10012.5", "BTCUSDT", "short", "warming", "stop not confirmed", "restarts 1"] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
        assert!(!page.contains('\x1b'));
        assert!(page.lines().all(|l| l.chars().count() <= 118));
    }
}
