"""The official Python connector: REST, WebSocket API, WebSocket streams, HMAC and Ed25519.

Its models name every field of every reply. A reply that the connector can only read with its types
relaxed, or not at all, fails the step; so does a reply that leaves fields of the model out, but for
those that `MAY_MISS` names with the reason.
"""

import asyncio
import logging
import tempfile

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, TooManyRequestsError
from binance_sdk_derivatives_trading_usds_futures import (
    derivatives_trading_usds_futures as connector,
)
from binance_sdk_derivatives_trading_usds_futures.rest_api import models as rest
from binance_sdk_derivatives_trading_usds_futures.websocket_api import models as wsapi
from pydantic import BaseModel

from harness import Exchange, Suite, account, check, ed25519_pair, near, raises, same
from python_binance import Market

# Fields of the connector's models that a true reply may leave out.
MAY_MISS = {
    "code", "msg",  # of a refused line of a batch
    "modifyId",  # only when the request had one
    "activatePrice", "priceRate", "callbackRate",  # of trailing stops only
    "icebergQuantity", "autoAssetExchange",  # null
    "notionalCoef",  # of accounts with their own brackets
    "M",  # echo of modifyId
    "HEDGE",  # adlQuantile: BOTH in one-way mode
}
# The same by path: a filter has the fields of its own kind; the top level of a reply of the
# WebSocket API has none of a book; what a user event says only on its occasion.
MAY_MISS_AT = ("symbols.filters.", "bids", "asks", "a.S", "ai", "ac", "o.rm", "o.AP", "o.cr")


# Of what the connector logs, what is about a reply's shape or a socket that did not open.
COMPLAINTS = ("did not match", "Failed to parse", "Unknown user data", "failed to connect")


class Complaints(logging.Handler):
    """What the connector says about replies that do not fit its models."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = []

    def emit(self, record):
        """Keeps what is about the exchange."""
        said = record.getMessage()
        if any(word in said for word in COMPLAINTS):
            self.heard.append(said[:300])


def missing(model, path=""):
    """The fields that a model has and its reply left out."""
    if isinstance(model, list):
        return [m for one in model[:3] for m in missing(one, path)]
    if not isinstance(model, BaseModel):
        return []
    if "actual_instance" in type(model).model_fields:
        return missing(model.actual_instance, path)
    found = []
    for name, field in type(model).model_fields.items():
        alias, value = field.alias or name, getattr(model, name)
        free = alias in MAY_MISS or f"{path}{alias}".startswith(MAY_MISS_AT)
        if value is None and not free:
            found.append(f"{path}{alias}")
        else:
            found += missing(value, f"{path}{alias}.")
    return found


class Connector:
    """The connector under test, with its complaints."""

    def __init__(self, exchange, key, private_key=None):
        self.complaints = Complaints()
        logging.getLogger().addHandler(self.complaints)
        logging.getLogger().setLevel(logging.WARNING)
        auth = {"api_key": key}
        auth.update({"private_key": private_key} if private_key else
                    {"api_secret": f"{key}-secret"})
        self.all = connector.DerivativesTradingUsdsFutures(
            config_rest_api=ConfigurationRestAPI(**auth, base_path=exchange.http, timeout=10_000),
            config_ws_api=ConfigurationWebSocketAPI(
                **auth, stream_url=exchange.ws + "/ws-fapi/v1"
            ),
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=exchange.ws),
        )
        self.rest = self.all.rest_api

    def whole(self, reply):
        """The reply's model, which must be whole and of its types."""
        data = reply.data()
        same(self.complaints.heard, [], "the connector complains")
        gone = missing(data)
        same(sorted(set(gone)), [], f"{type(data).__name__} lacks fields")
        return getattr(data, "actual_instance", data)

    def quiet(self):
        """Forgets what was heard."""
        self.complaints.heard.clear()


