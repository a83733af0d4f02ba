"""python-binance: blocking client, asynchronous client, socket manager, WebSocket API."""

import asyncio
import contextlib
import logging
import tempfile

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

from harness import (
    MINUTE,
    Blocking,
    Exchange,
    Suite,
    account,
    check,
    ed25519_pair,
    has,
    near,
    raises,
    run,
    same,
)


def point(client, exchange):
    """Points a client at the exchange, as its users do: by its URLs."""
    client.FUTURES_URL = exchange.http + "/fapi"
    client.FUTURES_DATA_URL = exchange.http + "/futures/data"
    client.ws_future._url = exchange.ws + "/ws-fapi/v1"
    return client


def text(number, grid):
    """A number on a grid, as text."""
    places = len(grid.rstrip("0").split(".")[1]) if "." in grid else 0
    return f"{int(number / float(grid) + 1e-9) * float(grid):.{places}f}"


class Market:
    """A symbol with its grids and its last price."""

    def __init__(self, row, last):
        filters = {f["filterType"]: f for f in row["filters"]}
        self.symbol = row["symbol"]
        self.tick = filters["PRICE_FILTER"]["tickSize"]
        self.step = filters["LOT_SIZE"]["stepSize"]
        self.last = last

    def price(self, factor):
        """The last price times so much, on the grid."""
        return text(self.last * factor, self.tick)

    def quantity(self, notional=600.0):
        """A quantity worth about so much."""
        return text(notional / self.last, self.step)


async def public(suite, exchange, x):
    """Everything without a key."""
    name = exchange.symbols[0]
    with suite.step("ping, time, exchange info"):
        same(await x.futures_ping(), {}, "ping")
        check((await x.futures_time())["serverTime"] > 1_600_000_000_000, "time")
        info = await x.futures_exchange_info()
        same([s["symbol"] for s in info["symbols"]], sorted(exchange.symbols), "symbols")
        limits = {(r["rateLimitType"], r["interval"], r["intervalNum"]): r["limit"]
                  for r in info["rateLimits"]}
        same(limits, {("REQUEST_WEIGHT", "MINUTE", 1): 2400, ("ORDERS", "MINUTE", 1): 1200,
                      ("ORDERS", "SECOND", 10): 300}, "limits")
    last = float((await x.futures_symbol_ticker(symbol=name))["price"])
    market = Market(next(s for s in info["symbols"] if s["symbol"] == name), last)
    with suite.step("klines, continuous klines"):
        rows = await x.futures_klines(symbol=name, interval="1m", limit=30)
        same([len(row) for row in rows], [12] * 30, "twelve columns")
        for row in rows:
            same(row[6] - row[0], MINUTE - 1, "close time")
            check(all(isinstance(row[i], str) for i in (1, 2, 3, 4, 5, 7, 9, 10)), "text numbers")
            check(all(isinstance(row[i], int) for i in (0, 6, 8)), "whole numbers")
        other = await x.futures_continuous_klines(
            pair=name, contractType="PERPETUAL", interval="1m", limit=30
        )
        same(other, rows, "the same rows by both names")
    with suite.step("historical klines: from the first minute there is, page by page"):
        # Newest 30 minutes ahead of the present, and all that lies before, in pages of 1000.
        every = await x.futures_historical_klines(name, "1m", rows[0][0] - 1_200 * MINUTE)
        same([b[0] - a[0] for a, b in zip(every, every[1:])], [MINUTE] * (len(every) - 1), "gaps")
        check(len(every) > 1_200, f"{len(every)} rows")
        same(every[-1][0], rows[-1][0], "up to now")
        day = await x.futures_historical_klines(name, "1h", 0, limit=3)
        same(len(day), 3, "rows")
    with suite.step("depth, trades, tickers, mark price, funding, open interest"):
        book = await x.futures_order_book(symbol=name, limit=10)
        check(float(book["bids"][0][0]) < float(book["asks"][0][0]), "not crossed")
        check({"lastUpdateId", "E", "T"} <= set(book), f"fields {list(book)}")
        trade = (await x.futures_aggregate_trades(symbol=name, limit=5))[-1]
        check({"a", "p", "q", "f", "l", "T", "m"} <= set(trade), f"fields {list(trade)}")
        check(len(await x.futures_recent_trades(symbol=name, limit=5)) > 0, "trades")
        day = await x.futures_ticker(symbol=name)
        has(day, symbol=name)
        same(float(day["lastPrice"]), last, "last")
        same(len(await x.futures_ticker()), len(exchange.symbols), "all tickers")
        quote = await x.futures_orderbook_ticker(symbol=name)
        same(quote["bidPrice"], book["bids"][0][0], "bid")
        mark = await x.futures_mark_price(symbol=name)
        check(mark["nextFundingTime"] > mark["time"], "next funding")
        same(len(await x.futures_mark_price()), len(exchange.symbols), "all marks")
        check(isinstance(await x.futures_funding_rate(symbol=name, limit=3), list), "funding")
        has(await x.futures_open_interest(symbol=name), symbol=name)
    return market


