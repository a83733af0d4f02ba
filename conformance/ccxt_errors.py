"""Errors as ccxt maps them: each by its own class where the client's table holds for any URL, else
by the code in the text (part of the client's table applies to Binance's own host names only)."""

import ccxt

from ccxt_rest import sized
from harness import MINUTE, check, raises, same


async def errors(suite, exchange, raw, x, symbol):
    """What is refused, and how."""
    market_id = raw.markets[symbol]["id"]
    last = (await x.fetch_ticker(symbol))["last"]
    price = raw.price_to_precision(symbol, last * 0.97)
    quantity = raw.amount_to_precision(symbol, sized(raw, symbol, last))
    order = {"symbol": market_id, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
             "quantity": quantity, "price": price}
    tick = raw.markets[symbol]["precision"]["price"]
    grid = raw.markets[symbol]["precision"]["amount"]
    # Half a tick and half a step, with no more digits than the symbol's precision allows for the
    # price, and one too many for the quantity.
    off_price = f"{float(price) + tick / 2:.10f}".rstrip("0")
    off_quantity = f"{float(quantity) + grid / 10:.10f}".rstrip("0")
    cases = [
        ("no such symbol", ccxt.BadSymbol, "-1121", {"symbol": "NOPEUSDT"}),
        ("no price", ccxt.BadRequest, "-1102", {"price": None}),
        ("no side", ccxt.BadRequest, "-1102", {"side": None}),
        ("no such side", ccxt.BadRequest, "-1117", {"side": "HOLD"}),
        ("no such type", ccxt.BadRequest, "-1116", {"type": "ICEBERG"}),
        ("no such time in force", ccxt.BadRequest, "-1115", {"timeInForce": "SOON"}),
        ("price off the tick", ccxt.BadRequest, "-4014", {"price": off_price}),
        ("too precise a quantity", ccxt.BadRequest, "-1111", {"quantity": off_quantity}),
        ("a stop on the plain route", ccxt.ExchangeError, "-4120",
         {"type": "STOP_MARKET", "stopPrice": price}),
        ("reduce-only without a position", ccxt.ExchangeError, "-2022",
         {"side": "SELL", "type": "MARKET", "reduceOnly": "true",
          "timeInForce": None, "price": None}),
        ("a client order id of 40 letters", ccxt.BadRequest, "-4015",
         {"newClientOrderId": "a" * 40}),
        ("notional too small", ccxt.ExchangeError, "-4164",
         {"quantity": raw.number_to_string(grid)}),
    ]
    for name, kind, code, change in cases:
        if code == "-4164" and grid * last >= raw.markets[symbol]["limits"]["cost"]["min"]:
            continue
        with suite.step(f"refused: {name}"):
            changed = {k: v for k, v in {**order, **change}.items() if v is not None}
            with raises(kind, code):
                await x.fapiPrivatePostOrder(changed)
    with suite.step("refused: a stop that would trigger at once"):
        await x.create_order(symbol, "market", "buy", float(quantity))
        above = float(raw.price_to_precision(symbol, last * 1.02))
        with raises(ccxt.ExchangeError, "-2021"):
            await x.create_order(symbol, "market", "sell", float(quantity), None,
                                 {"stopLossPrice": above, "reduceOnly": True})
        await x.create_order(symbol, "market", "sell", float(quantity), None, {"reduceOnly": True})
    with suite.step("refused: the client order id of an open order"):
        await x.fapiPrivatePostOrder({**order, "newClientOrderId": "twice"})
        with raises(ccxt.ExchangeError, "-4116"):
            await x.fapiPrivatePostOrder({**order, "newClientOrderId": "twice"})
        await x.cancel_order(None, symbol, {"clientOrderId": "twice"})
    with suite.step("not found"):
        with raises(ccxt.OrderNotFound, "-2013"):
            await x.fetch_order("999999999", symbol)
        with raises(ccxt.OrderNotFound, "-2011"):
            await x.cancel_order("999999999", symbol)
    with suite.step("a timestamp outside the window"):
        for late in (60_000, -60_000):
            raw.options["timeDifference"] = late
            try:
                with raises(ccxt.InvalidNonce, "-1021"):
                    await x.fetch_balance()
            finally:
                raw.options["timeDifference"] = 0
        check(abs(await x.load_time_difference()) < 5_000, "the clocks agree")
        raw.options["timeDifference"] = 0
    with suite.step("a wrong secret, an unknown key"):
        secret, key = raw.secret, raw.apiKey
        try:
            raw.secret = "not-it"
            with raises(ccxt.AuthenticationError, "-1022"):
                await x.fetch_balance()
            raw.apiKey = "nobody"
            with raises(ccxt.AuthenticationError, "-201"):
                await x.fetch_balance()
        finally:
            raw.secret, raw.apiKey = secret, key
    with suite.step("429, 418, 503, 403 as the exchange sends them"):
        for fault, kind in [
            ("http_429", ccxt.DDoSProtection),
            ("http_418", ccxt.DDoSProtection),
            ("http_503_unavailable", ccxt.OperationFailed),
            ("http_403", ccxt.BaseError),
        ]:
            exchange.fault(fault, "GET /fapi/v1/premiumIndex")
            with raises(kind):
                await x.fetch_mark_price(symbol)
            exchange.no_faults()
        await x.fetch_mark_price(symbol)