def public(suite, exchange, sdk):
    """Everything without a key."""
    name, api, whole = exchange.symbols[0], sdk.rest, sdk.whole
    with suite.step("time, exchange info"):
        api.test_connectivity()
        check(whole(api.check_server_time()).server_time > 0, "time")
        info = whole(api.exchange_information())
        same(sorted(s.symbol for s in info.symbols), sorted(exchange.symbols), "symbols")
        has_grid = {f.filter_type for f in info.symbols[0].filters}
        check({"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE",
               "MAX_NUM_ORDERS"} <= has_grid, f"filters {has_grid}")
    sdk.quiet()
    reply = api.symbol_price_ticker_v2(symbol=name)
    last = float(reply.data().actual_instance.price)
    raw_info = api.exchange_information().data()
    row = next(s for s in raw_info.symbols if s.symbol == name)
    filters = [{"filterType": f.filter_type, "tickSize": f.tick_size, "stepSize": f.step_size}
               for f in row.filters]
    market = Market({"symbol": name, "filters": filters}, last)
    interval = rest.KlineCandlestickDataIntervalEnum.INTERVAL_1m
    calls = {
        "depth": lambda: api.order_book(symbol=name, limit=5),
        "recent trades": lambda: api.recent_trades_list(symbol=name, limit=5),
        "aggregate trades": lambda: api.compressed_aggregate_trades_list(symbol=name, limit=5),
        "mark price": lambda: api.mark_price(symbol=name),
        "mark prices": lambda: api.mark_price(),
        "funding history": lambda: api.get_funding_rate_history(symbol=name, limit=3),
        "funding info": lambda: api.get_funding_rate_info(),
        "24 h ticker": lambda: api.ticker24hr_price_change_statistics(symbol=name),
        "24 h tickers": lambda: api.ticker24hr_price_change_statistics(),
        "price": lambda: api.symbol_price_ticker_v2(symbol=name),
        "prices": lambda: api.symbol_price_ticker_v2(),
        "quote": lambda: api.symbol_order_book_ticker(symbol=name),
        "quotes": lambda: api.symbol_order_book_ticker(),
        "open interest": lambda: api.open_interest(symbol=name),
    }
    for call, ask in calls.items():
        sdk.quiet()
        with suite.step(f"rest: {call}"):
            check(whole(ask()) is not None, "a reply")
    with suite.step("rest: klines, continuous klines"):
        rows = api.kline_candlestick_data(symbol=name, interval=interval, limit=10).data()
        same([len(r) for r in rows], [12] * 10, "columns")
        other = api.continuous_contract_kline_candlestick_data(
            pair=name, contract_type="PERPETUAL", interval="1m", limit=10
        ).data()
        same(other, rows, "by both names")
    with suite.step("rest: limits are read from the headers"):
        limits = api.test_connectivity().rate_limits
        check(any(r.rateLimitType == "REQUEST_WEIGHT" and r.count > 0 for r in limits), limits)
    return market


def account_list(suite, sdk, market):
    """What an account says and how it is set."""
    name, api, whole = market.symbol, sdk.rest, sdk.whole
    sdk.quiet()
    calls = {
        "balance v2": lambda: api.futures_account_balance_v2(),
        "balance v3": lambda: api.futures_account_balance_v3(),
        "account v2": lambda: api.account_information_v2(),
        "account v3": lambda: api.account_information_v3(),
        "account configuration": lambda: api.futures_account_configuration(),
        "symbol configuration": lambda: api.symbol_configuration(symbol=name),
        "brackets": lambda: api.notional_and_leverage_brackets(symbol=name),
        "all brackets": lambda: api.notional_and_leverage_brackets(),
        "commission": lambda: api.user_commission_rate(symbol=name),
        "order limits": lambda: api.query_user_rate_limit(),
        "position mode": lambda: api.get_current_position_mode(),
        "asset mode": lambda: api.get_current_multi_assets_mode(),
        "leverage": lambda: api.change_initial_leverage(symbol=name, leverage=10),
        "margin type": lambda: api.change_margin_type(symbol=name, margin_type="ISOLATED"),
        "margin type back": lambda: api.change_margin_type(symbol=name, margin_type="CROSSED"),
    }
    for call, ask in calls.items():
        sdk.quiet()
        with suite.step(f"rest: {call}"):
            check(whole(ask()) is not None, "a reply")
    with suite.step("rest: refusals carry code and text"):
        with raises(BadRequestError, "No need to change position side"):
            api.change_position_mode(dual_side_position="false")
        try:
            api.change_margin_type(symbol=name, margin_type="CROSSED")
        except BadRequestError as error:
            same(error.status_code, -4046, "code")
        else:
            raise AssertionError("accepted twice")