async def trade(suite, x, market, taker=0.0005):
    """Account, orders, conditional orders."""
    name, quantity = market.symbol, market.quantity()
    with suite.step("balance, account, position, brackets"):
        usdt = next(b for b in await x.futures_account_balance() if b["asset"] == "USDT")
        near(usdt["balance"], 10_000)
        near(usdt["availableBalance"], 10_000)
        view = await x.futures_account()
        near(view["totalWalletBalance"], 10_000)
        check(any(p["symbol"] == name for p in view["positions"]), "v2 lists every symbol")
        near((await x.futures_account(version=3))["totalWalletBalance"], 10_000)
        brackets = await x.futures_leverage_bracket(symbol=name)
        same(brackets[0]["brackets"][0]["notionalFloor"], 0, "first floor")
        has(await x.futures_account_config(), dualSidePosition=False, canTrade=True)
    with suite.step("leverage, margin type, position mode, asset mode"):
        has(await x.futures_change_leverage(symbol=name, leverage=20), leverage=20, symbol=name)
        has(await x.futures_change_margin_type(symbol=name, marginType="ISOLATED"), code=200)
        with raises(BinanceAPIException, "-4046"):
            await x.futures_change_margin_type(symbol=name, marginType="ISOLATED")
        has((await x.futures_symbol_config(symbol=name))[0], marginType="ISOLATED", leverage=20)
        has(await x.futures_change_margin_type(symbol=name, marginType="CROSSED"), code=200)
        has(await x.futures_get_position_mode(), dualSidePosition=False)
        with raises(BinanceAPIException, "-4059"):
            await x.futures_change_position_mode(dualSidePosition="false")
        has(await x.futures_get_multi_assets_mode(), multiAssetsMargin=False)
    with suite.step("limit order: place, query, amend, cancel"):
        order = await x.futures_create_order(
            symbol=name, side="BUY", type="LIMIT", timeInForce="GTC",
            quantity=quantity, price=market.price(0.97),
        )
        has(order, status="NEW", side="BUY", type="LIMIT", origType="LIMIT", reduceOnly=False,
            positionSide="BOTH", timeInForce="GTC", workingType="CONTRACT_PRICE")
        check(order["clientOrderId"].startswith("x-Cb7ytekJ"), "the client's own id")
        near(order["origQty"], quantity)
        found = await x.futures_get_order(symbol=name, orderId=order["orderId"])
        has(found, status="NEW", clientOrderId=order["clientOrderId"])
        same([o["orderId"] for o in await x.futures_get_open_orders(symbol=name)],
             [order["orderId"]], "open")
        changed = await x.futures_modify_order(
            symbol=name, side="BUY", orderId=order["orderId"], quantity=quantity,
            price=market.price(0.96),
        )
        near(changed["price"], market.price(0.96))
        gone = await x.futures_cancel_order(
            symbol=name, origClientOrderId=order["clientOrderId"]
        )
        has(gone, status="CANCELED", orderId=order["orderId"])
        with raises(BinanceAPIException, "-2011"):
            await x.futures_cancel_order(symbol=name, orderId=order["orderId"])
    with suite.step("batch, cancel by list, cancel all"):
        line = {"symbol": name, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                "quantity": quantity}
        replies = await x.futures_place_batch_order(batchOrders=[
            {**line, "price": market.price(0.97)},
            {**line, "price": market.price(0.96)},
            {**line, "price": market.price(0.95), "type": "STOP_MARKET"},
        ])
        same([r.get("status", r.get("code")) for r in replies], ["NEW", "NEW", -4120], "replies")
        ids = [r["orderId"] for r in replies[:2]]
        gone = await x.futures_cancel_orders(symbol=name, orderidlist=ids)
        same([g["status"] for g in gone], ["CANCELED", "CANCELED"], "cancelled")
        await x.futures_limit_buy_order(
            symbol=name, timeInForce="GTC", quantity=quantity, price=market.price(0.97),
            newClientOrderId="by-name",
        )
        gone = await x.futures_cancel_orders(symbol=name, origclientorderidlist=["by-name"])
        has(gone[0], clientOrderId="by-name", status="CANCELED")
        await x.futures_limit_buy_order(
            symbol=name, timeInForce="GTC", quantity=quantity, price=market.price(0.97)
        )
        has(await x.futures_cancel_all_open_orders(symbol=name), code=200)
        same(await x.futures_get_open_orders(symbol=name), [], "open")
        same(await x.futures_create_test_order(**{**line, "price": market.price(0.97)}) is not None,
             True, "a test order is answered")
        same(await x.futures_get_open_orders(symbol=name), [], "and not placed")
        reply = await x.futures_countdown_cancel_all(symbol=name, countdownTime=100_000)
        same((reply["symbol"], int(reply["countdownTime"])), (name, 100_000), "countdown")
        await x.futures_countdown_cancel_all(symbol=name, countdownTime=0)
    with suite.step("market order and what it cost"):
        order = await x.futures_market_buy_order(
            symbol=name, quantity=quantity, newOrderRespType="RESULT"
        )
        has(order, status="FILLED")
        near(order["executedQty"], quantity)
        position = (await x.futures_position_information(symbol=name))[0]
        near(position["positionAmt"], quantity)
        entry = float(position["entryPrice"])
        old = (await x.futures_position_information(symbol=name, version=2))[0]
        has(old, leverage="20", marginType="cross", positionSide="BOTH", isAutoAddMargin="false")
        trades = await x.futures_account_trades(symbol=name)
        fee = sum(float(t["commission"]) for t in trades)
        near(fee, entry * float(quantity) * taker, 1e-6, "fee")
        has(trades[0], side="BUY", buyer=True, maker=False, commissionAsset="USDT")
        income = await x.futures_income_history(incomeType="COMMISSION")
        near(sum(float(i["income"]) for i in income), -fee, 1e-8, "income")
    with suite.step("stop and take profit go to the algo service"):
        stop = await x.futures_create_order(
            symbol=name, side="SELL", type="STOP_MARKET", stopPrice=market.price(0.97),
            closePosition="true", workingType="MARK_PRICE",
        )
        has(stop, orderType="STOP_MARKET", algoStatus="NEW", closePosition=True,
            workingType="MARK_PRICE")
        target = await x.futures_create_order(
            symbol=name, side="SELL", type="TAKE_PROFIT_MARKET", stopPrice=market.price(1.03),
            quantity=quantity, reduceOnly="true",
        )
        has(target, orderType="TAKE_PROFIT_MARKET", reduceOnly=True)
        trailing = await x.futures_create_order(
            symbol=name, side="SELL", type="TRAILING_STOP_MARKET", callbackRate="1",
            quantity=quantity, reduceOnly="true",
        )
        has(trailing, orderType="TRAILING_STOP_MARKET")
        every = await x.futures_get_open_orders(symbol=name, conditional=True)
        same(len(every), 3, "open")
        found = await x.futures_get_order(symbol=name, algoId=stop["algoId"])
        has(found, clientAlgoId=stop["clientAlgoId"], algoStatus="NEW")
        gone = await x.futures_cancel_order(symbol=name, clientAlgoId=trailing["clientAlgoId"])
        has(gone, code="200", algoId=trailing["algoId"])
        await x.futures_cancel_all_open_orders(symbol=name, conditional=True)
        same(await x.futures_get_open_orders(symbol=name, conditional=True), [], "open")
        check(len(await x.futures_get_all_orders(symbol=name, conditional=True)) >= 3, "history")
    with suite.step("close, and all orders"):
        await x.futures_market_sell_order(symbol=name, quantity=quantity, reduceOnly="true")
        rows = await x.futures_position_information(symbol=name)
        same([p for p in rows if float(p["positionAmt"])], [], "flat")
        with raises(BinanceAPIException, "-2022"):
            await x.futures_market_sell_order(symbol=name, quantity=quantity, reduceOnly="true")
        states = {o["status"] for o in await x.futures_get_all_orders(symbol=name)}
        check({"FILLED", "CANCELED"} <= states, f"states {states}")
    with suite.step("errors carry code, text and status"):
        for change, code, status in [
            ({"symbol": "NOPEUSDT"}, -1121, 400),
            ({"quantity": "100000000"}, -4005, 400),
            ({"price": "0"}, None, 400),
        ]:
            try:
                await x.futures_create_order(**{**line, "price": market.price(0.97), **change})
            except BinanceAPIException as error:
                same(error.status_code, status, "status")
                check(code is None or error.code == code, f"{error} is not {code}")
                check(error.message, "a text")
            else:
                raise AssertionError(f"{change} was accepted")
    with suite.step("listen key"):
        key = await x.futures_stream_get_listen_key()
        same(await x.futures_stream_get_listen_key(), key, "the active key again")
        await x.futures_stream_keepalive(key)
        await x.futures_stream_close(key)
        with raises(BinanceAPIException, "-1125"):
            await x.futures_stream_keepalive(key)


