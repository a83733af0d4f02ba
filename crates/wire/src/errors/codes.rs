//! The codes.
//!
//! Numbers and texts are what goes over the wire; a few restrictions are known by number only and
//! are named by it.

use super::Class::{Clock, Defect, Denied, Done, Metadata, Retry, Stop, Unknown};
use super::{Class, ErrorRow, Hint};

const fn row(
    (code, name, status): (i32, &'static str, u16),
    text: &'static str,
    (write, read): (Class, Class),
    hint: Hint,
    alert: bool,
) -> ErrorRow {
    ErrorRow { code, name, text, status, write, read, hint, alert }
}

macro_rules! errors {
    ($($code:literal $name:ident $status:literal $write:ident $read:ident $hint:ident $alert:literal
       $text:expr;)*) => {
        /// The codes by name.
        pub mod code {
            $(#[doc = $text] pub const $name: i32 = $code;)*
        }

        /// Every code, from the largest down.
        pub const ERRORS: &[ErrorRow] = &[$(row(
            ($code, stringify!($name), $status),
            $text,
            ($write, $read),
            Hint::$hint,
            $alert,
        ),)*];
    };
}

errors! {
    -1000 UNKNOWN 500 Unknown Retry None false
        "An unknown error occurred while processing the request.";
    -1001 DISCONNECTED 500 Unknown Retry None false
        "Internal error; unable to process your request. Please try again.";
    -1002 UNAUTHORIZED 401 Stop Stop None true
        "You are not authorized to execute this request.";
    -1003 TOO_MANY_REQUESTS 429 Retry Retry None false
        concat!(
            "Too many requests; current limit of IP(%s) is %s requests per minute. Please use the",
            " websocket for live updates to avoid polling the API.",
        );
    -1006 UNEXPECTED_RESP 500 Unknown Retry None false
        "An unexpected response was received from the message bus. Execution status unknown.";
    -1007 TIMEOUT 408 Unknown Retry None false
        concat!(
            "Timeout waiting for response from backend server. Send status unknown; execution ",
            "status unknown.",
        );
    -1008 SERVER_BUSY 503 Retry Retry LowerConcurrency false
        concat!(
            "Request throttled by system-level protection. Reduce-only/close-position orders are ",
            "exempt. Please try again.",
        );
    -1010 ERROR_MSG_RECEIVED 400 Defect Defect None false
        "ERROR_MSG_RECEIVED.";
    -1011 NON_WHITE_LIST 401 Stop Stop None true
        "This IP cannot access this route.";
    -1013 INVALID_MESSAGE 400 Defect Defect None false
        "INVALID_MESSAGE.";
    -1014 UNKNOWN_ORDER_COMPOSITION 400 Defect Defect None false
        "Unsupported order combination.";
    -1015 TOO_MANY_ORDERS 429 Retry Retry None false
        "Too many new orders; current limit is %s orders per %s.";
    -1016 SERVICE_SHUTTING_DOWN 400 Stop Stop None true
        "This service is no longer available.";
    -1020 UNSUPPORTED_OPERATION 400 Stop Stop None true
        "This operation is not supported.";
    -1021 INVALID_TIMESTAMP 400 Clock Clock None false
        "Timestamp for this request is outside of the recvWindow.";
    -1022 INVALID_SIGNATURE 400 Defect Defect None true
        "Signature for this request is not valid.";
    -1023 START_TIME_GREATER_THAN_END_TIME 400 Defect Defect None false
        "Start time is greater than end time.";
    -1099 NOT_FOUND 401 Stop Stop None true
        "Not found, authenticated, or authorized.";
    -1100 ILLEGAL_CHARS 400 Defect Defect None false
        "Illegal characters found in parameter '%s'; legal range is '%s'.";
    -1101 TOO_MANY_PARAMETERS 400 Defect Defect None false
        "Too many parameters; expected '%s' and received '%s'.";
    -1102 MANDATORY_PARAM_EMPTY_OR_MALFORMED 400 Defect Defect None false
        "Mandatory parameter '%s' was not sent, was empty/null, or malformed.";
    -1103 UNKNOWN_PARAM 400 Defect Defect None false
        "An unknown parameter was sent.";
    -1104 UNREAD_PARAMETERS 400 Defect Defect None false
        "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.";
    -1105 PARAM_EMPTY 400 Defect Defect None false
        "Parameter '%s' was empty.";
    -1106 PARAM_NOT_REQUIRED 400 Defect Defect None false
        "Parameter '%s' sent when not required.";
    -1108 BAD_ASSET 400 Defect Defect None false
        "Invalid asset.";
    -1109 BAD_ACCOUNT 400 Stop Stop None true
        "Invalid account.";
    -1111 BAD_PRECISION 400 Metadata Metadata None false
        "Precision is over the maximum defined for this asset.";
    -1112 NO_DEPTH 400 Denied Denied None false
        "No orders on book for symbol.";
    -1114 TIF_NOT_REQUIRED 400 Defect Defect None false
        "TimeInForce parameter sent when not required.";
    -1115 INVALID_TIF 400 Defect Defect None false
        "Invalid timeInForce.";
    -1116 INVALID_ORDER_TYPE 400 Defect Defect None false
        "Invalid orderType.";
    -1117 INVALID_SIDE 400 Defect Defect None false
        "Invalid side.";
    -1118 EMPTY_NEW_CL_ORD_ID 400 Defect Defect None false
        "New client order ID was empty.";
    -1119 EMPTY_ORG_CL_ORD_ID 400 Defect Defect None false
        "Original client order ID was empty.";
    -1120 BAD_INTERVAL 400 Defect Defect None false
        "Invalid interval.";
    -1121 BAD_SYMBOL 400 Metadata Metadata DropSymbol false
        "Invalid symbol.";
    -1122 INVALID_SYMBOL_STATUS 400 Metadata Metadata DropSymbol false
        "Invalid symbol status.";
    -1125 INVALID_LISTEN_KEY 400 Retry Retry NewListenKey false
        "This listenKey does not exist.";
    -1126 ASSET_NOT_SUPPORTED 400 Defect Defect None false
        "This asset is not supported.";
    -1127 MORE_THAN_XX_HOURS 400 Defect Defect None false
        "More than %s hours between startTime and endTime.";
    -1128 OPTIONAL_PARAMS_BAD_COMBO 400 Defect Defect None false
        "Combination of optional parameters invalid.";
    -1130 INVALID_PARAMETER 400 Defect Defect None false
        "Data sent for parameter '%s' is not valid.";
    -1131 BAD_RECV_WINDOW 400 Defect Defect None false
        "recvWindow must be less than %s";
    -1136 INVALID_NEW_ORDER_RESP_TYPE 400 Defect Defect None false
        "Invalid newOrderRespType.";
    -2010 NEW_ORDER_REJECTED 400 Denied Denied None false
        "New order rejected.";
    -2011 CANCEL_REJECTED 400 Done Done QueryState false
        "Unknown order sent.";
    -2012 CANCEL_ALL_FAIL 400 Unknown Retry None false
        "Batch cancel failure.";
    -2013 NO_SUCH_ORDER 400 Denied Denied AbsentAfterWindow false
        "Order does not exist.";
    -2014 BAD_API_KEY_FMT 401 Stop Stop None true
        "API-key format invalid.";
    -2015 REJECTED_MBX_KEY 401 Stop Stop None true
        "Invalid API-key, IP, or permissions for action.";
    -2016 NO_TRADING_WINDOW 400 Denied Denied None false
        "No trading window could be found for the symbol. Try ticker/24hrs instead.";
    -2017 API_KEYS_LOCKED 401 Stop Stop None true
        "API Keys are locked on this account.";
    -2018 BALANCE_NOT_SUFFICIENT 400 Denied Denied None false
        "Balance is insufficient.";
    -2019 MARGIN_NOT_SUFFICIENT 400 Denied Denied None false
        "Margin is insufficient.";
    -2020 UNABLE_TO_FILL 400 Denied Denied None false
        "Unable to fill.";
    -2021 ORDER_WOULD_IMMEDIATELY_TRIGGER 400 Denied Denied CloseAtMarket false
        "Order would immediately trigger.";
    -2022 REDUCE_ONLY_REJECT 400 Denied Denied ReadPosition false
        "ReduceOnly Order is rejected.";
    -2023 USER_IN_LIQUIDATION 400 Stop Stop None true
        "User in liquidation mode now.";
    -2024 POSITION_NOT_SUFFICIENT 400 Denied Denied None false
        "Position is not sufficient.";
    -2025 MAX_OPEN_ORDER_EXCEEDED 400 Denied Denied None false
        "Reach max open order limit.";
    -2026 REDUCE_ONLY_ORDER_TYPE_NOT_SUPPORTED 400 Denied Denied None false
        "This OrderType is not supported when reduceOnly.";
    -2027 MAX_LEVERAGE_RATIO 400 Denied Denied None false
        "Exceeded the maximum allowable position at current leverage.";
    -2028 MIN_LEVERAGE_RATIO 400 Denied Denied None false
        "Leverage is smaller than permitted: insufficient margin balance.";
    -4000 INVALID_ORDER_STATUS 400 Denied Denied QueryState false
        "Invalid order status.";
    -4001 PRICE_LESS_THAN_ZERO 400 Metadata Metadata None false
        "Price less than 0.";
    -4002 PRICE_GREATER_THAN_MAX_PRICE 400 Metadata Metadata None false
        "Price greater than max price.";
    -4003 QTY_LESS_THAN_ZERO 400 Metadata Metadata None false
        "Quantity less than or equal to zero.";
    -4004 QTY_LESS_THAN_MIN_QTY 400 Metadata Metadata None false
        "Quantity less than min quantity.";
    -4005 QTY_GREATER_THAN_MAX_QTY 400 Metadata Metadata Split false
        "Quantity greater than max quantity.";
    -4006 STOP_PRICE_LESS_THAN_ZERO 400 Metadata Metadata None false
        "Stop price less than zero.";
    -4007 STOP_PRICE_GREATER_THAN_MAX_PRICE 400 Metadata Metadata None false
        "Stop price greater than max price.";
    -4013 PRICE_LESS_THAN_MIN_PRICE 400 Metadata Metadata None false
        "Price less than min price.";
    -4014 PRICE_NOT_INCREASED_BY_TICK_SIZE 400 Metadata Metadata None false
        "Price not increased by tick size.";
    -4015 INVALID_CL_ORD_ID_LEN 400 Defect Defect None false
        "Client order id length should not be more than 36 chars.";
    -4016 PRICE_HIGHER_THAN_MULTIPLIER_UP 400 Denied Denied Reprice false
        "Limit price can't be higher than %s.";
    -4021 INVALID_DEPTH_LIMIT 400 Defect Defect None false
        "'%s' is not valid depth limit.";
    -4022 WRONG_MARKET_STATUS 400 Metadata Metadata DropSymbol false
        "market status sent is not valid.";
    -4023 QTY_NOT_INCREASED_BY_STEP_SIZE 400 Metadata Metadata None false
        "Qty not increased by step size.";
    -4024 PRICE_LOWER_THAN_MULTIPLIER_DOWN 400 Denied Denied Reprice false
        "Limit price can't be lower than %s.";
    -4028 INVALID_LEVERAGE 400 Denied Denied ReadLeverage false
        "Leverage %s is not valid";
    -4031 INVALID_WORKING_TYPE 400 Defect Defect None false
        "Invalid parameter working type: %s.";
    -4032 EXCEED_MAX_CANCEL_ORDER_SIZE 400 Defect Defect None false
        "Exceed maximum cancel order size.";
    -4045 MAX_STOP_ORDER_EXCEEDED 400 Denied Denied CancelStale false
        "Reach max stop order limit.";
    -4046 NO_NEED_TO_CHANGE_MARGIN_TYPE 400 Done Done None false
        "No need to change margin type.";
    -4047 THERE_EXISTS_OPEN_ORDERS 400 Denied Denied FlattenFirst false
        "Margin type cannot be changed if there exists open orders.";
    -4048 THERE_EXISTS_QUANTITY 400 Denied Denied FlattenFirst false
        "Margin type cannot be changed if there exists position.";
    -4049 ADD_ISOLATED_MARGIN_REJECT 400 Defect Defect None false
        "Add margin only support for isolated position.";
    -4050 CROSS_BALANCE_INSUFFICIENT 400 Denied Denied None false
        "Cross balance insufficient.";
    -4051 ISOLATED_BALANCE_INSUFFICIENT 400 Denied Denied None false
        "Isolated balance insufficient.";
    -4052 NO_NEED_TO_CHANGE_AUTO_ADD_MARGIN 400 Done Done None false
        "No need to change auto add margin.";
    -4053 AUTO_ADD_CROSSED_MARGIN_REJECT 400 Defect Defect None false
        "Auto add margin only support for isolated position.";
    -4054 ADD_ISOLATED_MARGIN_NO_POSITION_REJECT 400 Denied Denied ReadPosition false
        "Cannot add position margin: position is 0.";
    -4055 AMOUNT_MUST_BE_POSITIVE 400 Defect Defect None false
        "Amount must be positive.";
    -4056 INVALID_API_KEY_TYPE 400 Stop Stop None true
        "Invalid api key type.";
    -4057 INVALID_RSA_PUBLIC_KEY 400 Stop Stop None true
        "Invalid api public key.";
    -4059 NO_NEED_TO_CHANGE_POSITION_SIDE 400 Done Done None false
        "No need to change position side.";
    -4060 INVALID_POSITION_SIDE 400 Defect Defect ReadPositionMode false
        "Invalid position side.";
    -4061 POSITION_SIDE_NOT_MATCH 400 Defect Defect ReadPositionMode true
        "Order's position side does not match user's setting.";
    -4062 REDUCE_ONLY_CONFLICT 400 Defect Defect ReadPositionMode false
        "Invalid or improper reduceOnly value.";
    -4067 POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS 400 Denied Denied FlattenFirst false
        "Position side cannot be changed if there exists open orders.";
    -4068 POSITION_SIDE_CHANGE_EXISTS_QUANTITY 400 Denied Denied FlattenFirst false
        "Position side cannot be changed if there exists position.";
    -4082 INVALID_BATCH_PLACE_ORDER_SIZE 400 Defect Defect None false
        "Invalid number of batch place orders.";
    -4083 PLACE_BATCH_ORDERS_FAIL 400 Unknown Retry None false
        "Fail to place batch orders.";
    -4084 UPCOMING_METHOD 400 Stop Stop None true
        "Method is not allowed currently. Upcoming soon.";
    -4087 REDUCE_ONLY_ORDER_PERMISSION 400 Denied Denied ReduceOnlyMode true
        "User can only place reduce only order.";
    -4088 NO_PLACE_ORDER_PERMISSION 400 Denied Denied ReduceOnlyMode true
        "User can not place order currently.";
    -4104 INVALID_CONTRACT_TYPE 400 Defect Defect None false
        "Invalid contract type.";
    -4105 TRADING_RESTRICTED_4105 400 Denied Denied ReduceOnlyMode true
        "Trading is restricted for this account or symbol.";
    -4106 TRADING_RESTRICTED_4106 400 Denied Denied ReduceOnlyMode true
        "Trading is restricted for this account or symbol.";
    -4107 TRADING_RESTRICTED_4107 400 Denied Denied ReduceOnlyMode true
        "Trading is restricted for this account or symbol.";
    -4109 INACTIVE_ACCOUNT 400 Stop Stop None true
        "This account is inactive.";
    -4116 DUPLICATED_CLIENT_ORDER_ID 400 Unknown Retry Landed false
        "ClientOrderId is duplicated.";
    -4117 STOP_ORDER_TRIGGERING 400 Unknown Retry AskAgain false
        "Stop order is triggering.";
    -4118 REDUCE_ONLY_MARGIN_CHECK_FAILED 400 Denied Denied CancelSameSide false
        "ReduceOnly Order Failed. Please check your existing position and open orders.";
    -4120 STOP_ORDER_SWITCH_ALGO 400 Defect Defect None true
        concat!(
            "Order type not supported for this endpoint. Please use the Algo Order API endpoints ",
            "instead.",
        );
    -4131 MARKET_ORDER_REJECT 400 Denied Denied Reprice false
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit.";
    -4135 INVALID_ACTIVATION_PRICE 400 Defect Defect None false
        "Invalid activation price.";
    -4137 QUANTITY_EXISTS_WITH_CLOSE_POSITION 400 Defect Defect None false
        "Quantity must be zero with closePosition equals true.";
    -4138 REDUCE_ONLY_MUST_BE_TRUE 400 Defect Defect None false
        "Reduce only must be true with closePosition equals true.";
    -4139 ORDER_TYPE_CANNOT_BE_MKT 400 Denied Denied None false
        "Order type can not be market if it's unable to cancel.";
    -4140 INVALID_OPENING_POSITION_STATUS 400 Metadata Metadata DropSymbol false
        "Invalid symbol status for opening position.";
    -4141 SYMBOL_ALREADY_CLOSED 400 Metadata Metadata DropSymbol false
        "Symbol is closed.";
    -4142 STRATEGY_INVALID_TRIGGER_PRICE 400 Denied Denied CloseAtMarket false
        "REJECT: take profit or stop order will be triggered immediately.";
    -4144 INVALID_PAIR 400 Metadata Metadata DropSymbol false
        "Invalid pair.";
    -4161 ISOLATED_LEVERAGE_REJECT_WITH_POSITION 400 Denied Denied None false
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.";
    -4164 MIN_NOTIONAL 400 Denied Denied None false
        "Order's notional must be no smaller than %s (unless you choose reduce only).";
    -4165 INVALID_TIME_INTERVAL 400 Defect Defect None false
        "Maximum time interval is %s days.";
    -4167 ISOLATED_REJECT_WITH_JOINT_MARGIN 400 Denied Denied FlattenFirst false
        concat!(
            "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under ",
            "isolated-margin mode.",
        );
    -4168 JOINT_MARGIN_REJECT_WITH_ISOLATED 400 Denied Denied FlattenFirst false
        "Unable to adjust to isolated-margin mode under the Multi-Assets mode.";
    -4169 JOINT_MARGIN_REJECT_WITH_MB 400 Denied Denied None false
        "Unable to adjust Multi-Assets Mode with insufficient margin balance in USDⓈ-M Futures.";
    -4170 JOINT_MARGIN_REJECT_WITH_OPEN_ORDER 400 Denied Denied FlattenFirst false
        "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures.";
    -4171 NO_NEED_TO_CHANGE_JOINT_MARGIN 400 Done Done None false
        "No need to change asset mode.";
    -4172 JOINT_MARGIN_REJECT_WITH_NEGATIVE_BALANCE 400 Denied Denied None false
        concat!(
            "Unable to adjust Multi-Assets Mode with a negative wallet balance of margin ",
            "available asset in USDⓈ-M Futures account.",
        );
    -4183 PRICE_HIGHER_THAN_STOP_MULTIPLIER_UP 400 Denied Denied ClampPrice false
        "Price is higher than stop price multiplier cap. Limit price can't be higher than %s.";
    -4184 PRICE_LOWER_THAN_STOP_MULTIPLIER_DOWN 400 Denied Denied ClampPrice false
        "Price is lower than stop price multiplier floor. Limit price can't be lower than %s.";
    -4189 TRADING_RESTRICTED_4189 400 Denied Denied ReduceOnlyMode true
        "Trading is restricted for this account or symbol.";
    -4192 COOLING_OFF_PERIOD 400 Stop Stop None true
        "Trade forbidden due to Cooling-off Period.";
    -4202 ADJUST_LEVERAGE_KYC_FAILED 400 Denied Denied CapLeverage true
        "Intermediate Personal Verification is required for adjusting leverage over 20x.";
    -4203 ADJUST_LEVERAGE_ONE_MONTH_FAILED 400 Denied Denied CapLeverage true
        "More than 20x leverage is available one month after account registration.";
    -4204 ADJUST_LEVERAGE_FAILED_4204 400 Denied Denied CapLeverage true
        "This leverage is not available for the account.";
    -4205 ADJUST_LEVERAGE_X_DAYS_FAILED 400 Denied Denied CapLeverage true
        "More than 20x leverage is available %s days after Futures account registration.";
    -4206 ADJUST_LEVERAGE_KYC_LIMIT 400 Denied Denied CapLeverage true
        "Users in this country has limited adjust leverage.";
    -4207 ADJUST_LEVERAGE_FAILED_4207 400 Denied Denied CapLeverage true
        "This leverage is not available for the account.";
    -4208 ADJUST_LEVERAGE_ACCOUNT_SYMBOL_FAILED 400 Denied Denied CapLeverage true
        "Current symbol leverage cannot exceed 20 when using position limit adjustment service.";
    -4209 ADJUST_LEVERAGE_SYMBOL_FAILED 400 Denied Denied CapLeverage true
        "The max leverage of Symbol is 20x.";
    -4210 STOP_PRICE_HIGHER_THAN_PRICE_MULTIPLIER_LIMIT 400 Denied Denied ClampPrice false
        "Stop price is higher than price multiplier cap. Stop price can't be higher than %s.";
    -4211 STOP_PRICE_LOWER_THAN_PRICE_MULTIPLIER_LIMIT 400 Denied Denied ClampPrice false
        "Stop price is lower than price multiplier floor. Stop price can't be lower than %s.";
    -4400 TRADING_QUANTITATIVE_RULE 400 Denied Denied ReduceOnlyMode true
        concat!(
            "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, ",
            "please try again later.",
        );
    -4401 LARGE_POSITION_SYM_RULE 400 Denied Denied ReduceOnlyMode true
        concat!(
            "Futures Trading Risk Control Rules of large position holding violated, only ",
            "reduceOnly order is allowed, please reduce the position.",
        );
    -4402 COMPLIANCE_BLACK_SYMBOL_RESTRICTION 400 Stop Stop None true
        "This feature is currently not available in your region.";
    -4403 ADJUST_LEVERAGE_COMPLIANCE_FAILED 400 Denied Denied CapLeverage true
        "The leverage can only up to 10x in your region.";
    -4531 POSITION_MODE_SYNC 400 Denied Denied FlattenFirst false
        concat!(
            "Position mode is being synchronised with COIN-M Futures; close positions and orders ",
            "there first.",
        );
    -5021 FOK_ORDER_REJECT 400 Denied Denied Reprice false
        concat!(
            "Due to the order could not be filled immediately, the FOK order has been rejected. ",
            "The order will not be recorded in the order history.",
        );
    -5022 GTX_ORDER_REJECT 400 Denied Denied Reprice false
        concat!(
            "Due to the order could not be executed as maker, the Post Only order will be ",
            "rejected. The order will not be recorded in the order history.",
        );
    -5024 MOVE_ORDER_NOT_ALLOWED_SYMBOL_REASON 400 Denied Denied Replace false
        "Symbol is not in trading status. Order amendment is not permitted.";
    -5025 LIMIT_ORDER_ONLY 400 Denied Denied Replace false
        "Only limit order is supported.";
    -5026 EXCEED_MAXIMUM_MODIFY_ORDER_LIMIT 400 Denied Denied Replace false
        "Exceed maximum modify order limit.";
    -5027 SAME_ORDER 400 Done Done None false
        "No need to modify the order.";
    -5028 ME_RECVWINDOW_REJECT 400 Clock Clock None false
        "Timestamp for this request is outside of the ME recvWindow.";
    -5029 MODIFICATION_MIN_NOTIONAL 400 Denied Denied Replace false
        "Order's notional must be no smaller than %s.";
    -5037 INVALID_PRICE_MATCH 400 Defect Defect None false
        "Invalid price match.";
    -5038 UNSUPPORTED_ORDER_TYPE_PRICE_MATCH 400 Defect Defect None false
        "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT.";
    -5039 INVALID_SELF_TRADE_PREVENTION_MODE 400 Defect Defect None false
        "Invalid self trade prevention mode.";
    -5040 FUTURE_GOOD_TILL_DATE 400 Defect Defect None false
        concat!(
            "The goodTillDate timestamp must be greater than the current time plus 600 seconds ",
            "and smaller than 253402300799000.",
        );
    -5041 BBO_ORDER_REJECT 400 Denied Denied Reprice false
        "No depth matches this BBO order.";
    -5043 PENDING_MODIFICATION 400 Denied Denied Replace false
        "A pending modification already exists for this order.";
    -5047 AMEND_REDUCE_ONLY_REJECT 400 Denied Denied Replace false
        "The reduceOnly value of this order can not be amended.";
}
