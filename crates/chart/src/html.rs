//! The picture as one HTML file that needs nothing else.

use crate::options::{Layer, Options, Theme};
use crate::svg;
use crate::text;
use aegis_smc::Event;
use aegis_types::Bar;
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
const DARK: &str = "body{background:#131722;color:#d5dae5}\n#read{background:#131722cc}\n";

/// A picture as one HTML file: zoom with the wheel, pan by dragging, switches for the layers, a
/// crosshair with the bar's numbers. No script, font or image from elsewhere; without scripts it is
/// still the picture. Arguments as in [`crate::render_svg`]; bars before the window are in it
/// too, up to [`Options::bars_max`].
pub fn render_html(bars: &[Bar], events: &[Event], options: &Options) -> String {
    let (svg, scale) = svg::picture(bars, events, options, true);
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n");
    out.push_str("<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    let (scheme, dark) = match options.theme {
        Theme::Auto => ("light dark", format!("@media (prefers-color-scheme:dark){{\n{DARK}}}\n")),
        Theme::Light => ("light", String::new()),
        Theme::Dark => ("dark", String::from(DARK)),
    };
    let _ = write!(out, "<meta name=\"color-scheme\" content=\"{scheme}\">\n<title>");
    text::escaped(&mut out, if options.title.is_empty() { "Chart" } else { &options.title });
    let _ = write!(out, "</title>\n<style>\n{STYLE}{dark}</style>\n</head>\n<body>\n<main>\n{svg}");
    out.push_str("<output id=\"read\" aria-live=\"off\"></output>\n</main>\n");
    out.push_str("<form id=\"layers\" aria-label=\"Layers\">\n");
    for &layer in Layer::ALL.iter().filter(|layer| options.layers.has(**layer)) {
        let (code, title) = (layer.code(), layer.title());
        let on = if options.quiet.has(layer) { "" } else { " checked" };
        let _ =
            writeln!(out, "<label><input type=\"checkbox\" name=\"{code}\"{on}> {title}</label>");
    }
    out.push_str("</form>\n<script type=\"application/json\" id=\"data\">");
    data(&mut out, bars, &scale);
    let _ = write!(out, "</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

/// The scale, and of every bar drawn its time in milliseconds, open, high, low, close and volume.
fn data(out: &mut String, bars: &[Bar], scale: &crate::scale::Scale) {
    let numbers = [
        ("width", scale.width),
        ("height", scale.height),
        ("top", scale.top),
        ("bottom", scale.bottom),
        ("step", scale.step),
        ("from", f64::from(scale.from)),
        ("to", f64::from(scale.to)),
        ("first", f64::from(scale.first)),
        ("low", scale.low),
        ("high", scale.high),
    ];
    out.push('{');
    for (name, number) in numbers {
        let _ = write!(out, "\"{name}\":{},", text::exact(number));
    }
    out.push_str("\"bars\":[");
    for (n, bar) in bars[scale.first as usize..scale.to as usize].iter().enumerate() {
        let between = if n == 0 { "" } else { "," };
        let _ = write!(out, "{between}\n[{}", bar.time().as_millis());
        for number in [bar.open(), bar.high(), bar.low(), bar.close(), bar.volume()] {
            let _ = write!(out, ",{}", text::exact(number));
        }
        out.push(']');
    }
    out.push_str("]}");
}
