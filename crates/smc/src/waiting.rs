//! Zones that wait for price to come down to them.

use crate::age::Age;
use crate::bounded::Bounded;
use crate::zone::{Zone, ZoneState};
use serde::{Deserialize, Serialize};

/// Zones alive, oldest first, with the two numbers that tell whether a bar changes any of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    zones: Bounded<Zone>,
    /// The highest edge whose touch changes anything.
    trigger: f64,
    age: Age,
}

/// What a bar did to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It touched the near edge for the first time.
    Touched,
    /// It went through the far edge; the zone is gone.
    Broken,
}

impl Waiting {
    /// None yet.
    pub fn new(capacity: u32, age_max: u32) -> Self {
        let zones = Bounded::new(capacity);
        Self { zones, trigger: f64::NEG_INFINITY, age: Age::new(age_max) }
    }

    /// Zones alive, oldest first.
    pub fn zones(&self) -> &Bounded<Zone> {
        &self.zones
    }

    /// One more, the newest.
    pub fn add(&mut self, zone: Zone) {
        self.zones.push(zone);
        self.trigger = self.trigger.max(zone.next_edge());
    }

    /// Bar `at` came down to `low`, its price `through` for the far edges: tells each zone that it
    /// touches for the first time, then whether it breaks it.
    #[inline]
    pub fn push(&mut self, at: u32, low: f64, through: f64, found: impl FnMut(Found, &Zone)) {
        if self.age.is_due(at) {
            while self.age.too_old(at, self.zones.first().map(|zone| zone.formed)) {
                self.zones.remove_first();
            }
        }
        if low <= self.trigger {
            self.touch(low, through, found);
        }
    }

    fn touch(&mut self, low: f64, through: f64, mut found: impl FnMut(Found, &Zone)) {
        let mut trigger = f64::NEG_INFINITY;
        self.zones.retain(|zone| {
            if low <= zone.next_edge() {
                if zone.state == ZoneState::Fresh {
                    zone.state = ZoneState::Touched;
                    found(Found::Touched, zone);
                }
                if through < zone.far {
                    found(Found::Broken, zone);
                    return false;
                }
            }
            trigger = trigger.max(zone.next_edge());
            true
        });
        self.trigger = trigger;
    }
}
