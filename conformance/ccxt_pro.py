"""ccxt pro: market streams, user stream, and orders over the WebSocket API."""

import asyncio

import ccxt.pro as ccxt

from ccxt_rest import point, sized, unified
from harness import MINUTE, Exchange, Suite, account, check, has, near, raises, same


def client(exchange, key, **more):
    """A client as its users make it."""
    options = {"apiKey": key, "secret": f"{key}-secret", "enableRateLimit": False, **more}
    return point(ccxt.binanceusdm(options), exchange)


async def streams(suite, exchange, raw, symbol):
    """Public streams, each checked against REST."""
    with suite.step("watch klines"):
        seen = []
        while len(seen) < 3:
            rows = await exchange.stepped(raw.watch_ohlcv(symbol, "1m"))
            seen += [row[0] for row in rows if row[0] not in seen]
        same([b - a for a, b in zip(seen, seen[1:])], [MINUTE] * (len(seen) - 1), "minutes")
        rest = {row[0]: row for row in await raw.fetch_ohlcv(symbol, "1m", limit=10)}
        kept = {row[0]: row for row in raw.ohlcvs[symbol]["1m"]}
        same(list(kept[seen[0]]), rest[seen[0]], "a closed candle by stream and by REST")
    with suite.step("watch klines of 5 minutes"):
        rows = await exchange.stepped(raw.watch_ohlcv(symbol, "5m"))
        same(rows[-1][0] % (5 * MINUTE), 0, "start")
    with suite.step("watch trades"):
        trades = await exchange.stepped(raw.watch_trades(symbol))
        has(trades[-1], symbol=symbol)
        check(trades[-1]["price"] > 0 and trades[-1]["amount"] > 0, "a trade")
        check(trades[-1]["side"] in ("buy", "sell"), "an aggressor")
    with suite.step("watch trades: aggregated"):
        trades = await exchange.stepped(raw.watch_trades(symbol, params={"name": "aggTrade"}))
        check(trades[-1]["price"] > 0, "a trade")
    with suite.step("watch bids and asks"):
        quote = (await exchange.stepped(raw.watch_bids_asks([symbol])))[symbol]
        check(quote["bid"] < quote["ask"], "not crossed")
        rest = (await raw.fetch_bids_asks([symbol]))[symbol]
        later = (await exchange.stepped(raw.watch_bids_asks([symbol])))[symbol]
        check(rest["bid"] > 0 and later["timestamp"] > quote["timestamp"], "they move on")
    with suite.step("watch tickers"):
        for name in ["miniTicker", "ticker"]:
            ticker = (await exchange.stepped(raw.watch_tickers([symbol], {"name": name})))[symbol]
            check(ticker["low"] <= ticker["last"] <= ticker["high"], name)
        every = await exchange.stepped(raw.watch_tickers())
        check(len(every) >= 1, "all tickers that changed")
    with suite.step("watch mark prices"):
        mark = await exchange.stepped(raw.watch_mark_price(symbol))
        rest = await raw.fetch_mark_price(symbol)
        near(mark["markPrice"], rest["markPrice"], rest["markPrice"] * 0.02, "mark")
        every = await exchange.stepped(raw.watch_mark_prices())
        check(len(every) >= 1, "all mark prices")


async def local_book(suite, exchange, raw, symbol):
    """The client's own book, from diffs and one snapshot."""
    with suite.step("watch order book: the local book is the exchange's"):
        for _ in range(20):
            book = await exchange.stepped(raw.watch_order_book(symbol))
            bids, asks = [b[0] for b in book["bids"]], [a[0] for a in book["asks"]]
            same(bids, sorted(bids, reverse=True), "bids fall")
            check(bids[0] < asks[0], "not crossed")
        rest = await raw.fetch_order_book(symbol, 1_000)
        for _ in range(40):
            if raw.orderbooks[symbol]["nonce"] >= rest["nonce"]:
                break
            await asyncio.sleep(0.05)
        local = raw.orderbooks[symbol]
        same(local["nonce"], rest["nonce"], "update id")
        same([list(x) for x in local["bids"]], [list(x) for x in rest["bids"]], "bids")
        same([list(x) for x in local["asks"]], [list(x) for x in rest["asks"]], "asks")


