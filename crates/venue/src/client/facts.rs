//! What the exchange says of orders, fills and the account, out of replies and events alike.
//!
//! A reply to a query, a reply to a placement and an event of the user stream are three tellings
//! of one thing. All become an [`OrderFact`], so that whichever comes first settles an order and
//! the others change nothing. Fields that are missing or of another form than expected are absent
//! here, never an error: what cannot be read is asked for again.

use aegis_types::{ClientOrderId, FillReason, Money, Px, Qty, Side, SymbolId, SymbolTable, Text};
use core::fmt::Write as _;
use serde_json::Value;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Resting, or about to be matched.
    New,
    /// Partly filled, and still open.
    Part,
    /// Filled.
    Filled,
    /// Taken back.
    Canceled,
    /// Refused after it had been taken.
    Rejected,
    /// Ended by the exchange.
    Expired,
    /// A condition has come true; its order is on its way or at work.
    Triggered,
    /// A triggered order is over, filled or not.
    Finished,
    /// A word that this version does not know.
    Other,
}

impl Status {
    fn parse(text: &str) -> Self {
        match text {
            "NEW" => Self::New,
            "PARTIALLY_FILLED" => Self::Part,
            "FILLED" => Self::Filled,
            "CANCELED" => Self::Canceled,
            "REJECTED" => Self::Rejected,
            "EXPIRED" | "EXPIRED_IN_MATCH" => Self::Expired,
            "TRIGGERING" | "TRIGGERED" => Self::Triggered,
            "FINISHED" => Self::Finished,
            _ => Self::Other,
        }
    }
}

/// One execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Unique in its symbol.
    pub id: u64,
    /// The exchange's number of the order.
    pub order: u64,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Side of the order.
    pub side: Side,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// Commission in the quote asset; nothing when it was paid in another asset.
    pub fee: Option<Money>,
    /// Profit realised, before commission.
    pub realized: Money,
    /// Rested in the book.
    pub maker: bool,
    /// When, in ms.
    pub at_ms: i64,
}

/// Who made an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// This program, under this id.
    Ours(ClientOrderId),
    /// The exchange: a liquidation.
    Liquidation,
    /// The exchange: auto-deleveraging.
    Deleveraging,
    /// The exchange: the settlement of a symbol.
    Settlement,
    /// Somebody else on this account.
    Foreign,
}

impl Maker {
    /// By the client order id.
    pub fn of(client: &str) -> Self {
        if let Some(id) = ClientOrderId::parse(client) {
            Self::Ours(id)
        } else if client.starts_with("autoclose-") {
            Self::Liquidation
        } else if client.starts_with("adl_autoclose") {
            Self::Deleveraging
        } else if client.starts_with("settlement_autoclose") {
            Self::Settlement
        } else {
            Self::Foreign
        }
    }
}

impl Maker {
    /// Why a fill of an order that is not ours happened.
    pub const fn reason(self) -> FillReason {
        match self {
            Self::Liquidation => FillReason::Liquidated,
            Self::Deleveraging => FillReason::Deleveraged,
            Self::Settlement | Self::Foreign | Self::Ours(_) => FillReason::Manual,
        }
    }
}

/// What is said of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderFact {
    /// Who made it.
    pub maker: Maker,
    /// Its client id as written.
    pub client: Text<48>,
    /// The exchange's number; of a conditional order, that of the algo service.
    pub id: u64,
    /// A conditional order of the algo service.
    pub algo: bool,
    /// The order that a triggered condition has made.
    pub actual: Option<u64>,
    /// Of which symbol; nothing for one outside the session.
    pub symbol: Option<SymbolId>,
    /// Side.
    pub side: Side,
    /// Where it stands.
    pub status: Status,
    /// It can only reduce a position.
    pub reduces: bool,
    /// Filled so far.
    pub executed: Qty,
    /// Asked for.
    pub qty: Qty,
    /// Average price of what was filled, where it is told.
    pub average: Option<Px>,
    /// The execution that this tells, if it tells one.
    pub execution: Option<Execution>,
    /// Why it ended, in the exchange's words.
    pub reason: Text<64>,
}

