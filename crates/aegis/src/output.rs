//! What the program prints. `println!` panics when nobody reads on (`aegis … | head -1`) or when
//! the disk behind stdout is full: the first is no fault, the second is an error to be told.

use aegis_node::Failure;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Is someone still reading stdout?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    There,
    Gone,
}

/// One line on stdout.
///
/// # Errors
/// When stdout takes nothing for another reason than that its reader has left.
pub fn line(text: impl Display) -> Result<Reader, Failure> {
    write(&mut io::stdout().lock(), format_args!("{text}\n"))
}

/// Text with its own line ends on stdout.
///
/// # Errors
/// As [`line`].
pub fn text(text: impl Display) -> Result<Reader, Failure> {
    write(&mut io::stdout().lock(), format_args!("{text}"))
}

/// One line on stderr. If it is lost, there is no place left to say so.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn write(to: &mut impl Write, text: std::fmt::Arguments<'_>) -> Result<Reader, Failure> {
    match to.write_fmt(text).and_then(|()| to.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(e) => refused(&e),
    }
}

/// What it means that stdout did not take something.
///
/// # Errors
/// When it is for another reason than that its reader has left.
pub fn refused(error: &io::Error) -> Result<Reader, Failure> {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ok(Reader::Gone);
    }
    Err(Failure::failed(
        format!("stdout does not take what there is to print: {error}"),
        "make room where stdout goes, or send it elsewhere, and call again",
    ))
}
