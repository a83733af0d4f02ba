//! The settings as the crates that obey them take them.

use crate::load::Settings;
use aegis_engine::{EngineConfig, Protections};
use aegis_exchange::ExchangeConfig;
use aegis_journal as journal;
use aegis_learn as learn;
use aegis_types::{Nanos, Rate};

/// Which markets are generated when no data is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Market {
    /// Seed.
    pub seed: u64,
    /// How many symbols.
    pub symbols: u16,
    /// How many days.
    pub days: u32,
    /// Strength of the planted edge, 0 for none.
    pub edge: f64,
    /// Also one derived book update a minute.
    pub books: bool,
}

/// Limits of the data firewall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirewallLimits {
    /// Largest factor between a price and the last close; 0 is off.
    pub jump_factor: f64,
    /// Age up to which the last close is a measure.
    pub jump_window: Nanos,
}

/// The way to an exchange on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueSettings {
    /// REST base; empty for the venue's own.
    pub exchange_url: String,
    /// Base of the streams; empty to follow from `exchange_url`, or for the venue's own.
    pub stream_url: String,
    /// Orders travel as frames of the WebSocket API.
    pub orders_by_socket: bool,
    /// How old an order may be when it arrives.
    pub recv_window_ms: u32,
    /// Longest wait for an answer to a write.
    pub request_timeout: Nanos,
    /// Orders and positions that are not ours end entries.
    pub foreign_ends_entries: bool,
    /// Positions that are not ours are taken over.
    pub foreign_adopted: bool,
    /// How far from the price the stop of such a one stands, as a fraction.
    pub adopt_stop: Rate,
    /// How often the account is read although nothing seems wrong.
    pub sweep: Nanos,
    /// How long requests may fail before entries end.
    pub unreachable_after: Nanos,
    /// Orders that may leave: in a second and a minute, then the same of one symbol.
    pub orders_max: [u32; 4],
    /// The exchange's own countdown; zero is off.
    pub dead_man: Nanos,
}

impl Settings {
    /// A whole number. The table has checked it; the target type's range is the row's.
    fn whole<T: TryFrom<u64> + Default>(&self, key: &str) -> T {
        let number: u64 = self.text(key).parse().unwrap_or_default();
        T::try_from(number).unwrap_or_default()
    }

    pub(crate) fn real(&self, key: &str) -> f64 {
        self.text(key).parse().unwrap_or_default()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.text(key) == "true"
    }

    /// A span given in `unit`, to the nearest microsecond.
    pub(crate) fn span(&self, key: &str, unit: Nanos) -> Nanos {
        let micros = self.real(key) * (unit.0 / 1_000) as f64;
        Nanos(micros.round() as i64 * 1_000)
    }

    /// The engine's configuration. `session`, `trade_from` and `mark_is_last`
    /// belong to a session, not to settings.
    pub fn engine(&self) -> EngineConfig {
        let fresh = EngineConfig::default();
        EngineConfig {
            session: fresh.session,
            trade_from: fresh.trade_from,
            warm_up_bars: self.whole("engine.warm_up_bars"),
            signal_confidence: self.real("engine.signal_confidence"),
            risk_gate: self.real("risk.gate"),
            risk_fraction: self.real("risk.fraction"),
            risk_fraction_max: self.real("risk.fraction_max"),
            leverage_max_teacher: self.real("risk.max_leverage_teacher"),
            leverage_max_student: self.real("risk.max_leverage_student"),
            teacher_threshold: self.whole("engine.teacher_threshold"),
            positions_max: self.whole("portfolio.max_open_positions"),
            fee_over_risk_max: self.real("risk.fee_over_risk_max"),
            reward_over_risk_min: self.real("risk.reward_over_risk_min"),
            daily_loss_max: self.real("risk.daily_loss_max"),
            stale_after: self.span("engine.stale_after_s", Nanos::SECOND),
            cool_down: self.span("risk.cool_down_s", Nanos::SECOND),
            time_stop: self.span("engine.time_stop_minutes", Nanos::MINUTE),
            decay_exit: self.flag("engine.decay_exit"),
            rotation_lapse: self.span("portfolio.rotation_lapse_s", Nanos::SECOND),
            stop_deadline: self.span("engine.stop_deadline_ms", Nanos::MILLISECOND),
            order_notional_max: self.text("risk.order_notional_max").parse().unwrap_or_default(),
            order_over_equity_max: self.real("risk.order_over_equity_max"),
            price_collar: self.real("risk.price_collar"),
            reference_stale: self.span("risk.reference_stale_s", Nanos::SECOND),
            mark_is_last: fresh.mark_is_last,
            repeat_max: self.whole("risk.repeat_max"),
            repeat_window: self.span("risk.repeat_window_minutes", Nanos::MINUTE),
            drawdown_max: self.real("risk.drawdown_max"),
            unknown_alert: self.span("risk.unknown_alert_s", Nanos::SECOND),
            protections: self.protections(),
            learn: self.learn(),
        }
    }

