"""The exchange as users run it: a market that moves by itself, many times faster than real time.

ccxt pro watches it without anybody stepping, trades in it, and ends where the exchange says.
"""

import asyncio

from ccxt_pro import client
from ccxt_rest import sized, unified
from harness import MINUTE, Exchange, Suite, account, check, has, near, same

PATIENCE_S = 10


async def soon(awaitable):
    """What comes, if it comes in time."""
    return await asyncio.wait_for(awaitable, PATIENCE_S)


async def watching(suite, raw, symbol):
    """Every kind of stream says something soon and goes on."""
    kinds = {
        "klines": lambda: raw.watch_ohlcv(symbol, "1m"),
        "tickers": lambda: raw.watch_ticker(symbol),
        "bids and asks": lambda: raw.watch_bids_asks([symbol]),
        "mark price": lambda: raw.watch_mark_price(symbol),
        "trades": lambda: raw.watch_trades(symbol),
        "order book": lambda: raw.watch_order_book(symbol),
    }
    for name, watch in kinds.items():
        with suite.step(f"watch {name}, three times"):
            for _ in range(3):
                check(await soon(watch()), "something")
    with suite.step("klines: closed candles equal those of REST"):
        seen = set()
        while len(seen) < 4:
            seen |= {row[0] for row in await soon(raw.watch_ohlcv(symbol, "1m"))}
        closed = sorted(seen)[1:-1]
        rest = {row[0]: row for row in await raw.fetch_ohlcv(symbol, "1m", limit=60)}
        kept = {row[0]: list(row) for row in raw.ohlcvs[symbol]["1m"]}
        for start in closed:
            same(kept[start], rest[start], "a candle")
    with suite.step("time runs"):
        before = (await raw.fetch_ohlcv(symbol, "1m", limit=1))[-1][0]
        await asyncio.sleep(1.0)
        after = (await raw.fetch_ohlcv(symbol, "1m", limit=1))[-1][0]
        check(after - before >= MINUTE, "a minute in a second at most")


async def trading(suite, exchange, raw, symbol):
    """Orders in a market that does not wait."""
    last = (await raw.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    orders = asyncio.ensure_future(raw.watch_orders(symbol))
    await asyncio.sleep(0.5)
    with suite.step("market order: fill, position, user stream"):
        order = await raw.create_order(symbol, "market", "buy", quantity)
        has(order, status="closed", filled=quantity)
        check(any(o["id"] == order["id"] for o in await soon(orders)), "told")
        has((await raw.fetch_positions([symbol]))[0], contracts=quantity, side="long")
    with suite.step("a stop close by is triggered by the market itself"):
        params = {"trailingPercent": "0.1", "reduceOnly": True}
        algo = await raw.create_order(symbol, "market", "sell", quantity, None, params)
        for _ in range(100):
            now = await raw.fetch_order(algo["id"], symbol, {"trigger": True})
            if now["info"]["algoStatus"] == "FINISHED":
                break
            await asyncio.sleep(0.1)
        same(now["info"]["algoStatus"], "FINISHED", "triggered")
        same(await raw.fetch_positions([symbol]), [], "flat")
    with suite.step("wallet: belief and truth"):
        wallet = float((await raw.fetch_balance())["info"]["totalWalletBalance"])
        near(wallet, exchange.truth("main")["balance"], 1e-8, "wallet")


async def scenario():
    """The whole list."""
    suite = Suite("paced market")
    exchange = Exchange([account("main", 10_000)], seed=37, speed="300")
    raw = client(exchange, "main")
    try:
        await raw.load_markets()
        symbol = unified(raw, exchange.symbols[0])
        await watching(suite, raw, symbol)
        await trading(suite, exchange, raw, symbol)
    finally:
        await raw.close()
    suite.finish(exchange)


if __name__ == "__main__":
    asyncio.run(scenario())