/// A text field.
pub fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// A decimal in a string, or a JSON number.
pub fn decimal(value: &Value, name: &str) -> Option<i64> {
    match value.get(name)? {
        Value::String(text) => aegis_types::parse_decimal(text.as_bytes()).ok(),
        Value::Number(number) => {
            let mut text = Text::<40>::new();
            write!(text, "{number}").ok()?;
            aegis_types::parse_decimal(text.as_str().as_bytes()).ok()
        }
        _ => None,
    }
}

/// A whole number, or one in a string.
pub fn whole(value: &Value, name: &str) -> Option<i64> {
    match value.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn number(value: &Value, name: &str) -> Option<u64> {
    whole(value, name).and_then(|n| u64::try_from(n).ok())
}

fn side(value: &Value, name: &str) -> Option<Side> {
    match text(value, name)? {
        "BUY" => Some(Side::Buy),
        "SELL" => Some(Side::Sell),
        _ => None,
    }
}

/// As much of `long` as fits.
pub fn clipped<const N: usize>(long: &str) -> Text<N> {
    let mut text = Text::new();
    long.chars().for_each(|c| text.push(c));
    text
}

/// Does one of these flags say that an order can only reduce a position?
fn reduces(value: &Value, names: [&str; 2]) -> bool {
    names.iter().any(|name| value.get(name).and_then(Value::as_bool) == Some(true))
}

fn qty(value: &Value, name: &str) -> Qty {
    Qty::from_raw(decimal(value, name).unwrap_or(0))
}

fn price(value: &Value, name: &str) -> Option<Px> {
    decimal(value, name).filter(|raw| *raw > 0).map(Px::from_raw)
}

/// A reply that describes an order: to a placement, a query, a cancel, or one of a list.
pub fn order(value: &Value, symbols: &SymbolTable) -> Option<OrderFact> {
    let client = text(value, "clientOrderId")?;
    Some(OrderFact {
        maker: Maker::of(client),
        client: clipped(client),
        id: number(value, "orderId")?,
        algo: false,
        actual: None,
        symbol: symbols.id(text(value, "symbol")?),
        side: side(value, "side").unwrap_or(Side::Buy),
        status: Status::parse(text(value, "status")?),
        reduces: reduces(value, ["reduceOnly", "closePosition"]),
        executed: qty(value, "executedQty"),
        qty: qty(value, "origQty"),
        average: price(value, "avgPrice"),
        execution: None,
        reason: Text::new(),
    })
}

/// A reply that describes a conditional order.
pub fn algo_order(value: &Value, symbols: &SymbolTable) -> Option<OrderFact> {
    let client = text(value, "clientAlgoId")?;
    let actual = number(value, "actualOrderId").filter(|id| *id > 0);
    Some(OrderFact {
        maker: Maker::of(client),
        client: clipped(client),
        id: number(value, "algoId")?,
        algo: true,
        actual,
        symbol: symbols.id(text(value, "symbol")?),
        side: side(value, "side").unwrap_or(Side::Buy),
        status: Status::parse(text(value, "algoStatus")?),
        reduces: reduces(value, ["reduceOnly", "closePosition"]),
        executed: Qty::ZERO,
        qty: qty(value, "quantity"),
        average: None,
        execution: None,
        reason: Text::new(),
    })
}

/// `ORDER_TRADE_UPDATE`.
pub fn order_event(event: &Value, symbols: &SymbolTable) -> Option<OrderFact> {
    let o = event.get("o")?;
    let client = text(o, "c")?;
    let symbol = symbols.id(text(o, "s")?);
    let (id, side) = (number(o, "i")?, side(o, "S")?);
    let last = qty(o, "l");
    let execution = symbol.filter(|_| last.is_positive()).and_then(|symbol| {
        Some(Execution {
            id: number(o, "t")?,
            order: id,
            symbol,
            side,
            px: Px::from_raw(decimal(o, "L")?),
            qty: last,
            fee: fee(o, "n", "N"),
            realized: Money::from_raw(decimal(o, "rp").unwrap_or(0)),
            maker: o.get("m").and_then(Value::as_bool).unwrap_or(false),
            at_ms: whole(o, "T").or_else(|| whole(event, "T")).unwrap_or(0),
        })
    });
    Some(OrderFact {
        maker: Maker::of(client),
        client: clipped(client),
        id,
        algo: false,
        actual: None,
        symbol,
        side,
        status: Status::parse(text(o, "X")?),
        reduces: reduces(o, ["R", "cp"]),
        executed: qty(o, "z"),
        qty: qty(o, "q"),
        average: price(o, "ap"),
        execution,
        reason: text(o, "er").map(clipped).unwrap_or_default(),
    })
}

/// Commission, when it was paid in the quote asset (or not at all).
fn fee(value: &Value, amount: &str, asset: &str) -> Option<Money> {
    let amount = Money::from_raw(decimal(value, amount).unwrap_or(0));
    let asset = text(value, asset).unwrap_or("USDT");
    (amount.is_zero() || asset == "USDT").then_some(amount)
}

/// `ALGO_UPDATE`.
pub fn algo_event(event: &Value, symbols: &SymbolTable) -> Option<OrderFact> {
    let o = event.get("o")?;
    let client = text(o, "caid")?;
    Some(OrderFact {
        maker: Maker::of(client),
        client: clipped(client),
        id: number(o, "aid")?,
        algo: true,
        actual: number(o, "ai").filter(|id| *id > 0),
        symbol: symbols.id(text(o, "s")?),
        side: side(o, "S").unwrap_or(Side::Buy),
        status: Status::parse(text(o, "X")?),
        reduces: reduces(o, ["R", "cp"]),
        executed: qty(o, "aq"),
        qty: qty(o, "q"),
        average: price(o, "ap"),
        execution: None,
        reason: text(o, "rm").map(clipped).unwrap_or_default(),
    })
}

/// `TRADE_LITE`: proof that an order is there, before its full event. It says nothing of fees.
pub fn lite_event(event: &Value, symbols: &SymbolTable) -> Option<OrderFact> {
    let client = text(event, "c")?;
    Some(OrderFact {
        maker: Maker::of(client),
        client: clipped(client),
        id: number(event, "i")?,
        algo: false,
        actual: None,
        symbol: symbols.id(text(event, "s")?),
        side: side(event, "S")?,
        status: Status::New,
        reduces: false,
        executed: qty(event, "l"),
        qty: qty(event, "q"),
        average: None,
        execution: None,
        reason: Text::new(),
    })
}

/// One row of `userTrades`.
pub fn user_trade(row: &Value, symbols: &SymbolTable) -> Option<Execution> {
    Some(Execution {
        id: number(row, "id")?,
        order: number(row, "orderId")?,
        symbol: symbols.id(text(row, "symbol")?)?,
        side: side(row, "side")?,
        px: Px::from_raw(decimal(row, "price")?),
        qty: Qty::from_raw(decimal(row, "qty")?),
        fee: fee(row, "commission", "commissionAsset"),
        realized: Money::from_raw(decimal(row, "realizedPnl").unwrap_or(0)),
        maker: row.get("maker").and_then(Value::as_bool).unwrap_or(false),
        at_ms: whole(row, "time").unwrap_or(0),
    })
}

/// `{"code":…,"msg":…}` of an answer, wherever it stands; a code may be a string.
pub fn error(body: &[u8]) -> (Option<i32>, Text<96>) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let plain = core::str::from_utf8(body).unwrap_or("");
        return (None, clipped(plain));
    };
    let inner = value.get("error").unwrap_or(&value);
    let code = whole(inner, "code").and_then(|code| i32::try_from(code).ok());
    (code, clipped(text(inner, "msg").unwrap_or("")))
}
