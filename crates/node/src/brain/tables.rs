//! What of a brain can be full: in use, most ever in use, capacity.

use super::Brain;
use crate::bus::Class;
use serde_json::{Map, Value, json};

fn row(in_use: usize, high_water: usize, capacity: usize) -> Value {
    json!({ "in_use": in_use, "high_water": high_water, "capacity": capacity })
}

impl Brain {
    /// The engine's tables.
    pub(super) fn capacities(&self) -> Value {
        let rows = self.driver.engine().capacities();
        let object = rows.into_iter().map(|(name, in_use, high_water, capacity)| {
            (name.to_owned(), row(in_use, high_water, capacity))
        });
        Value::Object(object.collect())
    }

    /// Everything that waits somewhere; `rows` is what the database's lane has said of itself.
    pub(super) fn queues(&self, rows: &Value) -> Value {
        let mut queues = Map::new();
        for (class, in_use, high_water, capacity) in self.recorder.bus().queues() {
            let name = match class {
                Class::Lossless => "bus, lossless",
                Class::Conflated => "bus, conflated",
            };
            queues.insert(name.into(), row(in_use, high_water, capacity));
        }
        for (lane, in_use, high_water, capacity) in self.lanes.queues() {
            queues.insert(format!("lane {}", lane.name()), row(in_use, high_water, capacity));
        }
        for (name, in_use, high_water, capacity) in self.driver.capacities() {
            queues.insert(name.into(), row(in_use, high_water, capacity));
        }
        let lag = usize::try_from(self.lag_most).unwrap_or(usize::MAX);
        let slots = usize::try_from(self.slots).unwrap_or(usize::MAX);
        queues.insert("ring".into(), row(0, lag, slots));
        queues.insert("store backlog".into(), rows["backlog"].clone());
        Value::Object(queues)
    }
}
