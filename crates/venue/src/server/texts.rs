//! Step machine: the errors that the server itself gives, with status and text.
//!
//! What the matching engine refuses has its texts in `aegis_exchange`; here is what comes before
//! it: keys, signatures, parameters, limits, and what faults say.

use crate::server::call::ApiError;
use aegis_exchange::futures::Refusal;

/// Code, HTTP status, text; `{}` stands for what the place of the refusal knows.
const TEXTS: &[(i32, u16, &str)] = &[
    (-1000, 400, "An unknown error occurred while processing the request."),
    (-1001, 503, "Internal error; unable to process your request. Please try again."),
    (-1002, 401, "You are not authorized to execute this request."),
    (-1003, 429, "Too many requests; {}"),
    (
        -1006,
        400,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
    (
        -1007,
        408,
        "Timeout waiting for response from backend server. Send status unknown; execution status \
         unknown.",
    ),
    (
        -1008,
        503,
        "Request throttled by system-level protection. Reduce-only/close-position orders are \
         exempt. Please try again.",
    ),
    (-1015, 429, "Too many new orders; current limit is {}."),
    (-1020, 400, "This operation is not supported."),
    (-1021, 400, "Timestamp for this request is outside of the recvWindow."),
    (-1022, 400, "Signature for this request is not valid."),
    (-1099, 401, "Not found, authenticated, or authorized."),
    (-1100, 400, "Illegal characters found in parameter '{}'."),
    (-1102, 400, "Mandatory parameter '{}' was not sent, was empty/null, or malformed."),
    (-1106, 400, "Parameter '{}' sent when not required."),
    (-1111, 400, "Precision is over the maximum defined for this asset."),
    (-1114, 400, "TimeInForce parameter sent when not required."),
    (-1115, 400, "Invalid timeInForce."),
    (-1116, 400, "Invalid orderType."),
    (-1117, 400, "Invalid side."),
    (-1121, 400, "Invalid symbol."),
    (-1122, 400, "Invalid symbol status."),
    (-1125, 400, "This listenKey does not exist."),
    (-1127, 400, "Lookup interval is too big."),
    (-1128, 400, "Combination of optional parameters invalid."),
    (-1130, 400, "Data sent for parameter '{}' is not valid."),
    (-1131, 400, "RecvWindow must be less than 60000."),
    (-1136, 400, "Invalid newOrderRespType."),
    (-2014, 401, "API-key format invalid."),
    (-2015, 401, "Invalid API-key, IP, or permissions for action."),
    (-4015, 400, "Client order id is not valid."),
    (-4056, 401, "Invalid api key type."),
    (-4060, 400, "Invalid position side."),
    (-4082, 400, "Invalid number of batch place orders."),
    (-4083, 400, "Fail to place batch orders."),
    (
        -4120,
        400,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints \
         instead.",
    ),
    (-4135, 400, "Invalid activation price."),
    (-5028, 400, "Timestamp for this request is outside of the ME recvWindow."),
];

/// The error of a code.
pub fn error(code: i32) -> ApiError {
    error_of(code, "")
}

/// The error of a code whose text names something.
pub fn error_of(code: i32, what: &str) -> ApiError {
    let line = TEXTS.iter().find(|(known, ..)| *known == code);
    let (status, text) = line.map_or((400, TEXTS[0].2), |(_, status, text)| (*status, *text));
    ApiError { status, code, msg: text.replace("{}", what) }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let status = if code == -2015 { 401 } else { 400 };
        Self { status, code, msg: refusal.message() }
    }
}