def trading(suite, exchange, sdk, market):
    """Orders of every kind, by REST."""
    name, api, whole = market.symbol, sdk.rest, sdk.whole
    quantity = float(market.quantity())
    below, lower = float(market.price(0.97)), float(market.price(0.96))
    line = {"symbol": name, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC",
            "quantity": quantity}
    sdk.quiet()
    with suite.step("rest: limit order, query, amend, cancel"):
        order = whole(api.new_order(**line, price=below))
        same((order.status, order.type, order.side), ("NEW", "LIMIT", "BUY"), "order")
        found = whole(api.query_order(symbol=name, order_id=order.order_id))
        same((found.status, float(found.price)), ("NEW", below), "found")
        same(whole(api.query_current_open_order(
            symbol=name, orig_client_order_id=order.client_order_id)).order_id, order.order_id)
        same([o.order_id for o in whole(api.current_all_open_orders(symbol=name))],
             [order.order_id], "open")
        changed = whole(api.modify_order(
            symbol=name, side="BUY", quantity=quantity, price=lower, order_id=order.order_id,
            modify_id=7,
        ))
        same((float(changed.price), changed.modify_id), (lower, 7), "changed")
        gone = whole(api.cancel_order(symbol=name, order_id=order.order_id))
        same(gone.status, "CANCELED", "status")
        amendment = whole(api.get_order_modify_history(symbol=name, order_id=order.order_id))[0]
        near(amendment.amendment.price.after, lower, what="amended to")
    sdk.quiet()
    with suite.step("rest: batch of orders, amended and cancelled together"):
        item = rest.PlaceMultipleOrdersBatchOrdersParameterInner
        common = {"symbol": name, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                  "quantity": quantity}
        replies = whole(api.place_multiple_orders(
            batch_orders=[item(**common, price=below), item(**common, price=lower)]))
        same([r.status for r in replies], ["NEW", "NEW"], "placed")
        edit = rest.ModifyMultipleOrdersBatchOrdersParameterInner
        replies = whole(api.modify_multiple_orders(batch_orders=[
            edit(orderId=r.order_id, symbol=name, side="BUY", quantity=quantity, price=p)
            for r, p in zip(replies, (lower, below))]))
        same([float(r.price) for r in replies], [lower, below], "amended")
        replies = whole(api.cancel_multiple_orders(
            symbol=name, order_id_list=[r.order_id for r in replies]))
        same([r.status for r in replies], ["CANCELED", "CANCELED"], "cancelled")
        api.new_order(**line, price=below, new_client_order_id="one-by-name")
        replies = whole(api.cancel_multiple_orders(
            symbol=name, orig_client_order_id_list=["one-by-name"]))
        same(replies[0].client_order_id, "one-by-name", "by client id")
    sdk.quiet()
    with suite.step("rest: cancel all, countdown, test order"):
        api.new_order(**line, price=below)
        same(whole(api.cancel_all_open_orders(symbol=name)).code, 200, "code")
        same(whole(api.auto_cancel_all_open_orders(symbol=name, countdown_time=0)).symbol, name)
        whole(api.test_order(**line, price=below))
        same(whole(api.current_all_open_orders(symbol=name)), [], "open")
    sdk.quiet()
    with suite.step("rest: market order, position, trades, income"):
        filled = whole(api.new_order(symbol=name, side="BUY", type="MARKET", quantity=quantity,
                                     new_order_resp_type="RESULT"))
        same((filled.status, float(filled.executed_qty)), ("FILLED", quantity), "filled")
        near(whole(api.position_information_v3(symbol=name))[0].position_amt, quantity)
        near(whole(api.position_information_v2(symbol=name))[0].position_amt, quantity)
        near(whole(api.account_information_v3()).positions[0].position_amt, quantity)
        trades = whole(api.account_trade_list(symbol=name))
        near(sum(float(t.qty) for t in trades), quantity)
        check(whole(api.get_income_history(symbol=name))[0].income_type == "COMMISSION", "income")
        whole(api.position_adl_quantile_estimation(symbol=name))
        same(whole(api.users_force_orders(symbol=name)), [], "no liquidation")
    sdk.quiet()
    with suite.step("rest: algo orders"):
        stop = whole(api.new_algo_order(
            algo_type="CONDITIONAL", symbol=name, side="SELL", type="STOP_MARKET",
            trigger_price=float(market.price(0.97)), close_position="true",
            working_type="MARK_PRICE"))
        same((stop.algo_status, stop.order_type, stop.close_position), ("NEW", "STOP_MARKET", True))
        target = whole(api.new_algo_order(
            algo_type="CONDITIONAL", symbol=name, side="SELL", type="TAKE_PROFIT",
            trigger_price=float(market.price(1.03)), price=float(market.price(1.03)),
            quantity=quantity, reduce_only="true", time_in_force="GTC"))
        found = whole(api.query_algo_order(algo_id=stop.algo_id))
        same(found.client_algo_id, stop.client_algo_id, "found")
        same(len(whole(api.current_all_algo_open_orders(symbol=name))), 2, "open")
        gone = whole(api.cancel_algo_order(client_algo_id=target.client_algo_id))
        same((gone.code, gone.algo_id), ("200", target.algo_id), "cancelled")
        same(whole(api.cancel_all_algo_open_orders(symbol=name)).code, 200, "all")
        check(len(whole(api.query_all_algo_orders(symbol=name))) >= 2, "history")
        api.new_order(
            symbol=name, side="SELL", type="MARKET", quantity=quantity, reduce_only="true")
        check(len(whole(api.all_orders(symbol=name))) >= 5, "all orders")
    with suite.step("rest: 429 is its own error"):
        exchange.fault("http_429", "GET /fapi/v1/premiumIndex")
        with raises(TooManyRequestsError):
            api.mark_price(symbol=name)
        exchange.no_faults()