    fn protections(&self) -> Protections {
        let minutes = |key| self.span(key, Nanos::MINUTE);
        Protections {
            cool_down: minutes("protections.cool_down_minutes"),
            stop_guard_stops: self.whole("protections.stop_guard_stops"),
            stop_guard_per_symbol: self.text("protections.stop_guard_scope") == "symbol",
            stop_guard_lookback: minutes("protections.stop_guard_lookback_minutes"),
            stop_guard_pause: minutes("protections.stop_guard_pause_minutes"),
            drawdown_trades: self.whole("protections.drawdown_trades"),
            drawdown_max: self.real("protections.drawdown_max"),
            drawdown_lookback: minutes("protections.drawdown_lookback_minutes"),
            drawdown_pause: minutes("protections.drawdown_pause_minutes"),
            low_profit_trades: self.whole("protections.low_profit_trades"),
            low_profit_min: self.real("protections.low_profit_min"),
            low_profit_lookback: minutes("protections.low_profit_lookback_minutes"),
            low_profit_pause: minutes("protections.low_profit_pause_minutes"),
        }
    }

    /// What detectors and teacher are told.
    pub fn learn(&self) -> learn::Config {
        learn::Config {
            rsi_period: self.whole("indicators.rsi_period"),
            atr_period: self.whole("indicators.atr_period"),
            ema_period: self.whole("indicators.ema_period"),
            swing_length: self.whole("teacher.swing_length"),
            displacement_atr: self.real("teacher.displacement_atr"),
            pool_tolerance_atr: self.real("teacher.pool_tolerance_atr"),
            sweep_window_minutes: self.whole("teacher.sweep_window_minutes"),
            retest_window_minutes: self.whole("teacher.retest_window_minutes"),
            stop_buffer_atr: self.real("teacher.stop_buffer_atr"),
            stop_min_atr: self.real("teacher.stop_min_atr"),
            stop_max_atr: self.real("teacher.stop_max_atr"),
            target_r: self.real("teacher.target_r"),
            target_r_min: self.real("teacher.target_r_min"),
            zones_max: self.whole("teacher.zones_max"),
            levels_max: self.whole("teacher.levels_max"),
            age_max_bars: self.whole("teacher.age_max_bars"),
            weights: learn::Weights {
                base: self.real("teacher.weight_base"),
                higher_timeframe: self.real("teacher.weight_higher_timeframe"),
                structure: self.real("teacher.weight_structure"),
                liquidity_sweep: self.real("teacher.weight_liquidity_sweep"),
                structure_shift: self.real("teacher.weight_structure_shift"),
                displacement: self.real("teacher.weight_displacement"),
                fair_value_gap: self.real("teacher.weight_fair_value_gap"),
                order_block: self.real("teacher.weight_order_block"),
                dealing_range: self.real("teacher.weight_dealing_range"),
                optimal_entry: self.real("teacher.weight_optimal_entry"),
                opposing_liquidity: self.real("teacher.weight_opposing_liquidity"),
                momentum: self.real("teacher.weight_momentum"),
                rsi: self.real("teacher.weight_rsi"),
                volume: self.real("teacher.weight_volume"),
                kill_zone: self.real("teacher.weight_kill_zone"),
            },
            worth: learn::Worth {
                bos: self.real("teacher.worth_bos"),
                choch: self.real("teacher.worth_choch"),
                sweep_5m: self.real("teacher.worth_sweep_5m"),
                sweep_15m: self.real("teacher.worth_sweep_15m"),
                asia: self.real("teacher.worth_asia"),
                london_open: self.real("teacher.worth_london_open"),
                new_york: self.real("teacher.worth_new_york"),
                london_close: self.real("teacher.worth_london_close"),
                no_kill_zone: self.real("teacher.worth_no_kill_zone"),
            },
        }
    }

    /// The simulated exchange's configuration.
    pub fn exchange(&self) -> ExchangeConfig {
        ExchangeConfig {
            seed: self.whole("sim.seed"),
            balance: self.text("sim.balance").parse().unwrap_or_default(),
            latency_min: self.span("sim.latency_min_ms", Nanos::MILLISECOND),
            latency_max: self.span("sim.latency_max_ms", Nanos::MILLISECOND),
            slippage_bps: self.real("sim.slippage_bps"),
            leverage_default: self.whole("sim.leverage_default"),
            orders_per_symbol: self.whole("sim.orders_per_symbol"),
        }
    }

    /// The journal's configuration; `auto` durability is resolved by the environment.
    pub fn journal(&self) -> journal::Config {
        let durability = match self.text("journal.durability") {
            "power" => journal::Durability::Power,
            "process" => journal::Durability::Process,
            _ if self.environment() == "development" => journal::Durability::Process,
            _ => journal::Durability::Power,
        };
        let segment_mb: u64 = self.whole("journal.segment_mb");
        let reserve_mb: u64 = self.whole("journal.reserve_mb");
        journal::Config {
            durability,
            segment_bytes: segment_mb << 20,
            reserve_bytes: reserve_mb << 20,
        }
    }