@contextlib.asynccontextmanager
async def opened(socket, wake):
    """An open socket. The client closes it when one more message has come: `wake` makes one."""
    await socket.__aenter__()
    try:
        yield socket
    finally:
        closing = asyncio.ensure_future(socket.__aexit__(None, None, None))
        while not closing.done():
            await asyncio.wait({closing}, timeout=0.1)
            if not closing.done():
                await wake()


async def first(exchange, socket, good=lambda message: True, every_s=0.05):
    """The first good message of a socket while the market moves."""

    async def wait():
        while True:
            message = await socket.recv()
            if good(message):
                return message

    return await exchange.stepped(wait(), every_s=every_s)


async def sockets(suite, exchange, client, market):
    """Market sockets of the socket manager."""
    manager = BinanceSocketManager(client, max_queue_size=10_000)
    manager.FSTREAM_URL = exchange.ws + "/"
    name = market.symbol
    low = name.lower()

    async def wake():
        await asyncio.to_thread(exchange.step)

    with suite.step("socket: continuous klines"):
        klines = manager.kline_futures_socket(name, interval="1m")
        async with opened(klines, wake) as socket:
            message = await first(exchange, socket, lambda m: m["k"]["x"])
            has(message, e="continuous_kline", ps=name, ct="PERPETUAL")
            same(message["k"]["T"] - message["k"]["t"], MINUTE - 1, "a minute")
            rows = await client.futures_klines(symbol=name, interval="1m", limit=10)
            row = next(r for r in rows if r[0] == message["k"]["t"])
            same([message["k"][c] for c in "ohlcv"], row[1:6], "the same row by REST")
    with suite.step("socket: trades, mark price, tickers, book"):
        for socket, event in [
            (manager.aggtrade_futures_socket(name), "aggTrade"),
            (manager.symbol_mark_price_socket(name), "markPriceUpdate"),
            (manager.individual_symbol_ticker_futures_socket(name), "24hrTicker"),
            (manager.symbol_ticker_futures_socket(name), "bookTicker"),
            (manager.futures_depth_socket(name, depth="5"), "depthUpdate"),
        ]:
            async with opened(socket, wake):
                message = await first(exchange, socket)
                check(message["stream"].startswith(low), f"stream {message['stream']}")
                has(message["data"], e=event, s=name)
    with suite.step("socket: all symbols at once"):
        for socket, event in [
            (manager.all_mark_price_socket(), "markPriceUpdate"),
            (manager.futures_ticker_socket(), "24hrTicker"),
            (manager.all_ticker_futures_socket(), "bookTicker"),
            (manager.all_ticker_futures_socket("!miniTicker@arr"), "24hrMiniTicker"),
        ]:
            async with opened(socket, wake):
                data = (await first(exchange, socket))["data"]
                has(data[0] if isinstance(data, list) else data, e=event)
    with suite.step("socket: many streams on one"):
        streams = [f"{s.lower()}@kline_1m" for s in exchange.symbols[:5]]
        seen = set()
        many = manager.futures_multiplex_socket(streams, category="market")
        async with opened(many, wake) as socket:
            while len(seen) < 5:
                seen.add((await first(exchange, socket))["stream"])
        same(seen, set(streams), "streams")
    return manager


