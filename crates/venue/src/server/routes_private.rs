//! Step machine: the REST routes of accounts, orders and administration.

use crate::server::call::Route;

/// All of them.
pub const ROUTES: &[Route] = &[];
