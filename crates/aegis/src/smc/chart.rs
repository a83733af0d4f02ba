//! A picture of the live events.

use super::live;
use crate::args;
use crate::output;
use crate::table::Stop;
use aegis_chart::{Layer, Layers, Options, Theme, render_html, render_svg};
use aegis_data::parse_time;
use aegis_node::Failure;
use aegis_smc::Event;
use aegis_types::Bar;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Draws the file and says where the picture is.
pub fn draw(args: &args::Smc) -> Result<(), Stop> {
    let Some(path) = args.chart.chart.as_deref() else { return Ok(()) };
    let render = match path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()) {
        Some(e) if e == "html" || e == "htm" => render_html,
        Some(e) if e == "svg" => render_svg,
        _ => {
            return Err(Failure::usage(
                format!("--chart {}: what to write is not clear", path.display()),
                "end the file's name with .html or .svg",
            )
            .into());
        }
    };
    let mut options = options(&args.chart)?;
    options.title = match args.file.file_name() {
        Some(name) if name != "-" => name.to_string_lossy().into_owned(),
        _ => "Candles".to_owned(),
    };
    let (mut bars, mut events) = (Vec::new(), Vec::new());
    live::read(args, |bar, told, _| {
        bars.push(*bar);
        // A swing of the second file has no place on these candles.
        let own = told.iter().filter(|(which, _)| *which != Some(aegis_smc::Which::Second));
        events.extend(own.map(|(_, event)| *event));
        Ok(())
    })?;
    let place = |flag, text: &Option<String>| {
        text.as_deref().map(|text| bar_at(&bars, flag, text)).transpose()
    };
    (options.from, options.to) =
        (place("--from", &args.chart.from)?, place("--to", &args.chart.to)?);
    if let (Some(last), Some(to)) = (args.chart.last, options.to) {
        options.from = Some(to.saturating_sub(last));
    }
    let end = options.to.unwrap_or(u32::MAX).min(bars.len() as u32);
    if options.from.unwrap_or(0) >= end {
        return Err(Failure::usage(
            format!("--from and --to leave none of the {} bars", bars.len()),
            "name bars from 0, or times that the file holds, the earlier with --from",
        )
        .into());
    }
    let counts = (bars.len(), events.len());
    leave_out_the_old(&mut bars, &mut events, &mut options);
    write(path, &render(&bars, &events, &options))?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    output::line(json!({ "chart": path, "bars": counts.0, "events": counts.1 }))?;
    Ok(())
}

/// Bars kept before the first one of the picture: no zone or level lives as long.
const BEFORE: u32 = 20_000;

/// Drops what is so old that nothing of it can be seen: drawing takes longer the more there is.
fn leave_out_the_old(bars: &mut Vec<Bar>, events: &mut Vec<Event>, options: &mut Options) {
    let to = options.to.unwrap_or(u32::MAX).min(bars.len() as u32);
    let from = options.from.unwrap_or(to.saturating_sub(options.bars));
    let start = from.saturating_sub(options.bars_max.saturating_add(BEFORE));
    bars.drain(..start as usize);
    events.retain_mut(|event| {
        let kept = event.pos >= start;
        (event.at, event.pos) = (event.at.saturating_sub(start), event.pos.saturating_sub(start));
        kept
    });
    options.from = options.from.map(|from| from - start);
    options.to = options.to.map(|to| to.saturating_sub(start));
}

fn options(args: &args::Chart) -> Result<Options, Failure> {
    let layers = layers(&args.layers)?;
    let mut options = if args.small { Options::small(&[]) } else { Options::default() };
    options.layers = layers;
    if let Some((width, height)) = args.size {
        (options.width, options.height) = (width, height);
    }
    if let Some(last) = args.last {
        options.bars = last;
    }
    options.theme = match args.theme.as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::Auto,
    };
    Ok(options)
}

fn layers(names: &[String]) -> Result<Layers, Failure> {
    if names.is_empty() {
        return Ok(Layers::ALL);
    }
    let mut layers = Layers::NONE;
    for name in names {
        let name = name.replace('_', "-");
        let known = Layer::ALL.iter().find(|layer| layer.code().eq_ignore_ascii_case(&name));
        let Some(layer) = known else {
            let codes: Vec<&str> = Layer::ALL.iter().map(|layer| layer.code()).collect();
            return Err(Failure::usage(
                format!("--layers: there is no layer `{name}`"),
                format!("choose among {}", codes.join(", ")),
            ));
        };
        layers = layers.with(*layer);
    }
    Ok(layers)
}

/// A bar by its number or by a time: the first one not before it.
fn bar_at(bars: &[Bar], flag: &str, text: &str) -> Result<u32, Failure> {
    // No time is written with fewer than eleven digits alone.
    if text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.parse().unwrap_or(u32::MAX));
    }
    let time = parse_time(text).map_err(|e| {
        Failure::usage(format!("{flag}: {e}"), "or name a bar by its number from 0")
    })?;
    Ok(bars.partition_point(|bar| bar.time() < time) as u32)
}

/// Writes the whole file or none: a viewer that reloads never sees half a picture.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::File::create(&part)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&part);
        Failure::failed(
            format!("{}: the picture cannot be written: {e}", path.display()),
            "name a file in a folder that exists and may be written to",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_smc::{Detector, Params};
    use aegis_types::Nanos;

    #[test]
    fn what_was_left_out_is_not_missed() {
        let (mut bars, mut events) = (Vec::new(), Vec::new());
        let mut detector = Detector::new(&Params::default());
        for i in 0..24_500u32 {
            // Ever new mixtures of two waves.
            let price = 100.0 + wave(i, 37) * 3.0 + wave(i, 411) * 9.0;
            let (open, close) = (price, price + wave(i, 7));
            let time = Nanos::MINUTE.times(i64::from(i));
            let (high, low) = (open.max(close) + 0.3, open.min(close) - 0.3);
            let bar = Bar::new(time, open, high, low, close, 1.0).expect("finite");
            detector.push(&bar, &mut |event| events.push(event));
            bars.push(bar);
        }
        for range in [(None, None), (Some(24_000), Some(24_200))] {
            let mut options = Options { from: range.0, to: range.1, ..Options::default() };
            let whole = render_svg(&bars, &events, &options);
            let (mut bars, mut events) = (bars.clone(), events.clone());
            leave_out_the_old(&mut bars, &mut events, &mut options);
            assert!(bars.len() < 24_500, "{}", bars.len());
            assert!(render_svg(&bars, &events, &options) == whole, "{range:?}");
        }
    }

    /// A triangle wave between -1 and 1.
    fn wave(i: u32, period: u32) -> f64 {
        let phase = f64::from(i % period) / f64::from(period);
        1.0 - 4.0 * (phase - 0.5).abs()
    }
}
