//! Step machine: the REST routes of market data.

use crate::server::call::{Answer, Call, Method, Route};
use crate::server::sim::Sim;

/// All of them.
pub const ROUTES: &[Route] = &[
    Route::public(Method::Get, "/fapi/v1/ping", ping),
    Route::public(Method::Get, "/fapi/v1/time", time),
];

fn ping(_: &mut Sim, _: &Call<'_>) -> Answer {
    Ok("{}".to_owned())
}

fn time(_: &mut Sim, call: &Call<'_>) -> Answer {
    Ok(format!("{{\"serverTime\":{}}}", call.wall_ms))
}
