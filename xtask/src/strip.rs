//! Rust source without its comments and without what stands in its strings, line by line the same.

/// What is left of a source file.
#[derive(Debug, Default, PartialEq)]
pub struct Stripped {
    /// Code only: comments are gone, strings are empty, lines stay.
    pub code: String,
    /// Comments only: everything else is gone, lines stay.
    pub comments: String,
}

/// Takes a source file apart. Never fails: text that is not Rust gives some result.
pub fn strip(source: &str) -> Stripped {
    let mut out = Stripped::default();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, kind) = token(rest, out.code.chars().next_back());
        let (piece, after) = rest.split_at(length.max(first.len_utf8()));
        let (kept, dropped) = match kind {
            Kind::Comment => (&mut out.comments, &mut out.code),
            _ => (&mut out.code, &mut out.comments),
        };
        match kind {
            Kind::Text => {
                kept.push_str("\"\"");
                newlines(piece, kept);
            }
            _ => kept.push_str(piece),
        }
        newlines(piece, dropped);
        rest = after;
    }
    out
}

fn newlines(piece: &str, out: &mut String) {
    out.extend(piece.chars().filter(|c| *c == '\n'));
}

enum Kind {
    Code,
    Comment,
    Text,
}

/// The length and kind of what begins here; `before` is the last character of code.
fn token(rest: &str, before: Option<char>) -> (usize, Kind) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), Kind::Comment);
    }
    if rest.starts_with('"') {
        return (quoted(rest), Kind::Text);
    }
    if !in_word && let Some(length) = raw_string(rest) {
        return (length, Kind::Text);
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    (1, Kind::Code)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    let bytes = rest.as_bytes();
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, with `b` or `c` before.
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let text = body[hashes..].strip_prefix('"')?;
    let start = rest.len() - text.len();
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// A character literal, or the tick of a lifetime.
fn character(rest: &str) -> (usize, Kind) {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => {
            // The character behind the backslash may be a quote itself.
            let end = rest.char_indices().skip(3).find(|(_, c)| *c == '\'');
            (end.map_or(rest.len(), |(at, _)| at + 1), Kind::Text)
        }
        (Some(_), Some((at, '\''))) => (at + 1, Kind::Text),
        _ => (1, Kind::Code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_comments_are_told_apart() {
        let source = r##"fn a<'x>(c: char) { // one "not a string"
    let s = "unsafe { \" // no"; /* two /* nested */ three */ let r = r#"dbg!("#;
    if c == '"' || c == '\'' || c == '{' { b'\\'; } // '
    let l: &'static str = br"\";
}"##;
        let stripped = strip(source);
        let code = [
            "fn a<'x>(c: char) { ",
            "    let s = \"\";  let r = \"\";",
            "    if c == \"\" || c == \"\" || c == \"\" { b\"\"; } ",
            "    let l: &'static str = \"\";",
            "}",
        ];
        assert_eq!(stripped.code.lines().collect::<Vec<_>>(), code);
        assert_eq!(stripped.code.lines().count(), source.lines().count());
        let comments = "// one \"not a string\"\n/* two /* nested */ three */\n// '\n\n";
        assert_eq!(stripped.comments, comments);
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = "a\n\"x\ny\"\n/* c\nd */\nunsafe\n";
        let stripped = strip(source);
        assert_eq!(stripped.code.lines().nth(5), Some("unsafe"));
        assert_eq!(stripped.code.lines().count(), 6);
    }
}