async def market_streams(suite, exchange, sdk, market):
    """Every stream that the connector knows and the exchange has."""
    name = market.symbol
    connection = await sdk.all.websocket_streams.create_connection()
    check(connection is not None, f"no connection: {sdk.complaints.heard}")
    same(len(connection.connections), 3, "three routed sockets")
    calls = {
        "kline": lambda: connection.kline_candlestick_streams(symbol=name.lower(), interval="1m"),
        "continuous kline": lambda: connection.continuous_contract_kline_candlestick_streams(
            pair=name.lower(), contract_type="perpetual", interval="1m"),
        "aggregate trade": lambda: connection.aggregate_trade_streams(symbol=name.lower()),
        "mark price": lambda: connection.mark_price_stream(symbol=name.lower()),
        "mark prices": lambda: connection.mark_price_stream_for_all_market(),
        "ticker": lambda: connection.individual_symbol_ticker_streams(symbol=name.lower()),
        "tickers": lambda: connection.all_market_tickers_streams(),
        "mini ticker": lambda: connection.individual_symbol_mini_ticker_stream(
            symbol=name.lower()),
        "mini tickers": lambda: connection.all_market_mini_tickers_stream(),
        "book ticker": lambda: connection.individual_symbol_book_ticker_streams(
            symbol=name.lower()),
        "book tickers": lambda: connection.all_book_tickers_stream(),
        "depth of five": lambda: connection.partial_book_depth_streams(
            symbol=name.lower(), levels="5"),
        "depth": lambda: connection.diff_book_depth_streams(symbol=name.lower()),
        "depth at 100 ms": lambda: connection.diff_book_depth_streams(
            symbol=name.lower(), update_speed="100ms"),
    }
    for call, subscribe in calls.items():
        sdk.quiet()
        with suite.step(f"stream: {call}"):
            came = asyncio.get_running_loop().create_future()

            def take(message, came=came):
                if not came.done():
                    came.set_result(message)

            handle = await subscribe()
            handle.on("message", take)
            message = await exchange.stepped(came)
            same(sdk.complaints.heard, [], "the connector complains")
            same(sorted(set(missing(message))), [], f"{call} lacks fields")
            await handle.unsubscribe()
    with suite.step("stream: subscriptions are listed"):
        handle = await connection.aggregate_trade_streams(symbol=name.lower())
        listed = await connection.list_subscribe()
        check(f"{name.lower()}@aggTrade" in str(listed), f"{listed}")
        await handle.unsubscribe()
    return connection


