//! Step machine: errors by code, with the status and text of the table that the client reads too.

use crate::server::call::ApiError;
use aegis_exchange::futures::Refusal;
use aegis_wire::errors::ErrorRow;

/// The error of a code.
pub fn error(code: i32) -> ApiError {
    error_of(code, &[])
}

/// The error of a code whose text names values.
pub fn error_of(code: i32, values: &[&str]) -> ApiError {
    match ErrorRow::find(code) {
        Some(row) => ApiError { status: row.status, code, msg: row.text_with(values) },
        None => ApiError::new(code, format!("Error {code}.")),
    }
}

impl From<Refusal> for ApiError {
    /// The venue's refusals have the table's texts, but where they know more than the table.
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let usual = ErrorRow::find(code)
            .filter(|row| !row.text.contains("%s") && !matches!(refusal, Refusal::Rejected(_)));
        match usual {
            Some(row) => Self { status: row.status, code, msg: row.text.to_owned() },
            None => Self::new(code, refusal.message()),
        }
    }
}
