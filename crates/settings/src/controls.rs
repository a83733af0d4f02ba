//! The table of controls: what keeps the house from hurting its owner, which setting moves it, what
//! it says when it acts, where it can be read, and the tests that hold it to its word.

use crate::table::TABLE;
use std::fmt::Write;

/// One control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRow {
    /// `C1` to `C14`, or what kind of protection it is.
    pub id: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The settings that move it; none where nothing may.
    pub settings: &'static [&'static str],
    /// Codes of denials, alerts and rejections.
    pub says: &'static [&'static str],
    /// Its name in `controls` of `aegis status --json`, or where else it is counted.
    pub metric: &'static str,
    /// Tests as `package path::of::test`.
    pub tests: &'static [&'static str],
}

/// Every control.
pub const CONTROL_TABLE: &[ControlRow] = &[
    ControlRow {
        id: "C1",
        what: "a single entry is worth at most so much, in USDT and against the equity, and at \
               most the exchange's largest quantity",
        settings: &["risk.order_notional_max", "risk.order_over_equity_max"],
        says: &["order_too_large", "above_maximum"],
        metric: "order_size",
        tests: &[
            "aegis-engine controls::order_notional_at_its_limit_passes_and_one_tick_more_does_not",
            "aegis-engine controls::order_quantity_at_its_limit_passes_and_one_step_more_does_not",
            "aegis-engine controls::order_size_is_looked_at_again_when_the_entry_leaves",
        ],
    },
    ControlRow {
        id: "C2",
        what: "the price that sized an entry, and the price that it would pay, are near mark and \
               last price; a mark, last price or book that is missing, old or crossed is a no. \
               Where a session declares that mark is last (markets made of candles), the last \
               price alone counts",
        settings: &["risk.price_collar", "risk.reference_stale_s"],
        says: &["price_collar", "no_reference", "crossed_book"],
        metric: "price_collar",
        tests: &[
            "aegis-engine controls::price_collar_at_its_limit_passes_and_one_tick_more_does_not",
            "aegis-engine controls::without_a_fresh_mark_and_book_nothing_is_entered",
            "aegis-engine controls::a_crossed_or_locked_book_is_no_reference",
            "aegis-engine controls::the_collar_is_asked_again_when_the_entry_leaves",
        ],
    },
    ControlRow {
        id: "C3",
        what: "orders that leave within a second and a minute are capped at the socket, of all \
               symbols and of each: an entry beyond is refused for good, what reduces may use \
               twice as much of a second and four times as much of a minute and then waits, \
               cancels are not counted. A tenth of the exchange's own limits is kept for exits",
        settings: &[
            "venue.orders_per_second_max",
            "venue.orders_per_minute_max",
            "venue.orders_per_second_symbol_max",
            "venue.orders_per_minute_symbol_max",
        ],
        says: &["order_rate"],
        metric: "venue.capped",
        tests: &[
            "aegis-venue client_gateway::a_burst_ten_times_the_cap_is_cut_and_exits_still_go",
            "aegis-venue client_machines::a_tenth_of_every_limit_is_kept_for_protection",
            "aegis-venue client_limits::alone_on_its_address_no_seed_is_ever_over_a_limit",
        ],
    },
    ControlRow {
        id: "C4",
        what: "a symbol is entered on one side at most so often within a window",
        settings: &["risk.repeat_max", "risk.repeat_window_minutes"],
        says: &["repeated"],
        metric: "repeats",
        tests: &["aegis-engine controls::entries_of_one_symbol_and_side_are_throttled"],
    },
    ControlRow {
        id: "C5",
        what: "open, in-flight and unknown positions together are at most so many",
        settings: &["portfolio.max_open_positions"],
        says: &[
            "already_in_position",
            "slots_full_not_stronger",
            "slots_full_not_in_profit",
            "slots_full_busy",
            "table_full",
        ],
        metric: "positions",
        tests: &[
            "aegis-engine controls::two_signals_of_one_instant_share_the_last_place",
            "aegis-engine scenarios::four_signals_of_one_instant_take_three_slots",
            "aegis-engine faults::an_unknown_entry_holds_its_slot_until_proven",
            "aegis-engine invariants::whatever_the_venue_does",
        ],
    },
    ControlRow {
        id: "C6",
        what: "leverage and total exposure are capped; an entry leaves only when the exchange has \
               confirmed the leverage that was asked for",
        settings: &["risk.max_leverage_teacher", "risk.max_leverage_student"],
        says: &["leverage_cap", "exposure_cap", "leverage_differs"],
        metric: "leverage, exposure",
        tests: &[
            "aegis-engine controls::leverage_that_the_venue_answers_otherwise_is_refused_and_told",
            "aegis-venue client_health::leverage_that_somebody_sets_ends_entries_until_set_again",
            "aegis-engine faults::another_leverage_than_asked_for_is_no_entry",
            "aegis-engine faults::leverage_stays_under_the_cap_after_slippage",
            "aegis-engine denials::every_code_has_a_story_that_produces_it",
        ],
    },
    ControlRow {
        id: "C7",
        what: "a UTC day's loss ends entries for the day; a fall from the highest equity ends them \
               until the operator resumes. Both hold over restarts and new sessions. A withdrawal \
               looks like a loss: resume after one",
        settings: &["risk.daily_loss_max", "risk.drawdown_max"],
        says: &["daily_loss", "drawdown"],
        metric: "daily_loss, drawdown",
        tests: &[
            "aegis-engine controls::drawdown_halts_at_its_limit_until_the_operator_resumes",
            "aegis-engine controls::the_next_session_keeps_the_limits_on_losses",
            "aegis-engine losses::tests::the_day_limit_latches_until_midnight",
        ],
    },
    ControlRow {
        id: "C8",
        what: "the kill switch, by file, by signal and by socket, with keys and connections of its \
               own: no new orders, entries taken back, positions closed if asked for; stops stand \
               until flat. It does not need the brain, and a halt or flatten that the brain does \
               not answer becomes it",
        settings: &["node.escalate_after_s", "node.crash_loop"],
        says: &["kill_switch", "kill_switch_gone"],
        metric: "killing",
        tests: &[
            "aegis kill::by_file",
            "aegis kill::by_file_with_flatten",
            "aegis kill::by_signal_with_flatten",
            "aegis kill::by_socket_with_flatten",
            "aegis kill::a_flatten_that_the_brain_does_not_answer_becomes_the_kill_switch",
            "aegis kill::a_crash_loop_closes_positions_where_that_is_set",
            "aegis-node emergency::entries_are_taken_back_and_what_protects_or_is_foreign_stays",
            "aegis-node emergency::flatten_closes_every_position_and_then_takes_back_the_stops",
            "aegis-node emergency::whatever_is_lost_it_ends_flat_and_sends_nothing_twice",
        ],
    },
    ControlRow {
        id: "C9",
        what: "ACTIVE, REDUCING, HALTED: in the last two no entry leaves; reducing orders and \
               cancels leave in every state. REDUCING holds while any cause is on: user stream, \
               clock, connection, foreign orders or positions, mismatch, storage, an alert that \
               nobody acknowledges, leverage, operator, daily loss, drawdown",
        settings: &["venue.unreachable_s", "venue.foreign", "alerts.escalate_after_s"],
        says: &["reducing", "paused", "halted"],
        metric: "trading_state",
        tests: &[
            "aegis-engine invariants::reducing_takes_away_entries_and_nothing_else",
            "aegis-engine invariants::whatever_the_venue_does",
            "aegis-engine controls::every_condition_stops_entries_while_it_is_on",
            "aegis-engine controls::an_entry_that_waits_does_not_leave_in_reducing",
            "aegis-engine controls::positions_are_managed_on_in_reducing",
        ],
    },
    ControlRow {
        id: "C10",
        what: "the exchange's own countdown cancels limit orders of a symbol when this program no \
               longer speaks; conditional orders, and so the stops, are spared by the simulated \
               exchange, and nobody has documented it of the real one: off unless asked for. It \
               refuses nothing; of an order that it has ended the engine hears `canceled`",
        settings: &["venue.dead_man_s"],
        says: &[],
        metric: "venue.requests",
        tests: &["aegis-venue client_sweep::entries_do_not_outlive_the_program_and_stops_do"],
    },
    ControlRow {
        id: "C11",
        what: "behind the signer each request is read back from its bytes, by code of its own, and \
               held against the commands: never another symbol, side, type or price, never more \
               than approved less what has left, never a second time without proof. No setting \
               moves it",
        settings: &[],
        says: &["gateway"],
        metric: "venue.stopped",
        tests: &[
            "aegis-venue client_gateway::what_the_builder_gets_wrong_is_stopped_counted_and_told",
            "aegis-venue client_gateway::frames_of_the_socket_are_read_back_too",
            "aegis-venue client_gateway::a_second_sending_needs_proof_of_the_first_refusal",
            "aegis-venue client_gateway::settings_and_cancels_are_held_against_the_session",
            "aegis-venue client_torture::belief_is_truth_after_long_trouble",
        ],
    },
    ControlRow {
        id: "C12",
        what: "which program runs is known: hash of its file, of its settings and of their table, \
               in banner, status and journal; another one than expected does not start, feed and \
               brain are the orchestrator's own program. Real orders need all of: the flag, the \
               setting, the environment, a key that cannot move money out",
        settings: &["deploy.expect_build", "live", "environment"],
        says: &["build_differs", "config_edited"],
        metric: "build",
        tests: &[
            "aegis watch::only_the_expected_program_starts",
            "aegis watch::a_program_that_is_replaced_goes_on_as_it_was_and_says_so",
            "aegis security::real_orders_are_refused_to_a_key_that_moves_money_out",
            "aegis-node identity::tests::a_child_of_another_program_refuses",
            "aegis-node arming::tests::keys_stay_where_they_belong",
        ],
    },
    ControlRow {
        id: "C13",
        what: "one engine for one account: a lock of the folder and one of the account on a \
               machine refuse a second start with the first one's pid and folder; from another \
               machine it is seen by its orders and positions",
        settings: &["venue.foreign"],
        says: &["foreign"],
        metric: "causes",
        tests: &[
            "aegis watch::one_account_has_one_engine_whatever_its_folder",
            "aegis operate::a_second_instance_on_one_folder_is_refused",
            "aegis-node claim::tests::one_key_at_one_exchange_has_one_engine",
            "aegis-venue client_health::what_is_on_the_account_at_the_start_is_found",
        ],
    },
    ControlRow {
        id: "C14",
        what: "an alert that must be acknowledged and is not for so long ends entries (REDUCING), \
               also one of an earlier session, until somebody does",
        settings: &["alerts.escalate_after_s"],
        says: &["reducing"],
        metric: "alerts_open",
        tests: &[
            "aegis watch::an_alert_that_nobody_acknowledges_stops_entries_until_somebody_does",
            "aegis-node alerts::tests::an_alert_waits_until_it_is_acknowledged_whoever_reads_it",
            "aegis-engine controls::every_condition_stops_entries_while_it_is_on",
        ],
    },
    ControlRow {
        id: "data",
        what: "a symbol whose newest data is old, or has a hole, is not entered",
        settings: &["engine.stale_after_s"],
        says: &["stale_data", "tainted_data"],
        metric: "stale_data",
        tests: &[
            "aegis-engine denials::numbers_are_the_measured_and_the_allowed",
            "aegis-engine faults::a_gap_tick_stops_entries_until_an_hour_is_whole",
        ],
    },
    ControlRow {
        id: "stop",
        what: "a filled quantity has an acknowledged stop within the deadline, or is closed; a \
               close that is refused goes again within half a second while nothing protects",
        settings: &["engine.stop_deadline_ms"],
        says: &["unprotected", "flatten_refused"],
        metric: "stop_deadline",
        tests: &[
            "aegis-engine deadline::stop_deadline_holds_in_ten_thousand_entries",
            "aegis-engine faults::a_missed_deadline_is_told",
            "aegis-engine faults::a_refused_flatten_goes_again_within_half_a_second",
            "aegis-engine faults::partial_fills_are_protected_by_what_is_held",
            "aegis-engine faults::refused_stops_are_tried_three_times_then_the_position_is_left",
            "aegis-engine faults::a_stop_behind_the_price_leaves_without_another_try",
            "aegis-engine scenarios::target_closes_the_trade_and_cancels_the_stop",
        ],
    },
    ControlRow {
        id: "foreign",
        what: "orders and positions on the account that are not ours, found at the start and \
               later, are left alone, told, and end entries while there are any (C13 keeps a \
               second engine away on one machine; this is what sees it from another). With \
               `adopt` a position in a symbol of the session is taken over: journalled, protected \
               at once, in a slot of its own, closed as any other",
        settings: &["venue.foreign", "venue.adopt_stop"],
        says: &["foreign", "adopted"],
        metric: "venue.foreign",
        tests: &[
            "aegis foreign::a_position_by_hand_is_taken_over_protected_and_closed",
            "aegis-venue client_foreign::a_position_by_hand_is_taken_over_while_it_runs",
            "aegis-venue client_foreign::a_session_that_sent_orders_looks_before_it_takes_over",
            "aegis-engine outside::what_is_taken_over_is_protected_at_once",
            "aegis-engine outside::the_same_inputs_take_over_the_same",
            "aegis-venue client_health::an_order_of_somebody_else_ends_entries_and_is_left_alone",
            "aegis-venue client_health::a_position_of_somebody_else_ends_entries_until_it_is_gone",
            "aegis-venue client_health::what_is_on_the_account_at_the_start_is_found",
        ],
    },
    ControlRow {
        id: "earlier",
        what: "orders that an earlier session of this program left on the account are known by \
               their ids: those that protect something stay, and its position is told as that \
               session's; those that protect nothing are cancelled",
        settings: &[],
        says: &["foreign"],
        metric: "venue.foreign",
        tests: &[
            "aegis foreign::a_new_session_knows_what_an_earlier_one_left",
            "aegis-venue client_foreign::leftovers_on_a_flat_account_are_cancelled",
            "aegis-venue client_foreign::an_earlier_sessions_position_is_told_and_kept",
            "aegis-venue client_foreign::a_leftover_that_cannot_be_cancelled_ends_entries",
        ],
    },
    ControlRow {
        id: "filters",
        what: "filters that the exchange changes are told to the engine with the first order that \
               they refuse, and at a start: sizes and prices obey them from then on, and no order \
               is sent again and again. A rest that no order may carry is told once and holds no \
               slot; its symbol waits until somebody has closed it by hand",
        settings: &[],
        says: &["filters_changed", "dust", "below_minimum"],
        metric: "alerts",
        tests: &[
            "aegis-venue client_filters::changed_filters_are_told_with_the_first_refusal",
            "aegis-venue client_filters::other_filters_are_told_at_the_start",
            "aegis-venue client_filters::a_least_notional_that_was_raised_is_told",
            "aegis-engine outside::entries_are_sized_by_the_filters_that_hold_now",
            "aegis-engine outside::a_rest_too_small_for_an_order_is_told_once_and_holds_no_slot",
            "aegis-engine outside::a_close_that_left_a_rest_ends_there",
        ],
    },
    ControlRow {
        id: "sweep",
        what: "the stop of every position is confirmed by the exchange at the start, behind each \
               silence and now and then; one that is gone for sure is placed anew",
        settings: &["venue.sweep_s"],
        says: &["mismatch"],
        metric: "venue.protection_age_ms",
        tests: &[
            "aegis-venue client_sweep::the_age_of_the_last_confirmation_stays_below_the_sweep",
            "aegis-venue client_sweep::a_stop_that_was_taken_back_unheard_is_told_within_a_sweep",
            "aegis-venue client_sweep::a_restart_and_a_reconnect_confirm_the_stop_at_once",
            "aegis-venue client_sweep::a_stop_that_cannot_be_found_is_still_believed",
        ],
    },
    ControlRow {
        id: "way",
        what: "no entry leaves while the way to the exchange is not sound: user stream, clock, \
               reach",
        settings: &["venue.unreachable_s"],
        says: &["user_stream", "clock", "connection"],
        metric: "venue.conditions",
        tests: &[
            "aegis-venue client_health::a_dead_user_stream_is_told_and_its_return_too",
            "aegis-venue client_health::a_clock_that_is_off_ends_entries_until_it_is_right",
            "aegis-venue client_health::an_exchange_out_of_reach_is_told_after_five_seconds",
        ],
    },
    ControlRow {
        id: "others",
        what: "what liquidation, ADL and orders by hand make of a position is believed and told; \
               its stop follows. A liquidated symbol rests for a day",
        settings: &[],
        says: &["liquidation", "adl", "foreign_close", "cool_down"],
        metric: "alerts",
        tests: &[
            "aegis-engine faults::a_position_that_is_reduced_by_others_keeps_a_stop_of_its_size",
            "aegis-engine faults::a_position_that_is_closed_by_others_is_over_with_its_orders",
            "aegis-engine faults::a_position_that_is_enlarged_by_others_gets_a_larger_stop",
            "aegis-engine faults::a_liquidated_symbol_rests_for_a_day",
        ],
    },
    ControlRow {
        id: "unknown",
        what: "an order whose outcome is unknown keeps its place until proven, and is told of when \
               that takes long",
        settings: &["risk.unknown_alert_s"],
        says: &["outcome_unknown"],
        metric: "unknown_orders",
        tests: &[
            "aegis-engine faults::an_outcome_that_stays_unknown_is_told",
            "aegis-engine faults::an_unknown_entry_lets_nobody_be_rotated_out",
        ],
    },
    ControlRow {
        id: "cool-down",
        what: "a symbol rests after an order that failed, and after each closed trade if told to",
        settings: &["risk.cool_down_s", "protections.cool_down_minutes"],
        says: &["cool_down"],
        metric: "cool_down",
        tests: &["aegis-engine controls::a_symbol_cools_down_after_each_trade_if_told_to"],
    },
    ControlRow {
        id: "stoploss guard",
        what: "so many positions stopped out with a loss pause entries, over all or by symbol",
        settings: &[
            "protections.stop_guard_stops",
            "protections.stop_guard_scope",
            "protections.stop_guard_lookback_minutes",
            "protections.stop_guard_pause_minutes",
        ],
        says: &["stop_guard"],
        metric: "stop_guard",
        tests: &["aegis-engine controls::the_stop_guard_pauses_at_its_number_of_stops"],
    },
    ControlRow {
        id: "max drawdown",
        what: "a fall of the sum of the last trades pauses entries; unlike C7 it ends by itself",
        settings: &[
            "protections.drawdown_trades",
            "protections.drawdown_max",
            "protections.drawdown_lookback_minutes",
            "protections.drawdown_pause_minutes",
        ],
        says: &["recent_drawdown"],
        metric: "recent_drawdown",
        tests: &["aegis-engine controls::a_fall_of_the_last_trades_pauses_entries"],
    },
    ControlRow {
        id: "low profit",
        what: "a symbol whose last trades earned too little is paused",
        settings: &[
            "protections.low_profit_trades",
            "protections.low_profit_min",
            "protections.low_profit_lookback_minutes",
            "protections.low_profit_pause_minutes",
        ],
        says: &["low_profit"],
        metric: "low_profit",
        tests: &["aegis-engine controls::a_symbol_that_earns_too_little_is_paused"],
    },
];

