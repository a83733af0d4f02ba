//! Pictures of candles with market structure: bars and events in, SVG or one HTML file out.
//!
//! A picture is a fold over the same events that decisions are made on, never a second reading of
//! the bars: what is not in the events is not in the picture. A zone is drawn from the bar that it
//! is about, since that is where a trader looks for it, and ends where an event ended it; only a
//! zone that its detector forgot by age, of which no event tells, ends at the close that went
//! through it. The same input gives the same bytes.
//!
//! ```text
//! bars   ─> candles, volume, axes ─┐
//!                                  ├─> Canvas: planes of shapes, labels ─> SVG ─> HTML
//! events ─> zones, swings, levels ─┘   (labels give way to more important ones)
//! ```
#![no_std]

extern crate alloc;

mod axis;
mod candles;
mod canvas;
mod clock;
mod html;
mod label;
mod liquidity;
mod options;
mod range;
mod scale;
mod style;
mod svg;
mod swings;
mod text;
mod zones;

pub use html::render_html;
pub use options::{Layer, Layers, Options, Theme};
pub use svg::render_svg;
