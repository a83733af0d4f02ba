//! The one table.

use crate::kind::Kind::{
    self, Amount, Bool, Choice, Limit, Path, PowerOfTwo, Real, Secret as Key, StoreUrl, Whole,
};
use crate::row::{Row, Scope, row, weight, worth};

/// Spans up to thirty days, in minutes.
const MONTH: Kind = Whole(1, 43_200);

/// Every setting.
pub const TABLE: &[Row] = &[
    row(
        "environment",
        Choice(&["development", "testnet", "production"]),
        "development",
        "",
        "real orders leave only in production, which also requires journal.durability = power",
    )
    .env("ENVIRONMENT"),
    row("live", Bool, "false", "", "arms real orders, together with the flag --live"),
    row(
        "log.level",
        Choice(&["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]),
        "INFO",
        "",
        "ERROR wakes a human, WARN names a hint, INFO tells the story, the rest is for builders",
    )
    .env("LOG_LEVEL")
    .process(),
    row("log.format", Choice(&["text", "json"]), "text", "", "json for machines that collect logs")
        .process(),
    // engine
    row(
        "engine.warm_up_bars",
        Whole(1, 100_000),
        "250",
        "closed 1m bars",
        "no signal before detectors and indicators have seen this much",
    ),
    row(
        "engine.signal_confidence",
        Real(0.0, 1.0),
        "0.6",
        "confidence",
        "a proposal becomes a signal above it",
    ),
    row(
        "engine.stale_after_s",
        Real(1.0, 86_400.0),
        "180",
        "s",
        "older data of a symbol allow no entry in it",
    ),
    row("engine.time_stop_minutes", Whole(1, 525_600), "480", "min", "longest time in a position"),
    row(
        "engine.decay_exit",
        Bool,
        "true",
        "",
        "leave a position when the reasons for its entry are gone",
    ),
    row(
        "engine.stop_deadline_ms",
        Whole(1, 86_400_000),
        "3000",
        "ms",
        "a filled quantity without an acknowledged stop after this is flattened",
    ),
    row(
        "engine.teacher_threshold",
        Whole(1, 1_000_000),
        "50",
        "closed trades",
        "the least that may ever promote the student; evidence comes on top",
    )
    .env("TEACHER_THRESHOLD"),
    row(
        "engine.quote_interval_ms",
        Whole(0, 60_000),
        "250",
        "ms",
        "newest book and mark of a symbol reach the engine and the journal at most this often",
    ),
    // risk
    row("risk.gate", Real(0.0, 1.0), "0.55", "confidence", "a signal at or below it is denied"),
    row(
        "risk.fraction",
        Real(0.000_001, 0.02),
        "0.005",
        "of equity",
        "what a trade puts at risk between entry and stop",
    ),
    row(
        "risk.fraction_max",
        Real(0.000_001, 0.02),
        "0.02",
        "of equity",
        "upper bound of the same; the engine never allows more than 0.02",
    ),
    row(
        "risk.max_leverage_teacher",
        Real(1.0, 125.0),
        "3",
        "x",
        "cap of a position's leverage, and of total notional over equity, while the rules trade",
    )
    .env("MAX_LEVERAGE_TEACHER"),
    row(
        "risk.max_leverage_student",
        Real(1.0, 125.0),
        "10",
        "x",
        "the same while the learned model trades",
    )
    .env("MAX_LEVERAGE_STUDENT"),
    row(
        "risk.fee_over_risk_max",
        Real(0.000_001, 1.0),
        "0.15",
        "R",
        "round-trip taker fee beyond this share of the risk: the stop is too tight to pay",
    ),
    row(
        "risk.reward_over_risk_min",
        Real(0.0, 100.0),
        "1",
        "R",
        "a nearer target is not worth its risk",
    ),
    row(
        "risk.daily_loss_max",
        Real(0.000_001, 1.0),
        "0.05",
        "of equity",
        "a UTC day that loses this much allows no further entry",
    ),
    row(
        "risk.cool_down_s",
        Real(0.001, 86_400.0),
        "60",
        "s",
        "rest of a symbol after a failed order",
    ),
    row(
        "risk.order_notional_max",
        Limit,
        "0",
        "USDT",
        "no single entry is worth more than this; 0 for no such limit",
    ),
    row(
        "risk.order_over_equity_max",
        Real(0.000_001, 125.0),
        "3",
        "x equity",
        "no single entry is worth more than so many times the equity",
    ),
    row(
        "risk.price_collar",
        Real(0.000_001, 0.5),
        "0.05",
        "fraction",
        "an entry whose price is further from mark or last price is denied",
    ),
    row(
        "risk.reference_stale_s",
        Real(0.001, 3_600.0),
        "30",
        "s",
        "an older mark, last price or book is none to hold an entry's price against",
    ),
    row(
        "risk.repeat_max",
        Whole(1, 100),
        "8",
        "entries",
        "entries of one symbol and side within risk.repeat_window_minutes",
    ),
    row("risk.repeat_window_minutes", Whole(1, 1_440), "60", "min", "the window of the same"),
    row(
        "risk.drawdown_max",
        Real(0.000_001, 1.0),
        "0.2",
        "of the highest equity",
        "a fall this deep ends entries until `aegis resume`, over restarts too",
    ),
    row(
        "risk.unknown_alert_s",
        Real(0.001, 86_400.0),
        "60",
        "s",
        "an order whose outcome is unknown for longer is an alert",
    ),
    // protections
    row(
        "protections.cool_down_minutes",
        Whole(0, 43_200),
        "0",
        "min",
        "rest of a symbol after each closed trade; 0 for none",
    ),
    row(
        "protections.stop_guard_stops",
        Whole(0, 256),
        "10",
        "stops",
        "so many positions stopped out with a loss pause entries; 0 switches it off",
    ),
    row(
        "protections.stop_guard_scope",
        Choice(&["all", "symbol"]),
        "all",
        "",
        "stops are counted, and entries paused, over all symbols or by symbol",
    ),
    row("protections.stop_guard_lookback_minutes", MONTH, "60", "min", "within which they count"),
    row("protections.stop_guard_pause_minutes", MONTH, "60", "min", "how long that pause is"),
    row(
        "protections.drawdown_trades",
        Whole(0, 256),
        "10",
        "trades",
        "with so many closed trades in the lookback their fall is judged; 0 switches it off",
    ),
    row(
        "protections.drawdown_max",
        Real(0.000_001, 1.0),
        "0.15",
        "of equity",
        "a deeper fall of their running sum pauses entries",
    ),
    row("protections.drawdown_lookback_minutes", MONTH, "1440", "min", "within which they count"),
    row("protections.drawdown_pause_minutes", MONTH, "720", "min", "how long that pause is"),
    row(
        "protections.low_profit_trades",
        Whole(0, 256),
        "6",
        "trades",
        "with so many trades of a symbol in the lookback their sum is judged; 0 switches it off",
    ),
    row(
        "protections.low_profit_min",
        Real(-1.0, 1.0),
        "-0.03",
        "of equity",
        "a symbol whose trades earned less is paused",
    ),
    row("protections.low_profit_lookback_minutes", MONTH, "1440", "min", "within which they count"),
    row("protections.low_profit_pause_minutes", MONTH, "1440", "min", "how long that pause is"),
    // portfolio
    row(
        "portfolio.max_open_positions",
        Whole(1, 16),
        "3",
        "positions",
        "open, in flight and unknown ones together",
    )
    .env("MAX_OPEN_POSITIONS"),
    row(
        "portfolio.rotation_lapse_s",
        Real(0.001, 86_400.0),
        "60",
        "s",
        "a new entry that waits longer for the closing fill of the position it replaces lapses",
    ),
    // indicators
    row("indicators.rsi_period", Whole(2, 200), "14", "bars", "Wilder's RSI").env("RSI_PERIOD"),
    row("indicators.atr_period", Whole(2, 200), "14", "bars", "Wilder's ATR").env("ATR_PERIOD"),
    row(
        "indicators.ema_period",
        Whole(2, 500),
        "50",
        "bars",
        "EMA that tells the higher-timeframe bias before structure does",
    ),
    // teacher: structure
    row(
        "teacher.swing_length",
        Whole(1, 50),
        "5",
        "bars",
        "bars after a swing point until it is known",
    ),
    row(
        "teacher.displacement_atr",
        Real(0.1, 20.0),
        "1.5",
        "ATR",
        "least body of a displacement candle",
    ),
    row(
        "teacher.pool_tolerance_atr",
        Real(0.0, 5.0),
        "0.1",
        "ATR",
        "swing points closer than this make one pool of liquidity",
    ),
    row(
        "teacher.sweep_window_minutes",
        Whole(1, 10_080),
        "240",
        "min",
        "a setup must complete within this of its liquidity sweep",
    ),
    row(
        "teacher.retest_window_minutes",
        Whole(1, 10_080),
        "240",
        "min",
        "an entry zone must be retested within this of its structure break",
    ),
    row(
        "teacher.zones_max",
        Whole(1, 1_000),
        "16",
        "",
        "most gaps, and most blocks, of a side kept",
    ),
    row("teacher.levels_max", Whole(1, 1_000), "24", "", "most liquidity levels of a side kept"),
    row(
        "teacher.age_max_bars",
        Whole(1, 1_000_000),
        "500",
        "bars",
        "an older zone or level is forgotten",
    ),
    // teacher: stop and target
    row(
        "teacher.stop_buffer_atr",
        Real(0.0, 10.0),
        "0.5",
        "ATR of 15m",
        "room between the invalidation level and the stop",
    ),
    row(
        "teacher.stop_min_atr",
        Real(0.0, 20.0),
        "1.2",
        "ATR of 1h",
        "a nearer stop would be eaten by noise and fees",
    ),
    row(
        "teacher.stop_max_atr",
        Real(0.0, 100.0),
        "4",
        "ATR of 1h",
        "a setup that needs a further stop is left alone",
    ),
    row(
        "teacher.target_r",
        Real(1.0, 50.0),
        "2",
        "R",
        "target when no opposing liquidity lies nearer",
    ),
    row("teacher.target_r_min", Real(1.0, 50.0), "1.2", "R", "least target"),
    // teacher: weights, together at most 1
    weight("teacher.weight_base", "0.01", "where every confidence starts"),
    weight(
        "teacher.weight_higher_timeframe",
        "0.17",
        "1h structure, 1h EMA and the daily bias agree with the side",
    ),
    weight("teacher.weight_structure", "0.1", "15m and 5m structure agree with the side"),
    weight("teacher.weight_liquidity_sweep", "0.16", "opposing liquidity was just taken"),
    weight("teacher.weight_structure_shift", "0.14", "structure just broke towards the side"),
    weight("teacher.weight_displacement", "0.1", "a displacement candle in the side's direction"),
    weight(
        "teacher.weight_fair_value_gap",
        "0.05",
        "price is at an open fair value gap of the side",
    ),
    weight("teacher.weight_order_block", "0.05", "price is at a live order block of the side"),
    weight(
        "teacher.weight_dealing_range",
        "0.07",
        "long in the discount, short in the premium of the dealing range",
    ),
    weight(
        "teacher.weight_optimal_entry",
        "0.04",
        "price is in the optimal trade entry of the last leg",
    ),
    weight(
        "teacher.weight_opposing_liquidity",
        "0.01",
        "liquidity of the other side lies where the trade is paid",
    ),
    weight("teacher.weight_momentum", "0.02", "momentum over ATR in the side's direction"),
    weight("teacher.weight_rsi", "0.02", "RSI has room in the side's direction"),
    weight("teacher.weight_volume", "0.02", "volume above its mean"),
    weight("teacher.weight_kill_zone", "0.04", "a kill zone, in which moves are made"),
    // teacher: what one example of a component counts against the best of it
    worth("teacher.worth_bos", "0.5", "a break of structure, against a market structure shift"),
    worth("teacher.worth_choch", "0.8", "a change of character, against a market structure shift"),
    worth("teacher.worth_sweep_5m", "0.5", "liquidity taken on 5m, against 1h"),
    worth("teacher.worth_sweep_15m", "0.8", "liquidity taken on 15m, against 1h"),
    worth("teacher.worth_asia", "0.5", "the Asian kill zone, 20:00 to 00:00 in New York"),
    worth(
        "teacher.worth_london_open",
        "1",
        "the London open kill zone, 02:00 to 05:00 in New York",
    ),
    worth("teacher.worth_new_york", "1", "the New York kill zone, 08:30 to 11:00 in New York"),
    worth(
        "teacher.worth_london_close",
        "0.6",
        "the London close kill zone, 10:00 to 12:00 in New York",
    ),
    worth("teacher.worth_no_kill_zone", "0.2", "the rest of the day"),
    // sim
    row("sim.balance", Amount, "10000", "USDT", "deposit at the start"),
    row(
        "sim.seed",
        Whole(0, u64::MAX),
        "1",
        "",
        "key of every random draw: the same seed gives the same latencies and slippages",
    ),
    row("sim.latency_min_ms", Real(0.0, 60_000.0), "5", "ms", "shortest way of an order"),
    row("sim.latency_max_ms", Real(0.0, 60_000.0), "40", "ms", "longest way of an order"),
    row(
        "sim.slippage_bps",
        Real(0.0, 1_000.0),
        "0.5",
        "bps",
        "mean slippage of a taking order, never beyond what the data show",
    ),
    row("sim.leverage_default", Whole(1, 125), "1", "x", "leverage of a symbol until it is set"),
    row(
        "sim.orders_per_symbol",
        // Entry, stop, target and a close beside them: with fewer a position is left unprotected.
        Whole(4, 1_024),
        "32",
        "orders",
        "open orders that a symbol holds; one more is rejected",
    ),
    // market
    row(
        "market.seed",
        Whole(0, u64::MAX),
        "20250106",
        "",
        "the same seed gives the same markets (flag: --market-seed)",
    ),
    row("market.symbols", Whole(1, 500), "10", "symbols", "how many are generated"),
    row("market.days", Whole(1, 3_650), "10", "days", "how long they run (flag: --days)"),
    row(
        "market.edge",
        Real(0.0, 10.0),
        "0",
        "standard deviations",
        "strength of a planted edge, 0 for none: to see whether learning finds what is there",
    ),
    row("market.books", Bool, "false", "", "also one derived book update a minute and symbol"),
    // feed
    row(
        "feed.conflation_ms",
        Whole(0, 10_000),
        "100",
        "ms",
        "live only: newest tick per symbol and window, 0 is off; recorded data are never conflated",
    ),
    row(
        "feed.jump_factor",
        Real(0.0, 1_000_000.0),
        "3",
        "x",
        "a price so many times above or below the last close is refused as a wild jump, 0 is off",
    ),
    row(
        "feed.jump_window_minutes",
        Whole(1, 10_080),
        "10",
        "min",
        "a last close older than this is no measure for a jump: a level that persists is real",
    ),
    // universe
    row(
        "universe.symbols_max",
        Whole(1, 600),
        "600",
        "symbols",
        "of those that the exchange trades, in name order; more are left out, by name, in the log",
    ),
    row(
        "universe.refresh_minutes",
        Whole(1, 1_440),
        "60",
        "min",
        "how often the exchange's list is asked for again",
    )
    .process(),
    // venue
    row(
        "venue.exchange_url",
        Kind::Url,
        "",
        "",
        "REST base of another host than the venue's own; --exchange-url says the same",
    ),
    row(
        "venue.stream_url",
        Kind::Url,
        "",
        "",
        "base of its market and user streams; empty follows from exchange_url",
    ),
    row(
        "venue.order_transport",
        Choice(&["rest", "ws"]),
        "rest",
        "",
        "how orders travel: a REST request, or a frame of the WebSocket API",
    ),
    row(
        "venue.recv_window_ms",
        Whole(100, 5_000),
        "5000",
        "ms",
        "an order that arrives later is refused; an unknown outcome is settled only after it",
    ),
    row(
        "venue.request_timeout_ms",
        Whole(100, 60_000),
        "3000",
        "ms",
        "a write without an answer for so long has an unknown outcome",
    ),
    row(
        "venue.foreign",
        Choice(&["alert", "ignore", "adopt"]),
        "alert",
        "",
        "orders and positions on the account that are not ours: alert leaves them alone, no \
         entries while there are any; ignore leaves them to a word in the log; adopt takes \
         positions in the session's symbols over, the rest is as with alert",
    ),
    row(
        "venue.adopt_stop",
        Real(0.001, 0.5),
        "0.02",
        "of price",
        "how far beyond the worse of entry and mark the stop of such a position stands; at most \
         half the way to where its margin is used up",
    )
    .process(),
    row(
        "venue.sweep_s",
        Whole(5, 3_600),
        "60",
        "s",
        "how often the account is read, and every stop confirmed, although nothing seems wrong",
    ),
    row(
        "venue.unreachable_s",
        Whole(1, 600),
        "5",
        "s",
        "no entries once requests have failed for so long",
    ),
    row(
        "venue.orders_per_second_max",
        Whole(1, 15),
        "10",
        "orders",
        "orders that may leave within a second; entries beyond are refused, what reduces may use \
         twice as much",
    ),
    row(
        "venue.orders_per_minute_max",
        Whole(1, 600),
        "120",
        "orders",
        "the same within a minute, of which what reduces may use four times as much",
    ),
    row(
        "venue.orders_per_second_symbol_max",
        Whole(1, 15),
        "5",
        "orders",
        "the same within a second, of one symbol",
    ),
    row(
        "venue.orders_per_minute_symbol_max",
        Whole(1, 600),
        "40",
        "orders",
        "the same within a minute, of one symbol",
    ),
    row(
        "venue.dead_man_s",
        Whole(0, 86_400),
        "0",
        "s",
        "the exchange cancels plain orders of a symbol when nothing was heard for so long; 0 is \
         off. It is not documented whether Binance spares stops: try it on the demo first",
    ),
    // data
    row(
        "data.archive_url",
        Kind::Url,
        "https://data.binance.vision",
        "",
        "base of the archive that `aegis data fetch` reads; a mirror in the same layout will do",
    )
    .process(),
    // ring
    row(
        "ring.slots",
        PowerOfTwo(1_024, 1_048_576),
        "16384",
        "slots of 64 B",
        "how far the brain may fall behind the feed",
    )
    .process(),
    row(
        "ring.wait",
        Choice(&["adaptive", "spin", "sleep"]),
        "adaptive",
        "",
        "spin answers fastest and takes a core, sleep takes none, adaptive spins then sleeps",
    )
    .process(),
    // journal
    row(
        "journal.durability",
        Choice(&["auto", "process", "power"]),
        "auto",
        "",
        "process survives SIGKILL, power a power cut; auto is power for testnet and production",
    ),
    row("journal.segment_mb", Whole(1, 4_096), "64", "MiB", "size at which a new file begins"),
    row(
        "journal.snapshot_every",
        Whole(0, 100_000_000),
        "100000",
        "records",
        "recovery begins at most so far back; a snapshot is also taken at each file's end and at a \
         stop; 0: none",
    ),
    row(
        "journal.reserve_mb",
        Whole(0, 4_096),
        "16",
        "MiB",
        "held back for a full disk: with it positions are still closed, entries stop",
    ),
    row(
        "journal.retain",
        Choice(&["all", "1d", "3d", "7d", "14d", "30d", "90d", "365d"]),
        "all",
        "",
        "older segments go, behind two verified snapshots; their money events are kept for ever",
    ),
    // store
    Row {
        key: "store.url",
        kind: StoreUrl,
        default: "",
        unit: "",
        env: Some("DATABASE_URL"),
        scope: Scope::Process,
        why: "database of the read models; empty is the SQLite file in the state folder",
    },
    row(
        "store.backlog_rows",
        Whole(1_000, 10_000_000),
        "100000",
        "rows",
        "how many wait while the database is away; trading never does",
    )
    .process(),
    // node
    row(
        "node.shutdown_timeout_s",
        Real(0.1, 600.0),
        "5",
        "s",
        "children that have not stopped after it are killed",
    )
    .process(),
    row(
        "node.crash_loop_exits",
        Whole(1, 1_000),
        "5",
        "exits",
        "so many in a row without progress stop the system, positions stay protected",
    )
    .process(),
    row(
        "node.restart_backoff_ms",
        Whole(1, 600_000),
        "200",
        "ms",
        "wait after the second exit in a row without progress; it doubles with each further one",
    )
    .process(),
    row(
        "node.heartbeat_timeout_s",
        Real(1.0, 3_600.0),
        "30",
        "s",
        "a child that was ready and has said nothing for so long is killed and started again",
    )
    .process(),
    row(
        "node.crash_loop",
        Choice(&["hold", "flatten"]),
        "hold",
        "",
        "after a crash loop: hold leaves positions to their stops, flatten closes them as a kill \
         does",
    )
    .process(),
    row(
        "node.escalate_after_s",
        Real(0.1, 9.0),
        "5",
        "s",
        "a halt or flatten that the brain does not answer in time becomes the kill switch",
    )
    .process(),
    row(
        "shutdown.positions",
        Choice(&["keep", "flatten"]),
        "keep",
        "",
        "keep leaves positions with their stops at a normal stop, flatten closes them",
    )
    .process(),
    // alerts
    row(
        "alerts.escalate_after_s",
        Real(1.0, 604_800.0),
        "900",
        "s",
        "an alert that must be acknowledged and is not for so long stops entries until it is",
    )
    .process(),
    // deploy
    row(
        "deploy.expect_build",
        Kind::Hash,
        "",
        "",
        "SHA-256 of the only program that may run, or its first digits; --expect-build too",
    )
    .process(),
    row(
        "binance.key_file",
        Path,
        "",
        "",
        "file with both keys, mode 600 and ours; better than the environment, which /proc shows",
    )
    .process(),
    row(
        "binance.keyring",
        Kind::Name,
        "",
        "",
        "NAME, where the kernel's keyring has both keys as NAME:api_key and NAME:api_secret",
    )
    .process(),
    Row {
        key: "binance.api_key",
        kind: Key,
        default: "",
        unit: "",
        env: Some("BINANCE_API_KEY"),
        scope: Scope::Secret,
        why: "without keys every order is simulated",
    },
    Row {
        key: "binance.api_secret",
        kind: Key,
        default: "",
        unit: "",
        env: Some("BINANCE_API_SECRET"),
        scope: Scope::Secret,
        why: "signs requests; kept by the brain and the emergency path alone",
    },
];

/// Position of a key in the table.
pub(crate) fn position(key: &str) -> Option<usize> {
    TABLE.iter().position(|row| row.key == key)
}