/// `docs/controls.md`: the table for people.
pub fn controls_markdown() -> String {
    let mut out = String::from(
        "# Controls\n\n\
         What keeps AEGIS from hurting its owner. Each control has a setting with a default, a\n\
         code that it says when it acts (denials: [denials.md](denials.md); alerts:\n\
         [operator.md](operator.md#alerts)), and tests at its limit. `aegis status --json` has\n\
         `controls`: by name `used`, `high_water`, `limit` and `refused`.\n\n\
         Made from the table in `crates/settings/src/controls.rs`; a test keeps it so and sees\n\
         that every setting, code and test named here exists.\n\n\
         | control | what it does | settings (default) | says | read at | tests |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in CONTROL_TABLE {
        let settings = joined(row.settings, |key| {
            let default = TABLE.iter().find(|r| r.key == key).map_or("", |r| r.default);
            format!("`{key}` ({default})")
        });
        let says = joined(row.says, |code| format!("`{code}`"));
        let tests = joined(row.tests, |test| format!("`{test}`"));
        let ControlRow { id, what, metric, .. } = row;
        let _ = writeln!(out, "| {id} | {what} | {settings} | {says} | `{metric}` | {tests} |");
    }
    out
}

fn joined(items: &[&str], text: impl Fn(&str) -> String) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(|item| text(item)).collect::<Vec<_>>().join(", ")
}
