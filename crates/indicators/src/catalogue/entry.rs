//! One line of the catalogue.

use super::row::Row;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::{self, Write};
use core::num::NonZeroU32;

/// The most parameters an indicator has.
pub const MAX_PARAMETERS: usize = 4;
/// The most output columns an indicator has.
pub const MAX_COLUMNS: usize = 4;
/// The longest period: TA-Lib's own bound. A window of it is under a megabyte.
pub(super) const LONGEST: u32 = 100_000;

/// What a parameter may be; bounds are included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// A whole number.
    Whole {
        /// The least allowed.
        least: u32,
        /// The most allowed.
        most: u32,
    },
    /// Any number.
    Real {
        /// The least allowed.
        least: f64,
        /// The most allowed.
        most: f64,
    },
    /// A time of the UTC day, `HH:MM` or minutes since midnight (0 to 1440). Two that follow each
    /// other may be written `HH:MM-HH:MM`.
    Time,
}

/// A parameter: its name, what it may be and what it is when not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// As in the signature.
    pub name: &'static str,
    /// Used when the call leaves it out.
    pub default: f64,
    /// Its allowed range.
    pub kind: ParameterKind,
    /// A call that gives the others may leave it out.
    pub optional: bool,
}

impl Parameter {
    /// A number of bars, from `least` on.
    pub const fn period(name: &'static str, default: u32, least: u32) -> Self {
        Self::whole(name, default, least, LONGEST)
    }

    /// A whole number.
    pub const fn whole(name: &'static str, default: u32, least: u32, most: u32) -> Self {
        Self {
            name,
            default: default as f64,
            kind: ParameterKind::Whole { least, most },
            optional: false,
        }
    }

    /// Any number between two.
    pub const fn real(name: &'static str, default: f64, least: f64, most: f64) -> Self {
        Self { name, default, kind: ParameterKind::Real { least, most }, optional: false }
    }

    /// A time of the UTC day.
    pub const fn time(name: &'static str, default_minutes: u32) -> Self {
        Self { name, default: default_minutes as f64, kind: ParameterKind::Time, optional: false }
    }

    /// The same, to be left out of a call.
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Whether `value` is allowed.
    pub fn allows(&self, value: f64) -> bool {
        let whole = f64::from(value as u32) == value;
        match self.kind {
            ParameterKind::Whole { least, most } => {
                whole && f64::from(least) <= value && value <= f64::from(most)
            }
            ParameterKind::Real { least, most } => least <= value && value <= most,
            ParameterKind::Time => whole && value <= 1440.0,
        }
    }

    /// Writes `value` as a call would say it.
    pub(super) fn write(&self, out: &mut impl Write, value: f64) -> fmt::Result {
        match self.kind {
            ParameterKind::Time => {
                let minutes = value as u32;
                write!(out, "{:02}:{:02}", minutes / 60, minutes % 60)
            }
            _ => write!(out, "{value}"),
        }
    }
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { least, most } => write!(f, "whole, {least} to {most}"),
            Self::Real { least, most } => write!(f, "a number, {least} to {most}"),
            Self::Time => f.write_str("UTC time HH:MM or minutes, 0 to 1440"),
        }
    }
}

/// Parameter values that their kinds allow, in the entry's order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arguments {
    values: [f64; MAX_PARAMETERS],
}

impl Arguments {
    pub(super) fn defaults(parameters: &[Parameter]) -> Self {
        let mut values = [0.0; MAX_PARAMETERS];
        for (value, parameter) in values.iter_mut().zip(parameters) {
            *value = parameter.default;
        }
        Self { values }
    }

    pub(super) fn set(&mut self, at: usize, value: f64) {
        if let Some(place) = self.values.get_mut(at) {
            *place = value;
        }
    }

    /// The number at `at`; zero where there is none.
    pub fn real(&self, at: usize) -> f64 {
        self.values.get(at).copied().unwrap_or(0.0)
    }

    /// The whole number at `at`.
    pub fn whole(&self, at: usize) -> u32 {
        self.real(at) as u32
    }

    /// The number of bars at `at`, at least one.
    pub fn period(&self, at: usize) -> NonZeroU32 {
        NonZeroU32::new(self.whole(at)).unwrap_or(NonZeroU32::MIN)
    }
}

/// An indicator: its name, what it takes, what it gives, how it is made.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Lower case.
    pub name: &'static str,
    /// What it is, in one line, with the formula's source.
    pub about: &'static str,
    /// At most [`MAX_PARAMETERS`].
    pub parameters: &'static [Parameter],
    /// Output columns, at most [`MAX_COLUMNS`], each name once in the catalogue.
    pub columns: &'static [&'static str],
    /// Makes it; the only allocation of its life.
    pub(super) make: fn(&Arguments) -> Box<dyn Row>,
}

impl Entry {
    /// `macd(fast=12,slow=26,signal=9)`.
    pub fn signature(&self) -> String {
        let mut text = String::from(self.name);
        if self.parameters.is_empty() {
            return text;
        }
        for (n, parameter) in self.parameters.iter().enumerate() {
            text.push(if n == 0 { '(' } else { ',' });
            text.push_str(parameter.name);
            text.push('=');
            // A String takes whatever is written.
            let _ = parameter.write(&mut text, parameter.default);
        }
        text.push(')');
        text
    }
}