async def outcomes(suite, exchange, raw, x, symbol):
    """Orders whose reply tells nothing, and what a question by client order id then finds."""
    last = (await x.fetch_ticker(symbol))["last"]
    price = float(raw.price_to_precision(symbol, last * 0.97))
    quantity = sized(raw, symbol, last)
    for number, (fault, there) in enumerate([
        ("reply_cut", True),
        ("http_408", None),
        ("http_503_unknown_executed", True),
        ("http_503_unknown_lost", False),
        ("minus_1007", None),
        ("http_503_unavailable", False),
        ("minus_1008", False),
    ]):
        with suite.step(f"outcome unknown: {fault}"):
            name = f"outcome-{number}"
            exchange.fault(fault, "POST /fapi/v1/order")
            with raises(ccxt.BaseError):
                await x.create_order(
                    symbol, "limit", "buy", quantity, price, {"clientOrderId": name}
                )
            exchange.no_faults()
            sent = [r for r in exchange.truth("main")["requests"]
                    if r["client_order_id"] == name and r["path"] == "/fapi/v1/order"
                    and r["method"] == "POST"]
            same(len(sent), 1, "the order was sent once")
            executed = name in [o["clientOrderId"] for o in exchange.truth("main")["orders"]]
            check(there is None or executed == there, f"executed {executed}")
            if executed:
                order = await x.fetch_order(None, symbol, {"clientOrderId": name})
                same((order["status"], order["price"]), ("open", price), "found")
                await x.cancel_order(None, symbol, {"clientOrderId": name})
            else:
                with raises(ccxt.OrderNotFound, "-2013"):
                    await x.fetch_order(None, symbol, {"clientOrderId": name})
    with suite.step("a market order filled in parts"):
        exchange.fault("partial_fill", "POST /fapi/v1/order")
        order = await x.create_order(symbol, "market", "buy", 2 * quantity)
        exchange.no_faults()
        now = await x.fetch_order(order["id"], symbol)
        held = (await x.fetch_positions([symbol]))[0]["contracts"]
        same(held, now["filled"], "the position is what was filled")
        check(0 < held < 2 * quantity, f"{held}: not all of it")
        exchange.step(MINUTE)
        now = await x.fetch_order(order["id"], symbol)
        check(now["status"] in ("closed", "expired"), f"the rest is filled or gone: {now}")
        held = (await x.fetch_positions([symbol]))[0]["contracts"]
        same(held, now["filled"], "the position is what was filled")
        await x.create_order(symbol, "market", "sell", held, None, {"reduceOnly": True})
        same(await x.fetch_positions([symbol]), [], "flat")


async def poverty(suite, raw, x, symbol):
    """An account that cannot afford its order."""
    await x.load_markets()
    last = (await x.fetch_ticker(symbol))["last"]
    with suite.step("refused: margin is insufficient"):
        with raises(ccxt.ExchangeError, "-2019"):
            await x.create_order(symbol, "market", "buy", sized(raw, symbol, last, 5_000))