async def until(watch, good, patience=10.0):
    """The first of what `watch()` brings that is good."""
    end = asyncio.get_running_loop().time() + patience
    while True:
        left = end - asyncio.get_running_loop().time()
        batch = await asyncio.wait_for(watch(), max(left, 0.01))
        for one in batch:
            if good(one):
                return one


async def user_stream(suite, exchange, raw, symbol):
    """What the account's own socket says."""
    last = (await raw.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    below = float(raw.price_to_precision(symbol, last * 0.97))
    inbox = {name: asyncio.Queue() for name in ["orders", "trades", "positions", "balance"]}
    sources = {
        "orders": lambda: raw.watch_orders(),
        "trades": lambda: raw.watch_my_trades(),
        "positions": lambda: raw.watch_positions(),
        "balance": lambda: raw.watch_balance(),
    }

    async def pump(name):
        while True:
            got = await sources[name]()
            for one in [got] if name == "balance" else list(got):
                inbox[name].put_nowait(one)

    pumps = [asyncio.ensure_future(pump(name)) for name in sources]

    async def heard(name, good, patience=10.0):
        async with asyncio.timeout(patience):
            while True:
                one = await inbox[name].get()
                if good(one):
                    return one

    await asyncio.sleep(1.0)
    with suite.step("user stream: a resting order is told, amended, cancelled"):
        order = await raw.create_order(symbol, "limit", "buy", quantity, below)
        told = await heard("orders", lambda o: o["id"] == order["id"])
        has(told, status="open", price=below, amount=quantity, clientOrderId=order["clientOrderId"])
        has(told["info"], x="NEW", X="NEW", ps="BOTH", ot="LIMIT")
        lower = float(raw.price_to_precision(symbol, last * 0.96))
        await raw.edit_order(order["id"], symbol, "limit", "buy", quantity, lower)
        told = await heard("orders", lambda o: o["id"] == order["id"])
        has(told["info"], x="AMENDMENT")
        has(told, price=lower)
        await raw.cancel_order(order["id"], symbol)
        told = await heard("orders", lambda o: o["id"] == order["id"])
        has(told, status="canceled")
    with suite.step("user stream: a fill moves order, trade, position and balance"):
        order = await raw.create_order(symbol, "market", "buy", quantity)
        done = await heard("orders", lambda o: o["id"] == order["id"] and o["status"] == "closed")
        has(done, filled=quantity, remaining=0.0)
        trade = await heard("trades", lambda t: t["order"] == order["id"])
        has(trade, side="buy", takerOrMaker="taker", symbol=symbol)
        near(trade["fee"]["cost"], trade["price"] * trade["amount"] * 0.0005, 1e-4, "fee")
        position = await heard("positions", lambda p: p["symbol"] == symbol and p["contracts"])
        has(position, side="long", contracts=quantity, marginMode="cross")
        near(position["entryPrice"], done["average"], 1e-8, "entry")
        balance = await heard("balance", lambda b: "USDT" in b)
        rest = await raw.fetch_balance()
        near(balance["USDT"]["total"], rest["info"]["totalWalletBalance"], 1e-8, "wallet")
        mine = (await raw.fetch_my_trades(symbol))[-1]
        same(mine["id"], trade["id"], "the trade's id by stream and by REST")
    with suite.step("user stream: a conditional order, triggered"):
        stop = float(raw.price_to_precision(symbol, last * 0.98))
        algo = await raw.create_order(
            symbol, "market", "sell", quantity, None,
            {"stopLossPrice": stop, "reduceOnly": True},
        )
        told = await heard("orders", lambda o: o["id"] == algo["id"])
        has(told["info"], X="NEW", at="CONDITIONAL", o="STOP_MARKET")
        near(told["triggerPrice"], stop)
        exchange.price(raw.markets[symbol]["id"], raw.price_to_precision(symbol, stop * 0.995))
        await asyncio.to_thread(exchange.step, 2 * MINUTE)
        # The client keeps the newest state only, when several come at once.
        await heard("orders", lambda o: o["id"] == algo["id"] and o["info"]["X"] == "FINISHED")
        gone = await heard("positions", lambda p: p["symbol"] == symbol and not p["contracts"])
        near(gone["contracts"], 0)
    with suite.step("user stream: the listen key is renewed"):
        key = raw.options["linear"]["listenKey"]
        await raw.keep_alive_listen_key({"type": "linear"})
        same(raw.options["linear"]["listenKey"], key, "the same key")
        again = (await raw.fapiPrivatePostListenKey())["listenKey"]
        same(again, key, "an active key is given back")
    for one in pumps:
        one.cancel()
    await asyncio.gather(*pumps, return_exceptions=True)


async def ws_orders(suite, exchange, raw, symbol):
    """The WebSocket API."""
    last = (await raw.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    below = float(raw.price_to_precision(symbol, last * 0.97))
    lower = float(raw.price_to_precision(symbol, last * 0.96))
    with suite.step("ws: place, query, amend, cancel"):
        order = await raw.create_order_ws(symbol, "limit", "buy", quantity, below)
        has(order, status="open", price=below, amount=quantity)
        has(await raw.fetch_order_ws(order["id"], symbol), id=order["id"], status="open")
        has(await raw.fetch_order(order["id"], symbol), status="open", price=below)
        changed = await raw.edit_order_ws(order["id"], symbol, "limit", "buy", quantity, lower)
        has(changed, id=order["id"], price=lower)
        has(await raw.cancel_order_ws(order["id"], symbol), status="canceled")
        has(await raw.fetch_order_ws(order["id"], symbol), status="canceled")
    with suite.step("ws: market order, position, balance"):
        order = await raw.create_order_ws(symbol, "market", "buy", quantity)
        has(order, status="closed", filled=quantity)
        position = (await raw.fetch_positions_ws([symbol]))[0]
        has(position, side="long", contracts=quantity)
        has((await raw.fetch_position_ws(symbol))[0], contracts=quantity)
        balance = await raw.fetch_balance_ws()
        near(balance["USDT"]["total"], (await raw.fetch_balance())["USDT"]["total"], 1e-6, "total")
        await raw.create_order_ws(symbol, "market", "sell", quantity, None, {"reduceOnly": True})
        same(await raw.fetch_positions([symbol]), [], "flat")
    with suite.step("ws: conditional order placed and cancelled"):
        order = await raw.create_order_ws(
            symbol, "market", "buy", quantity, None, {"stopPrice": round(last * 1.05, 2)}
        )
        has(order["info"], orderType="STOP_MARKET", algoStatus="NEW")
        await raw.cancel_order_ws(order["id"], symbol, {"trigger": True})
        same(await raw.fetch_open_orders(symbol, params={"trigger": True}), [], "none left")
    with suite.step("ws: book and ticker"):
        book = await raw.fetch_order_book_ws(symbol, 5)
        rest = await raw.fetch_order_book(symbol, 5)
        same(list(book["bids"][0]), list(rest["bids"][0]), "best bid")
        near((await raw.fetch_ticker_ws(symbol))["bid"], rest["bids"][0][0], what="bid")
    with suite.step("ws: errors keep their code"):
        with raises(ccxt.OrderNotFound, "-2011"):
            await raw.cancel_order_ws("999999999", symbol)
        with raises(ccxt.OrderNotFound, "-2013"):
            await raw.fetch_order_ws("999999999", symbol)
        order = await raw.create_order_ws(symbol, "limit", "buy", quantity, below)
        has(await raw.cancel_order_ws(order["id"], symbol), status="canceled")


async def liquidated(suite, exchange, raw, symbol):
    """A position that the price kills."""
    with suite.step("a liquidation is told to its owner and to everybody"):
        last = (await raw.fetch_ticker(symbol))["last"]
        await raw.set_margin_mode("isolated", symbol)
        await raw.set_leverage(20, symbol)
        quantity = sized(raw, symbol, last, 2_000)
        await raw.create_order(symbol, "market", "buy", quantity)
        position = (await raw.fetch_positions([symbol]))[0]
        dead = position["liquidationPrice"]
        check(last * 0.93 < dead < last * 0.97, f"{dead} of {last} at 20x")
        public = asyncio.ensure_future(raw.watch_liquidations(symbol))
        # The client reads balances only once somebody has asked for orders or balances.
        orders = asyncio.ensure_future(raw.watch_orders(symbol))
        own = asyncio.ensure_future(raw.watch_my_liquidations(symbol))
        await asyncio.sleep(0.5)
        exchange.price(raw.markets[symbol]["id"], raw.price_to_precision(symbol, dead * 0.99))
        await asyncio.to_thread(exchange.step, MINUTE)
        told = (await asyncio.wait_for(public, 10))[-1]
        has(told, symbol=symbol, side="sell")
        near(told["contracts"], quantity)
        await asyncio.wait_for(orders, 10)
        mine = (await asyncio.wait_for(own, 10))[-1]
        has(mine, symbol=symbol, side="sell")
        same(await raw.fetch_positions([symbol]), [], "flat")
        listed = await raw.fetch_my_liquidations(symbol)
        same(len(listed), 1, "of the account")
        order = (await raw.fetch_orders(symbol))[-1]
        check(order["clientOrderId"].startswith("autoclose-"), f"order {order['info']}")


async def unwatched(suite, exchange, raw, symbol):
    """Subscriptions taken back."""
    with suite.step("unwatch: klines, trades, book"):
        await exchange.stepped(raw.watch_ohlcv(symbol, "1h"))
        await raw.un_watch_ohlcv(symbol, "1h")
        await exchange.stepped(raw.watch_trades(symbol))
        await raw.un_watch_trades(symbol)
        await exchange.stepped(raw.watch_order_book(symbol))
        await raw.un_watch_order_book(symbol)
        book = await exchange.stepped(raw.watch_order_book(symbol))
        check(book["bids"][0][0] < book["asks"][0][0], "watched anew")


async def broken(suite, exchange, raw, symbol):
    """A socket that the exchange drops."""
    with suite.step("a dropped market socket: the next watch works again"):
        await exchange.stepped(raw.watch_ohlcv(symbol, "3m"))
        exchange.fault("ws_drop")
        for _ in range(5):
            try:
                await exchange.stepped(raw.watch_ohlcv(symbol, "3m"))
            except ccxt.NetworkError:
                break
        exchange.no_faults()
        rows = await exchange.stepped(raw.watch_ohlcv(symbol, "3m"))
        same(rows[-1][0] % (3 * MINUTE), 0, "a row")


async def scenario():
    """The whole list."""
    suite = Suite("ccxt pro")
    keys = ["main", "wsapi", "doomed"]
    exchange = Exchange([account(key, 10_000) for key in keys], seed=13)
    raw = client(exchange, "main")
    trader = client(exchange, "wsapi")
    doomed = client(exchange, "doomed")
    try:
        await raw.load_markets()
        await trader.load_markets()
        await doomed.load_markets()
        symbol = unified(raw, exchange.symbols[0])
        await streams(suite, exchange, raw, symbol)
        await local_book(suite, exchange, raw, symbol)
        await user_stream(suite, exchange, raw, symbol)
        await ws_orders(suite, exchange, trader, symbol)
        await unwatched(suite, exchange, raw, symbol)
        await broken(suite, exchange, raw, symbol)
        await liquidated(suite, exchange, doomed, symbol)
    finally:
        await raw.close()
        await trader.close()
        await doomed.close()
    suite.finish(exchange)


if __name__ == "__main__":
    asyncio.run(scenario())