    /// Journal records between two snapshots; none at 0.
    pub fn snapshot_every(&self) -> u64 {
        self.whole("journal.snapshot_every")
    }

    /// How many days of the journal are kept whole; `None`: all.
    pub fn journal_retain_days(&self) -> Option<u32> {
        self.text("journal.retain").strip_suffix('d')?.parse().ok()
    }

    /// Which markets are generated when no data is given.
    pub fn market(&self) -> Market {
        Market {
            seed: self.whole("market.seed"),
            symbols: self.whole("market.symbols"),
            days: self.whole("market.days"),
            edge: self.real("market.edge"),
            books: self.flag("market.books"),
        }
    }

    /// Limits of the data firewall.
    pub fn firewall(&self) -> FirewallLimits {
        FirewallLimits {
            jump_factor: self.real("feed.jump_factor"),
            jump_window: self.span("feed.jump_window_minutes", Nanos::MINUTE),
        }
    }

    /// The way to an exchange on the wire.
    pub fn venue(&self) -> VenueSettings {
        VenueSettings {
            exchange_url: self.text("venue.exchange_url").to_owned(),
            stream_url: self.text("venue.stream_url").to_owned(),
            orders_by_socket: self.text("venue.order_transport") == "ws",
            recv_window_ms: self.whole("venue.recv_window_ms"),
            request_timeout: self.span("venue.request_timeout_ms", Nanos::MILLISECOND),
            foreign_ends_entries: self.text("venue.foreign") != "ignore",
            foreign_adopted: self.text("venue.foreign") == "adopt",
            adopt_stop: Rate::from_f64(self.real("venue.adopt_stop")).unwrap_or(Rate::ZERO),
            sweep: self.span("venue.sweep_s", Nanos::SECOND),
            unreachable_after: self.span("venue.unreachable_s", Nanos::SECOND),
            orders_max: [
                self.whole("venue.orders_per_second_max"),
                self.whole("venue.orders_per_minute_max"),
                self.whole("venue.orders_per_second_symbol_max"),
                self.whole("venue.orders_per_minute_symbol_max"),
            ],
            dead_man: self.span("venue.dead_man_s", Nanos::SECOND),
        }
    }

    /// Most symbols of the exchange's that are traded.
    pub fn universe_max(&self) -> usize {
        self.whole("universe.symbols_max")
    }

    /// How often the exchange's list of symbols is asked for again.
    pub fn universe_refresh(&self) -> Nanos {
        self.span("universe.refresh_minutes", Nanos::MINUTE)
    }

    /// Base address of the public archive.
    pub fn archive_url(&self) -> &str {
        self.text("data.archive_url")
    }

    /// Window in which live ticks of a symbol are conflated; zero is off.
    pub fn conflation(&self) -> Nanos {
        self.span("feed.conflation_ms", Nanos::MILLISECOND)
    }

    /// How often book and mark of a symbol reach the engine at most.
    pub fn quote_interval(&self) -> Nanos {
        self.span("engine.quote_interval_ms", Nanos::MILLISECOND)
    }

    /// `ERROR` to `TRACE`, and `text` or `json`.
    pub fn log(&self) -> (&str, &str) {
        (self.text("log.level"), self.text("log.format"))
    }

    /// Slots of the ring.
    pub fn ring_slots(&self) -> usize {
        self.whole("ring.slots")
    }

    /// `adaptive`, `spin` or `sleep`.
    pub fn ring_wait(&self) -> &str {
        self.text("ring.wait")
    }

    /// The database's address with its password; `None` for the SQLite file in the state folder.
    /// Print it through [`mask_url`](crate::mask_url) only.
    pub fn store_url(&self) -> Option<&str> {
        Some(self.text("store.url")).filter(|url| !url.is_empty())
    }

    /// Rows that wait while the database is away.
    pub fn store_backlog_rows(&self) -> usize {
        self.whole("store.backlog_rows")
    }

    /// Time that children have to stop.
    pub fn shutdown_timeout(&self) -> Nanos {
        self.span("node.shutdown_timeout_s", Nanos::SECOND)
    }

    /// Are positions closed at a normal stop?
    pub fn flatten_on_shutdown(&self) -> bool {
        self.text("shutdown.positions") == "flatten"
    }

    /// Exits in a row without progress that stop the system.
    pub fn crash_loop_exits(&self) -> u32 {
        self.whole("node.crash_loop_exits")
    }

    /// First wait before a restart without progress.
    pub fn restart_backoff(&self) -> Nanos {
        self.span("node.restart_backoff_ms", Nanos::MILLISECOND)
    }
}