async def user_socket(suite, exchange, client, manager, market):
    """The account's own socket."""
    name, quantity = market.symbol, market.quantity()

    async def wake():
        for leverage in (8, 9):
            await client.futures_change_leverage(symbol=name, leverage=leverage)

    with suite.step("user socket: order and account of a fill"):
        async with opened(manager.futures_user_socket(), wake) as socket:
            order = await client.futures_create_order(
                symbol=name, side="BUY", type="MARKET", quantity=quantity
            )
            events = []
            while not {"ORDER_TRADE_UPDATE/TRADE", "ACCOUNT_UPDATE/ORDER"} <= set(
                kind for kind, _ in events
            ):
                message = await asyncio.wait_for(socket.recv(), 10)
                part = message.get("o", message.get("a", {}))
                events.append((f"{message['e']}/{part.get('x', part.get('m'))}", message))
            kinds = [kind for kind, _ in events]
            same(kinds[0], "ORDER_TRADE_UPDATE/NEW", f"first of {kinds}")
            fill = next(m for k, m in events if k == "ORDER_TRADE_UPDATE/TRADE")["o"]
            has(fill, s=name, X="FILLED", S="BUY", N="USDT", ps="BOTH", i=order["orderId"])
            near(fill["z"], quantity)
            moved = next(m for k, m in events if k == "ACCOUNT_UPDATE/ORDER")["a"]
            usdt = next(b for b in moved["B"] if b["a"] == "USDT")
            rest = (await client.futures_account_balance())
            near(usdt["wb"], next(b for b in rest if b["asset"] == "USDT")["balance"])
            position = next(p for p in moved["P"] if p["s"] == name)
            near(position["pa"], quantity)
            near(position["ep"], fill["ap"])
            has(position, mt="cross", ps="BOTH")
            await client.futures_market_sell_order(symbol=name, quantity=quantity)
    with suite.step("user socket: leverage is told"):
        async with opened(manager.futures_user_socket(), wake) as socket:
            await client.futures_change_leverage(symbol=name, leverage=7)
            while True:
                message = await asyncio.wait_for(socket.recv(), 10)
                if message["e"] == "ACCOUNT_CONFIG_UPDATE":
                    break
            same(message["ac"], {"s": name, "l": 7}, "leverage")


