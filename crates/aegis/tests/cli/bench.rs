//! `aegis bench wire-to-wire`, as short as it gets: exchange, feed and brain start, orders flow
//! from frames to sockets under both strategies, and every figure that is promised is there. The
//! same for `aegis bench kill-switch`: the busy brain's analysis lane is truly full.

use crate::harness::{Place, text};

#[test]
fn orders_flow_from_wire_to_wire_under_both_strategies() {
    let place = Place::new("wire-to-wire");
    let object = place.json(&["bench", "wire-to-wire", "--json", "--seconds", "0.01"]);
    assert_eq!(object["bench"], "wire-to-wire");
    for key in ["machine", "commit", "date"] {
        assert!(object[key].is_string(), "{key}");
    }
    for key in ["seed", "frames_per_second", "floor_p50_us", "floor_adaptive_p50_us"] {
        assert!(object[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {object}");
    }
    assert_eq!(object["durability"], "process");
    assert!(object["samples"].as_u64().is_some_and(|samples| samples > 0), "{object}");
    for strategy in ["spin", "adaptive"] {
        let of = |key: &str| object[format!("{strategy}_{key}")].as_f64().unwrap_or(f64::NAN);
        assert!(of("p50_us") > 0.0 && of("p50_us") <= of("p99_us"), "{strategy}: {object}");
        assert!(of("samples") >= 1.0, "{strategy}: {object}");
        // What the peer sees begins before what the node sees, and ends after it.
        assert!(of("peer_to_peer_p50_us") > 0.0, "{strategy}: {object}");
        assert!(of("peer_to_peer_over_floor") > 0.0, "{strategy}: {object}");
        let orders = &object[format!("{strategy}_orders")];
        assert!(orders["filled"].as_u64().is_some_and(|filled| filled > 0), "{orders}");
        assert_eq!(orders["unknown"], 0, "{orders}");
    }
}

#[test]
fn the_kill_switch_is_measured_beside_a_full_analysis_lane() {
    let place = Place::new("kill-switch");
    let object = place.json(&["bench", "kill-switch", "--json", "--rounds", "1"]);
    assert_eq!(object["samples"], 9, "three brains, three ways: {object}");
    for brain in ["running", "stopped", "busy", "all"] {
        let ms = object[format!("{brain}_p99_ms")].as_f64();
        assert!(ms.is_some_and(|ms| ms > 0.0), "{brain}: {object}");
    }
    let ready = object["busy_lane_ready"].as_f64();
    assert!(ready.is_some_and(|share| share > 0.0 && share <= 1.0), "{object}");
    assert!(object["busy_lane_ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{object}");
}

#[test]
fn the_lane_is_filled_only_where_orders_go_to_an_exchange_of_this_machine() {
    let place = Place::new("no-burden");
    let demo = ["demo", "--headless", "--json", "--days", "1"];
    let digest = place.json(&demo)["digest"].clone();
    let mut command = place.aegis(&demo);
    let output = command.env("AEGIS_BENCH_ANALYSIS", "1").env("LOG_LEVEL", "WARN").output();
    let output = output.expect("the program starts");
    assert!(text(&output.stderr).contains("does nothing here"), "{}", text(&output.stderr));
    assert_eq!(crate::harness::last_json(&output)["digest"], digest);
}
