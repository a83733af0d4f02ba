//! The HTML file needs nothing but itself.

use crate::waves;
use aegis_chart::{Layer, Layers, Options, render_html};

#[test]
fn nothing_comes_from_elsewhere() {
    let page = render_html(&waves(50), &[], &Options::default());
    for outside in ["src=", "href=", "@import", "url(", "fetch(", "import(", "XMLHttp"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // The only address is the name of the vocabulary.
    assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count());
}

#[test]
fn every_layer_drawn_has_a_switch() {
    let layers = Layers::ALL.without(Layer::Smt);
    let quiet = Layers::of(&[Layer::Lux]);
    let page = render_html(&waves(50), &[], &Options { layers, quiet, ..Options::default() });
    for &layer in Layer::ALL {
        let switch = |on| page.contains(&format!("name=\"{}\"{on}>", layer.code()));
        let expected = match layer {
            Layer::Smt => (false, false),
            Layer::Lux => (false, true),
            _ => (true, false),
        };
        assert_eq!((switch(" checked"), switch("")), expected, "{}", layer.code());
    }
}

#[test]
fn bars_before_the_window_can_be_panned_to() {
    let rows = |page: &str| page.matches("\n[").count();
    let bars = waves(500);
    let options = Options { bars: 100, ..Options::default() };
    assert_eq!(rows(&render_html(&bars, &[], &options)), 500);
    let options = Options { bars_max: 250, ..options };
    assert_eq!(rows(&render_html(&bars, &[], &options)), 250);
    let options = Options { from: Some(50), to: Some(60), ..options };
    assert_eq!(rows(&render_html(&bars, &[], &options)), 60);
}
