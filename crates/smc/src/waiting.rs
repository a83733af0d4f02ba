//! Zones that wait for price to come down to them.

use crate::bounded::Bounded;
use crate::zone::{Zone, ZoneState};

/// Zones alive, oldest first, with the two numbers that tell whether a bar changes any of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiting {
    zones: Bounded<Zone>,
    age_max: u32,
    /// The highest edge whose touch changes anything.
    trigger: f64,
    /// The bar at which the oldest is too old.
    expires: u32,
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
        Self { zones, age_max, trigger: f64::NEG_INFINITY, expires: u32::MAX }
    }

    /// Zones alive, oldest first.
    pub const fn zones(&self) -> &Bounded<Zone> {
        &self.zones
    }

    /// One more, the newest.
    pub fn add(&mut self, zone: Zone) {
        self.zones.push(zone);
        self.trigger = self.trigger.max(zone.next_edge());
        self.date();
    }

    fn date(&mut self) {
        let oldest = self.zones.first();
        self.expires = oldest
            .map_or(u32::MAX, |zone| zone.formed.saturating_add(self.age_max).saturating_add(1));
    }

    /// Bar `at` came down to `low`, its price `through` for the far edges: tells each zone that it
    /// touches for the first time, then whether it breaks it.
    #[inline]
    pub fn push(&mut self, at: u32, low: f64, through: f64, found: impl FnMut(Found, &Zone)) {
        if at >= self.expires {
            self.forget(at);
        }
        if low <= self.trigger {
            self.touch(low, through, found);
        }
    }

    #[cold]
    fn forget(&mut self, at: u32) {
        while self.zones.first().is_some_and(|zone| at - zone.formed > self.age_max) {
            self.zones.remove_first();
        }
        self.date();
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
        self.date();
    }
}
