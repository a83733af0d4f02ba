//! A small reader of XML: enough to say that a picture is well-formed.

/// An element: its name and attributes.
#[derive(Debug, PartialEq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub depth: usize,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> f64 {
        let text = self.get(name).unwrap_or_else(|| panic!("{self:?} has no {name}"));
        text.parse().unwrap_or_else(|_| panic!("{name} of {self:?} is no number"))
    }

    pub fn is(&self, class: &str) -> bool {
        self.get("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    }
}

/// Every element in order; panics where the text is not well-formed.
pub fn parse(text: &str) -> Vec<Element> {
    let (mut elements, mut open, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some(at) = rest.find('<') {
        check_text(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("a tag that ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes what is open");
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let attributes = attributes_of(attributes);
        elements.push(Element { name: name.to_owned(), attributes, depth: open.len() });
        if !empty {
            open.push(name.to_owned());
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(elements.iter().skip(1).all(|element| element.depth > 0), "one root");
    elements
}

fn attributes_of(mut text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    while !text.trim().is_empty() {
        let (name, rest) = text.split_once("=\"").expect("name and value");
        let (value, rest) = rest.split_once('"').expect("a quote that ends");
        check_text(value);
        let name = name.trim().to_owned();
        assert!(found.iter().all(|(other, _)| *other != name), "{name} twice");
        found.push((name, value.to_owned()));
        text = rest;
    }
    found
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let entity = text[at..].split_once(';').map(|(entity, _)| entity);
        let known = ["&amp", "&lt", "&gt", "&quot", "&#39"];
        assert!(entity.is_some_and(|entity| known.contains(&entity)), "{}", &text[at..]);
    }
    let odd = |c: char| c < ' ' && c != '\n';
    assert!(!text.contains('<') && !text.contains(odd), "{text:?}");
}

#[test]
fn faults_are_found() {
    for text in ["<a><b></a></b>", "<a>", "<a x=\"1\" x=\"2\"/>", "<a>&nbsp;</a>", "<a/><b/>"] {
        assert!(std::panic::catch_unwind(|| parse(text)).is_err(), "{text}");
    }
    assert_eq!(parse("<a x=\"1\"><b/>&amp;</a>").len(), 2);
}
