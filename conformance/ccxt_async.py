"""ccxt, asynchronous: the whole REST list over aiohttp, and calls in parallel."""

import asyncio

import ccxt.async_support as ccxt

import ccxt_errors
import ccxt_rest
from harness import Exchange, Suite, same


def client(exchange, key):
    """A client as its users make it."""
    raw = ccxt.binanceusdm({"apiKey": key, "secret": f"{key}-secret", "enableRateLimit": False})
    return ccxt_rest.point(raw, exchange)


async def parallel(suite, raw, symbol):
    """Many calls over a few sockets at once."""
    with suite.step("forty calls at once"):
        tickers = await asyncio.gather(*[raw.fetch_ticker(symbol) for _ in range(20)])
        balances = await asyncio.gather(*[raw.fetch_balance() for _ in range(20)])
        same(len({t["last"] for t in tickers}), 1, "one price")
        same(len({b["USDT"]["total"] for b in balances}), 1, "one balance")
    with suite.step("ten orders at once, each its own"):
        last = (await raw.fetch_ticker(symbol))["last"]
        price = float(raw.price_to_precision(symbol, last * 0.97))
        quantity = ccxt_rest.sized(raw, symbol, last, 200)
        orders = await asyncio.gather(
            *[raw.create_order(symbol, "limit", "buy", quantity, price) for _ in range(10)]
        )
        same(len({o["id"] for o in orders}), 10, "ids")
        same(len(await raw.fetch_open_orders(symbol)), 10, "open")
        await raw.cancel_all_orders(symbol)


async def scenario():
    """The whole list."""
    suite = Suite("ccxt async")
    exchange = Exchange(ccxt_rest.ACCOUNTS, seed=11)
    clients = {key: client(exchange, key) for key in ["main", "hedger", "isolated", "poor"]}
    raw = clients["main"]
    try:
        symbol, _ = await ccxt_rest.markets(suite, exchange, raw, raw)
        fee = await ccxt_rest.fresh_account(suite, raw, raw, symbol)
        await ccxt_rest.market_order(suite, exchange, raw, raw, symbol, fee)
        await ccxt_rest.limit_orders(suite, exchange, raw, raw, symbol)
        await ccxt_rest.conditional_orders(suite, exchange, raw, raw, symbol)
        await ccxt_errors.errors(suite, exchange, raw, raw, symbol)
        await ccxt_errors.outcomes(suite, exchange, raw, raw, symbol)
        await parallel(suite, raw, symbol)
        await ccxt_rest.hedge(suite, clients["hedger"], clients["hedger"], symbol)
        await ccxt_rest.isolated(suite, clients["isolated"], clients["isolated"], symbol)
        await ccxt_errors.poverty(suite, clients["poor"], clients["poor"], symbol)
        await ccxt_rest.funding(suite, exchange, raw, raw, symbol)
    finally:
        for one in clients.values():
            await one.close()
    suite.finish(exchange)


if __name__ == "__main__":
    asyncio.run(scenario())
