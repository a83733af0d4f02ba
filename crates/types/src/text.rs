//! Short text in a fixed buffer, for ids and numbers on paths that must not allocate.

use core::fmt;

/// Up to `N` bytes of UTF-8; what does not fit is an error on write, never a growth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// Empty.
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Appends one character if it fits.
    pub fn push(&mut self, c: char) {
        let mut buffer = [0; 4];
        let _ = fmt::Write::write_str(self, c.encode_utf8(&mut buffer));
    }

    /// The text so far.
    pub fn as_str(&self) -> &str {
        // Only whole `str`s are ever appended, so the bytes are always valid.
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("")
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let end = self.length + s.len();
        let slot = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        slot.copy_from_slice(s.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
