//! The exchange on the wire, at its boundary: bytes in, bytes out.

mod auth;
mod limits;
mod world;
