"""ccxt pro on recorded frames of the real exchange: depth, trades and quotes as they came.

    python recorded.py FILE...     files of recorded frames (.raw.gz)

The book has recorded depth, so taking orders walk its levels and resting ones keep their place.
"""

import asyncio
import sys

from ccxt_pro import client
from ccxt_rest import unified
from harness import Exchange, Suite, account, check, has, on_grid, same

STEP_MS = 100
# Levels compared: deeper ones may lie beyond the snapshot that the client began with.
LEVELS = 300


async def book(suite, exchange, raw, symbol):
    """The client's own book against the exchange's."""
    with suite.step("local book: equal to the exchange's at every twentieth update"):
        for turn in range(1, 201):
            local = await exchange.stepped(raw.watch_order_book(symbol), STEP_MS, every_s=0.01)
            check(local["bids"][0][0] < local["asks"][0][0], f"crossed at {turn}")
            if turn % 20:
                continue
            rest = await raw.fetch_order_book(symbol, 1_000)
            for _ in range(100):
                if raw.orderbooks[symbol]["nonce"] >= rest["nonce"]:
                    break
                await asyncio.sleep(0.02)
            local = raw.orderbooks[symbol]
            same(local["nonce"], rest["nonce"], "update id")
            for side in ("bids", "asks"):
                pairs = [[list(level) for level in one[side]][:LEVELS] for one in (local, rest)]
                same(pairs[0], pairs[1], f"{side} at {turn}")
    with suite.step("trades, quotes and candles go on"):
        for watch in [lambda: raw.watch_trades(symbol), lambda: raw.watch_bids_asks([symbol]),
                      lambda: raw.watch_ohlcv(symbol, "1m"), lambda: raw.watch_mark_price(symbol)]:
            check(await exchange.stepped(watch(), STEP_MS, every_s=0.01), "something")


async def calm(exchange, raw, symbol):
    """The asks at a moment when recorded book and recorded quote say the same: between two changes
    of the book the quote is newer, and orders are filled by the newest."""
    for _ in range(200):
        asks = (await raw.fetch_order_book(symbol, 20))["asks"]
        quote = (await raw.fetch_bids_asks([symbol]))[symbol]
        if asks[0] == [quote["ask"], quote["askVolume"]]:
            return asks
        await asyncio.to_thread(exchange.step, STEP_MS)
    raise AssertionError("book and quote never agreed")


async def trading(suite, exchange, raw, symbol):
    """Orders among recorded ones."""
    with suite.step("a market order takes the best ask, a large one walks the book"):
        asks = await calm(exchange, raw, symbol)
        small = raw.markets[symbol]["limits"]["amount"]["min"]
        order = await raw.create_order(symbol, "market", "buy", small)
        has(order, status="closed", average=asks[0][0])
        asks = await calm(exchange, raw, symbol)
        size = round(asks[0][1] + asks[1][1] + asks[2][1] / 2, 3)
        await raw.set_leverage(20, symbol)
        order = await raw.create_order(symbol, "market", "buy", size)
        trades = [t for t in await raw.fetch_my_trades(symbol) if t["order"] == order["id"]]
        prices = [t["price"] for t in trades]
        check(len(prices) >= 2, f"prices {prices}")
        same(prices, [level[0] for level in asks[: len(prices)]], "one level after the other")
        # The best level moves with quotes and trades, between two changes of the book.
        for trade, (_, shown) in list(zip(trades, asks))[1:]:
            check(0 < trade["amount"] <= shown, f"{trade['amount']} of {shown}")
        same(round(sum(t["amount"] for t in trades), 3), size, "all of it")
        await raw.create_order(symbol, "market", "sell", size + small, None, {"reduceOnly": True})
    with suite.step("a resting order is filled as maker, at its price, when its turn comes"):
        best = (await raw.fetch_order_book(symbol, 5))["bids"][0][0]
        on_grid(best, raw.markets[symbol]["precision"]["price"])
        order = await raw.create_order(symbol, "limit", "buy", 0.01, best, {"postOnly": True})
        has(order, status="open")
        for _ in range(150):
            await asyncio.to_thread(exchange.step, 500)
            order = await raw.fetch_order(order["id"], symbol)
            if order["status"] != "open":
                break
        has(order, status="closed", average=best, filled=0.01)
        trades = [t for t in await raw.fetch_my_trades(symbol) if t["order"] == order["id"]]
        same({t["takerOrMaker"] for t in trades}, {"maker"}, "maker")


async def scenario():
    """The whole list."""
    suite = Suite("ccxt pro on recorded frames")
    exchange = Exchange([account("main", 1_000_000)], data=sys.argv[1:])
    raw = client(exchange, "main")
    try:
        await raw.load_markets()
        symbol = unified(raw, exchange.symbols[0])
        await book(suite, exchange, raw, symbol)
        await trading(suite, exchange, raw, symbol)
    finally:
        await raw.close()
    suite.finish(exchange)


if __name__ == "__main__":
    asyncio.run(scenario())