async def user_stream(suite, exchange, sdk, connection, market):
    """The user stream by SUBSCRIBE of a listen key."""
    name, api, quantity = market.symbol, sdk.rest, float(market.quantity())
    sdk.quiet()
    with suite.step("user stream: order, trade, account, configuration, algo"):
        key = sdk.whole(await asyncio.to_thread(api.start_user_data_stream)).listen_key
        events = []
        handle = await connection.user_data(key)
        handle.on("message", lambda message: events.append(message.actual_instance))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(api.change_initial_leverage, symbol=name, leverage=9)
        await asyncio.to_thread(
            api.new_order, symbol=name, side="BUY", type="MARKET", quantity=quantity)
        algo = await asyncio.to_thread(
            api.new_algo_order, algo_type="CONDITIONAL", symbol=name, side="SELL",
            type="STOP_MARKET", trigger_price=float(market.price(0.9)), close_position="true")
        await asyncio.to_thread(api.cancel_algo_order, algo_id=algo.data().algo_id)
        await asyncio.to_thread(
            api.new_order, symbol=name, side="SELL", type="MARKET", quantity=quantity)
        wanted = {"OrderTradeUpdate", "TradeLite", "AccountUpdate", "AccountConfigUpdate",
                  "AlgoUpdate"}
        for _ in range(100):
            if wanted <= {type(e).__name__ for e in events}:
                break
            await asyncio.sleep(0.05)
        same(wanted - {type(e).__name__ for e in events}, set(), "events that did not come")
        same(sdk.complaints.heard, [], "the connector complains")
        updates = [e for e in events if type(e).__name__ == "OrderTradeUpdate"]
        fill = next(e for e in updates if e.o.x == "TRADE")
        near(fill.o.z, quantity)
        same((fill.o.s, fill.o.X), (name, "FILLED"), "fill")
        for kind in sorted(wanted):
            one = next(e for e in events if type(e).__name__ == kind)
            same(missing(one), [], f"{kind} lacks fields")
        await asyncio.to_thread(api.keepalive_user_data_stream)
        await asyncio.to_thread(api.close_user_data_stream)
    await connection.close_connection(close_session=True)


