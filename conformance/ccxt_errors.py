"""Errors as ccxt maps them: each by its own class where the client's table holds for any URL, else
by the code in the text (part of the client's table applies to Binance's own host names only)."""

import ccxt

from ccxt_rest import sized
from harness import check, raises


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


async def poverty(suite, raw, x, symbol):
    """An account that cannot afford its order."""
    await x.load_markets()
    last = (await x.fetch_ticker(symbol))["last"]
    with suite.step("refused: margin is insufficient"):
        with raises(ccxt.ExchangeError, "-2019"):
            await x.create_order(symbol, "market", "buy", sized(raw, symbol, last, 5_000))