async def ws_api(suite, client, market):
    """The WebSocket API."""
    name, quantity = market.symbol, market.quantity()
    with suite.step("ws api: depth, prices, quotes"):
        check((await client.ws_futures_get_order_book(symbol=name))["bids"], "bids")
        reply = await client.ws_futures_get_all_tickers()
        check(any(r["symbol"] == name for r in reply), "prices")
        has((await client.ws_futures_get_order_book_ticker(symbol=name)), symbol=name)
    with suite.step("ws api: place, status, modify, cancel"):
        order = await client.ws_futures_create_order(
            symbol=name, side="BUY", type="LIMIT", timeInForce="GTC", quantity=quantity,
            price=market.price(0.97),
        )
        has(order, status="NEW", symbol=name)
        ident = order["orderId"]
        has((await client.ws_futures_get_order(symbol=name, orderId=ident)), status="NEW")
        changed = await client.ws_futures_edit_order(
            symbol=name, side="BUY", orderId=ident, quantity=quantity, price=market.price(0.96)
        )
        near(changed["price"], market.price(0.96))
        gone = await client.ws_futures_cancel_order(symbol=name, orderId=ident)
        has(gone, status="CANCELED")
        with raises(BinanceAPIException, "-2011"):
            await client.ws_futures_cancel_order(symbol=name, orderId=ident)
    with suite.step("ws api: conditional order"):
        algo = await client.ws_futures_create_order(
            symbol=name, side="BUY", type="STOP_MARKET", stopPrice=market.price(1.05),
            quantity=quantity,
        )
        has(algo, algoStatus="NEW", orderType="STOP_MARKET")
        await client.ws_futures_cancel_order(algoId=algo["algoId"])
        same(await client.futures_get_open_orders(symbol=name, conditional=True), [], "none left")
    with suite.step("ws api: balance, account, position, old and new"):
        await client.ws_futures_create_order(
            symbol=name, side="BUY", type="MARKET", quantity=quantity
        )
        for call in [client.ws_futures_v2_account_balance, client.ws_futures_account_balance]:
            usdt = next(b for b in await call() if b["asset"] == "USDT")
            check(9_000 < float(usdt["balance"]) < 10_000, "a fee was paid")
        for call in [client.ws_futures_v2_account_status, client.ws_futures_account_status]:
            check(float((await call())["totalWalletBalance"]) < 10_000, "wallet")
        for call in [client.ws_futures_v2_account_position, client.ws_futures_account_position]:
            rows = await call(symbol=name)
            near(next(r for r in rows if r["symbol"] == name)["positionAmt"], quantity)
        await client.ws_futures_create_order(
            symbol=name, side="SELL", type="MARKET", quantity=quantity, reduceOnly="true"
        )