async def ws_api(suite, sdk, market, logon=False):
    """The WebSocket API; with Ed25519 after a logon of the session."""
    name, quantity = market.symbol, float(market.quantity())
    below, lower = float(market.price(0.97)), float(market.price(0.96))
    kind = "ws api, logged on" if logon else "ws api"
    whole = sdk.whole
    sdk.quiet()
    connection = await sdk.all.websocket_api.create_connection()
    check(connection is not None, f"no connection: {sdk.complaints.heard}")
    if logon:
        with suite.step(f"{kind}: session.logon, then neither key nor signature"):
            reply = await connection.send_signed_message(
                payload={"method": "session.logon", "params": {}},
                signer=connection.signer, session_logon=True,
            )
            check(reply.data()["status"] == 200, f"{reply.data()}")
    with suite.step(f"{kind}: depth, price, quote"):
        book = whole(await connection.order_book(symbol=name, limit=5)).result
        check(book.last_update_id > 0, "a book")
        check(whole(await connection.symbol_price_ticker(symbol=name)) is not None, "price")
        check(whole(await connection.symbol_order_book_ticker(symbol=name)) is not None, "quote")
    sdk.quiet()
    with suite.step(f"{kind}: place, query, modify, cancel"):
        side, limit = wsapi.NewOrderSideEnum.BUY, wsapi.NewOrderTypeEnum.LIMIT
        reply = whole(await connection.new_order(
            symbol=name, side=side, type=limit, quantity=quantity, price=below,
            time_in_force="GTC"))
        same((reply.status, reply.result.status), (200, "NEW"), "placed")
        ident = reply.result.order_id
        found = whole(await connection.query_order(symbol=name, order_id=ident)).result
        same(found.order_id, ident, "found")
        changed = whole(await connection.modify_order(
            symbol=name, side="BUY", quantity=quantity, price=lower, order_id=ident)).result
        near(changed.price, lower)
        gone = whole(await connection.cancel_order(symbol=name, order_id=ident)).result
        same(gone.status, "CANCELED", "cancelled")
        limits = (await connection.query_order(symbol=name, order_id=ident)).rate_limits
        check(any(r.rateLimitType == "REQUEST_WEIGHT" for r in limits), f"limits {limits}")
        refused = (await connection.cancel_order(symbol=name, order_id=ident)).data()
        same(refused["error"]["code"], -2011, "code of the refusal")
    sdk.quiet()
    with suite.step(f"{kind}: algo order"):
        algo = whole(await connection.new_algo_order(
            algo_type="CONDITIONAL", symbol=name, side="BUY", type="STOP_MARKET",
            trigger_price=float(market.price(1.05)), quantity=quantity)).result
        same(algo.algo_status, "NEW", "placed")
        gone = whole(await connection.cancel_algo_order(algo_id=algo.algo_id)).result
        same(gone.algo_id, algo.algo_id, "cancelled")
    sdk.quiet()
    with suite.step(f"{kind}: account, balance, position, of both versions"):
        for call in ["futures_account_balance", "futures_account_balance_v2", "account_information",
                     "account_information_v2", "position_information", "position_information_v2"]:
            check(whole(await getattr(connection, call)()).status == 200, call)
    sdk.quiet()
    with suite.step(f"{kind}: listen key"):
        key = whole(await connection.start_user_data_stream()).result.listen_key
        same(whole(await connection.keepalive_user_data_stream()).result.listen_key, key, "renewed")
        check(whole(await connection.close_user_data_stream()).status == 200, "closed")
    await connection.close_connection(close_session=True)


async def over_sockets(suite, exchange, sdk, signed, market):
    """All that goes over WebSocket."""
    connection = await market_streams(suite, exchange, sdk, market)
    await user_stream(suite, exchange, sdk, connection, market)
    await ws_api(suite, sdk, market)
    await ws_api(suite, signed, market, logon=True)


def main():
    """The whole list."""
    suite = Suite("official connector")
    with tempfile.TemporaryDirectory() as folder:
        private, pem = ed25519_pair(folder)
        accounts = [account("main", 10_000), f"key=ed,pubkey={pem},balance=10000"]
        exchange = Exchange(accounts, seed=19)
        sdk = Connector(exchange, "main")
        signed = Connector(exchange, "ed", private)
        market = public(suite, exchange, sdk)
        account_list(suite, sdk, market)
        trading(suite, exchange, sdk, market)
        with suite.step("rest: Ed25519"):
            near(signed.whole(signed.rest.futures_account_balance_v3())[0].balance, 10_000)
            order = signed.rest.new_order(
                symbol=market.symbol, side="BUY", type="LIMIT", time_in_force="GTC",
                quantity=float(market.quantity()), price=float(market.price(0.97))).data()
            same(order.status, "NEW", "placed")
            signed.rest.cancel_order(symbol=market.symbol, order_id=order.order_id)
        asyncio.run(over_sockets(suite, exchange, sdk, signed, market))
        suite.finish(exchange)


if __name__ == "__main__":
    main()
