//! What to draw, and how large.

use alloc::string::String;

macro_rules! layers {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $title:literal;)*) => {
        /// A group of marks that can be switched off; its code is the class of its shapes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Layer { $($(#[$doc])* $variant,)* }

        impl Layer {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable code, and the class in the picture.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Name for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

layers! {
    /// The volume strip.
    Volume = "volume", "Volume";
    /// Swing points with HH, HL, LH, LL; strong and weak highs and lows.
    Swings = "swings", "Swings";
    /// BOS, CHoCH and MSS of the swings.
    Structure = "structure", "Structure";
    /// Points and structure of the internal tracker.
    Internal = "internal", "Internal";
    /// Displacement candles.
    Displacement = "displacement", "Displacement";
    /// Fair value gaps and inverse gaps.
    Gaps = "gaps", "Fair value gaps";
    /// Volume imbalances and balanced price ranges.
    Imbalances = "imbalances", "Imbalances";
    /// Order blocks, breakers, mitigation blocks.
    Blocks = "blocks", "Order blocks";
    /// LuxAlgo-style order blocks.
    Lux = "lux", "Blocks (Lux)";
    /// Equal highs and lows, pools, sweeps, runs, turtle soup.
    Liquidity = "liquidity", "Liquidity";
    /// Premium, discount, equilibrium, OTE, retracements.
    Range = "range", "Premium/discount";
    /// Sessions and kill zones.
    Sessions = "sessions", "Sessions";
    /// Highs and lows of the previous day, week and month.
    Periods = "periods", "Day/week/month";
    /// Asian range, Power of 3, Judas swing, midnight open, daily bias.
    Models = "models", "Day models";
    /// Opening gaps.
    OpeningGaps = "opening-gaps", "Opening gaps";
    /// Divergences between two symbols.
    Smt = "smt", "SMT";
}

/// A set of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers(u32);

impl Layers {
    /// Every layer.
    pub const ALL: Self = Self(u32::MAX);
    /// Candles only.
    pub const NONE: Self = Self(0);

    /// These layers.
    pub const fn of(layers: &[Layer]) -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < layers.len() {
            set = set.with(layers[at]);
            at += 1;
        }
        set
    }

    /// The same with one more.
    pub const fn with(self, layer: Layer) -> Self {
        Self(self.0 | 1 << layer as u8)
    }

    /// The same without one.
    pub const fn without(self, layer: Layer) -> Self {
        Self(self.0 & !(1 << layer as u8))
    }

    /// Whether it is in.
    pub const fn has(self, layer: Layer) -> bool {
        self.0 >> layer as u8 & 1 == 1
    }
}

/// Light or dark paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the viewer prefers (`prefers-color-scheme`); light where the viewer cannot tell.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What to draw. Plain values; those that make no sense are moved to the nearest that do.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Any text; written over the picture and as its accessible title.
    pub title: String,
    /// First bar shown; none: [`Options::bars`] before the end.
    pub from: Option<u32>,
    /// First bar not shown any more; none: the end.
    pub to: Option<u32>,
    /// How many bars are shown where `from` is none.
    pub bars: u32,
    /// Most bars in an HTML file, of which the shown ones are the last; the rest is there to be
    /// panned to.
    pub bars_max: u32,
    /// Pixels, 160 to 8192.
    pub width: u32,
    /// Pixels, 120 to 8192.
    pub height: u32,
    /// What is drawn on the candles.
    pub layers: Layers,
    /// Layers that would crowd the rest: left out of an SVG, switched off at first in an HTML file.
    pub quiet: Layers,
    /// Most labels on the candles; the most important ones stay.
    pub labels_max: u32,
    /// Paper.
    pub theme: Theme,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: String::new(),
            from: None,
            to: None,
            bars: 180,
            bars_max: 3000,
            width: 1280,
            height: 720,
            layers: Layers::ALL,
            // The same blocks by another definition.
            quiet: Layers::of(&[Layer::Lux]),
            labels_max: 120,
            theme: Theme::Auto,
        }
    }
}

impl Options {
    /// A small picture of the chosen layers, as documents show one concept: 640 × 320, 80 bars, at
    /// most 24 labels.
    pub fn small(layers: &[Layer]) -> Self {
        Self {
            bars: 80,
            width: 640,
            height: 320,
            layers: Layers::of(layers),
            quiet: Layers::NONE,
            labels_max: 24,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_in_a_set_or_not() {
        let set = Layers::of(&[Layer::Gaps, Layer::Smt]);
        for &layer in Layer::ALL {
            assert!(Layers::ALL.has(layer) && !Layers::NONE.has(layer), "{}", layer.code());
            assert_eq!(set.has(layer), matches!(layer, Layer::Gaps | Layer::Smt));
            assert!(!set.without(layer).has(layer) && set.with(layer).has(layer));
        }
    }
}
