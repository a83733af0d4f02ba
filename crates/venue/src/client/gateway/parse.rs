//! Step machine: what a request says, read back from the bytes that are about to leave.
//!
//! Nothing here is shared with the code that makes requests, so that one mistake cannot be in both.
//! A name that is not expected, or one that comes twice, makes the whole request unreadable.

use serde::Deserialize;

/// What a request does, as far as the gateway tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Changes nothing.
    Read,
    /// Places an order; of the algo service or not.
    Place {
        /// Of the algo service.
        algo: bool,
    },
    /// Takes an order back.
    Cancel,
    /// Sets the leverage.
    Leverage,
    /// Sets the margin type.
    Margin,
    /// Sets the position mode.
    Mode,
    /// Opens, keeps or closes a user stream.
    Stream,
    /// Sets the countdown behind which plain orders are cancelled.
    Countdown,
}

/// The parameters that a request of ours may have.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields<'a> {
    #[serde(borrow, rename = "algoType")]
    pub algo_type: Option<&'a str>,
    pub symbol: Option<&'a str>,
    pub side: Option<&'a str>,
    #[serde(rename = "type")]
    pub kind: Option<&'a str>,
    #[serde(rename = "timeInForce")]
    pub time_in_force: Option<&'a str>,
    pub quantity: Option<&'a str>,
    pub price: Option<&'a str>,
    #[serde(rename = "triggerPrice")]
    pub trigger: Option<&'a str>,
    #[serde(rename = "workingType")]
    pub working_type: Option<&'a str>,
    #[serde(rename = "reduceOnly")]
    pub reduce_only: Option<&'a str>,
    #[serde(rename = "newClientOrderId")]
    pub new_id: Option<&'a str>,
    #[serde(rename = "clientAlgoId")]
    pub algo_id: Option<&'a str>,
    #[serde(rename = "origClientOrderId")]
    pub old_id: Option<&'a str>,
    #[serde(rename = "newOrderRespType")]
    pub answer: Option<&'a str>,
    pub leverage: Option<&'a str>,
    #[serde(rename = "marginType")]
    pub margin_type: Option<&'a str>,
    #[serde(rename = "dualSidePosition")]
    pub dual: Option<&'a str>,
    #[serde(rename = "countdownTime")]
    pub countdown: Option<&'a str>,
    #[serde(rename = "apiKey")]
    pub api_key: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub timestamp: Option<i64>,
    #[serde(rename = "recvWindow")]
    pub window: Option<i64>,
}

impl<'a> Fields<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        Some(match name {
            "algoType" => &mut self.algo_type,
            "symbol" => &mut self.symbol,
            "side" => &mut self.side,
            "type" => &mut self.kind,
            "timeInForce" => &mut self.time_in_force,
            "quantity" => &mut self.quantity,
            "price" => &mut self.price,
            "triggerPrice" => &mut self.trigger,
            "workingType" => &mut self.working_type,
            "reduceOnly" => &mut self.reduce_only,
            "newClientOrderId" => &mut self.new_id,
            "clientAlgoId" => &mut self.algo_id,
            "origClientOrderId" => &mut self.old_id,
            "newOrderRespType" => &mut self.answer,
            "leverage" => &mut self.leverage,
            "marginType" => &mut self.margin_type,
            "dualSidePosition" => &mut self.dual,
            "countdownTime" => &mut self.countdown,
            "signature" => &mut self.signature,
            _ => return None,
        })
    }

    /// From a query string.
    fn of_query(query: &'a str) -> Option<Self> {
        let mut fields = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let number = match name {
                "timestamp" => &mut fields.timestamp,
                "recvWindow" => &mut fields.window,
                _ => {
                    let slot = fields.slot(name)?;
                    if slot.replace(value).is_some() {
                        return None;
                    }
                    continue;
                }
            };
            if number.replace(value.parse().ok()?).is_some() {
                return None;
            }
        }
        Some(fields)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<'a> {
    #[serde(rename = "id")]
    _id: u64,
    method: &'a str,
    #[serde(borrow)]
    params: Fields<'a>,
}

/// What a text that is about to leave asks for: an HTTP request, or a frame of the WebSocket API.
pub(super) fn read(text: &str) -> Option<(Act, Fields<'_>)> {
    if text.starts_with('{') {
        let frame: Frame<'_> = serde_json::from_str(text).ok()?;
        let act = match frame.method {
            "order.place" => Act::Place { algo: false },
            "algoOrder.place" => Act::Place { algo: true },
            "order.cancel" | "algoOrder.cancel" => Act::Cancel,
            _ => return None,
        };
        return Some((act, frame.params));
    }
    let (head, body) = text.split_once("\r\n\r\n")?;
    // All that is sent stands in the query: nothing may hide behind the head.
    if !body.is_empty() {
        return None;
    }
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if method == "GET" {
        return Some((Act::Read, Fields::default()));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let act = match (method, path) {
        ("POST", "/fapi/v1/order") => Act::Place { algo: false },
        ("POST", "/fapi/v1/algoOrder") => Act::Place { algo: true },
        ("DELETE", "/fapi/v1/order" | "/fapi/v1/algoOrder") => Act::Cancel,
        ("POST", "/fapi/v1/leverage") => Act::Leverage,
        ("POST", "/fapi/v1/marginType") => Act::Margin,
        ("POST", "/fapi/v1/positionSide/dual") => Act::Mode,
        ("POST" | "PUT" | "DELETE", "/fapi/v1/listenKey") => Act::Stream,
        ("POST", "/fapi/v1/countdownCancelAll") => Act::Countdown,
        _ => return None,
    };
    Some((act, Fields::of_query(query)?))
}

/// A decimal without a sign, in units of 1e-8; nothing for anything else.
pub(super) fn units(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 8 || !digits(whole) || !digits(part) {
        return None;
    }
    let mut value = whole.parse::<i64>().ok()?;
    for place in 0..8 {
        let digit = part.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some(value)
}
