//! The one table of settings: file, environment, flags, origin, validation.
