//! `aegis bench wire-to-wire`, as short as it gets: exchange, feed and brain start, orders flow
//! from frames to sockets under both strategies, and every figure that is promised is there.

use crate::harness::Place;

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
