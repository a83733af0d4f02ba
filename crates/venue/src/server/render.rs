//! Step machine: render.