async def created(suite, exchange):
    """The usual way to make an asynchronous client asks the spot host whether it is there."""
    with suite.step("AsyncClient.create, Client with its ping"):
        class Local(AsyncClient):
            API_URL = exchange.http + "/api"

        class LocalBlocking(Client):
            API_URL = exchange.http + "/api"

        client = await Local.create("async", "async-secret")
        check(abs(client.timestamp_offset) < 5_000, "the clocks agree")
        same(await point(client, exchange).futures_ping(), {}, "ping")
        await client.close_connection()
        point(LocalBlocking("sync", "sync-secret"), exchange).futures_account()


async def asynchronous(suite, exchange):
    """AsyncClient and its sockets."""
    await created(suite, exchange)
    client = point(AsyncClient("async", "async-secret"), exchange)
    try:
        market = await public(suite, exchange, client)
        await trade(suite, client, market)
        manager = await sockets(suite, exchange, client, market)
        await user_socket(suite, exchange, client, manager, market)
        await ws_api(suite, client, market)
    finally:
        await client.ws_future.close()
        await client.close_connection()


async def by_key_pair(suite, x, market):
    """An Ed25519 key, by REST."""
    name = market.symbol
    with suite.step("Ed25519"):
        usdt = next(b for b in await x.futures_account_balance() if b["asset"] == "USDT")
        near(usdt["balance"], 10_000)
        order = await x.futures_create_order(
            symbol=name, side="BUY", type="LIMIT", timeInForce="GTC",
            quantity=market.quantity(), price=market.price(0.97),
        )
        has(order, status="NEW")
        gone = await x.futures_cancel_order(symbol=name, orderId=order["orderId"])
        has(gone, status="CANCELED")


def main():
    """The whole list, blocking and asynchronous."""
    logging.getLogger("binance").setLevel(logging.CRITICAL)
    suite = Suite("python-binance")
    folder = tempfile.TemporaryDirectory()
    private, pem = ed25519_pair(folder.name)
    pair = f"key=pair,pubkey={pem},balance=10000"
    exchange = Exchange([account("sync", 10_000), account("async", 10_000), pair], seed=17)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    blocking = Blocking(point(Client("sync", "sync-secret", ping=False), exchange))
    market = run(public(suite, exchange, blocking))
    run(trade(suite, blocking, market))
    pair = point(Client("pair", private_key=private, ping=False), exchange)
    run(by_key_pair(suite, Blocking(pair), market))
    suite.name = "python-binance async"
    loop.run_until_complete(asynchronous(suite, exchange))
    suite.name = "python-binance"
    suite.finish(exchange)


if __name__ == "__main__":
    main()
