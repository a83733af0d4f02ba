"""The REST list for ccxt, the same for its blocking and its asynchronous flavour.

`raw` is the client as its library made it; `x` is the same client with every call awaitable.
"""

import re

import ccxt

from harness import HOUR, MINUTE, account, check, has, near, on_grid, raises, same

ACCOUNTS = [
    account("main", 10_000),
    account("hedger", 10_000),
    account("isolated", 10_000),
    account("poor", 5),
]


def point(raw, exchange):
    """Points a client at the exchange, as its users do: by its URLs."""
    def moved(urls):
        for name, url in list(urls.items()):
            if isinstance(url, dict):
                moved(url)
            elif isinstance(url, str):
                url = re.sub(r"https://\w+\.binance\.com", exchange.http, url)
                urls[name] = re.sub(r"wss://[\w.-]+\.binance\.com(:\d+)?", exchange.ws, url)

    moved(raw.urls["api"])
    return raw


def unified(raw, market_id):
    """The client's own name of a symbol."""
    return raw.markets_by_id[market_id][0]["symbol"]


def sized(raw, symbol, price, notional=600.0):
    """A quantity worth about so much."""
    return float(raw.amount_to_precision(symbol, notional / price))


async def markets(suite, exchange, raw, x):
    """Load markets, and everything that is public."""
    with suite.step("load markets"):
        await x.load_markets()
        same(sorted(m["id"] for m in raw.markets.values()), sorted(exchange.symbols), "symbols")
        info = {s["symbol"]: s for s in (await x.fapiPublicGetExchangeInfo())["symbols"]}
        for market in raw.markets.values():
            has(market, swap=True, linear=True, settle="USDT", active=True, contractSize=1.0)
            filters = {f["filterType"]: f for f in info[market["id"]]["filters"]}
            near(market["precision"]["price"], filters["PRICE_FILTER"]["tickSize"], what="tick")
            near(market["precision"]["amount"], filters["LOT_SIZE"]["stepSize"], what="step")
            near(market["limits"]["cost"]["min"], filters["MIN_NOTIONAL"]["notional"])
    symbol, market_id = unified(raw, exchange.symbols[0]), exchange.symbols[0]
    tick = raw.markets[symbol]["precision"]["price"]
    clock = exchange.clock()

    with suite.step("time is wall time"):
        near(await x.fetch_time(), raw.milliseconds(), 5_000, "server time")
    with suite.step("status"):
        has(await x.fetch_status(), status="ok")
    with suite.step("klines: newest 200 minutes, one open"):
        rows = await x.fetch_ohlcv(symbol, "1m", limit=200)
        same(len(rows), 200, "rows")
        for before, after in zip(rows, rows[1:]):
            same(after[0] - before[0], MINUTE, "distance of two rows")
        for _, open_, high, low, close, volume in rows:
            check(low <= min(open_, close) and max(open_, close) <= high, "a candle's range")
            check(volume >= 0, "volume")
            on_grid(close, tick)
        check(rows[-1][0] <= clock["market_ms"] < rows[-1][0] + MINUTE, "the last row is open")
    with suite.step("klines: every interval is made of its minutes"):
        minutes = await x.fetch_ohlcv(symbol, "1m", limit=1_000)
        for timeframe in ["3m", "5m", "15m", "30m", "1h", "2h", "4h"]:
            length = raw.parse_timeframe(timeframe) * 1_000
            rows = {r[0]: r for r in await x.fetch_ohlcv(symbol, timeframe, limit=20)}
            whole = 0
            for start, row in rows.items():
                same(start % length, 0, f"start of a {timeframe} row")
                parts = [m for m in minutes if start <= m[0] < start + length]
                if len(parts) * MINUTE == length and parts[-1][0] != minutes[-1][0]:
                    whole += 1
                    near(row[1], parts[0][1], what=f"{timeframe} open")
                    near(row[2], max(m[2] for m in parts), what=f"{timeframe} high")
                    near(row[3], min(m[3] for m in parts), what=f"{timeframe} low")
                    near(row[4], parts[-1][4], what=f"{timeframe} close")
                    near(row[5], sum(m[5] for m in parts), 1e-6, f"{timeframe} volume")
            check(whole > 0, f"no whole {timeframe} row among {len(rows)}")
        for timeframe in ["6h", "8h", "12h", "1d", "3d", "1w", "1M"]:
            check(len(await x.fetch_ohlcv(symbol, timeframe, limit=5)) >= 1, timeframe)
    with suite.step("klines: since, until and limit"):
        since = rows_at = minutes[-50][0]
        rows = await x.fetch_ohlcv(symbol, "1m", since=since, limit=10)
        same([r[0] for r in rows], [rows_at + i * MINUTE for i in range(10)], "rows from since")
        until = since + 4 * MINUTE
        rows = await x.fetch_ohlcv(symbol, "1m", since=since, params={"until": until})
        same(len(rows), 5, "rows, both ends inside")
        rows = await x.fetch_ohlcv(symbol, "1m", params={"until": until}, limit=3)
        same(rows[-1][0], until, "the newest rows before until")
    with suite.step("mark price, index price and premium klines"):
        for price in ["mark", "index", "premiumIndex"]:
            rows = await x.fetch_ohlcv(symbol, "5m", limit=12, params={"price": price})
            same(len(rows), 12, price)
    with suite.step("depth"):
        book = await x.fetch_order_book(symbol, 5)
        check(book["nonce"] > 0, "lastUpdateId")
        bids, asks = [b[0] for b in book["bids"]], [a[0] for a in book["asks"]]
        check(1 <= len(bids) <= 5 and 1 <= len(asks) <= 5, "levels")
        same(bids, sorted(bids, reverse=True), "bids fall")
        same(asks, sorted(asks), "asks rise")
        check(bids[0] < asks[0], "not crossed")
        on_grid(bids[0], tick)
    with suite.step("tickers"):
        ticker = await x.fetch_ticker(symbol)
        check(ticker["low"] <= ticker["last"] <= ticker["high"], "last within the day's range")
        near(ticker["change"], ticker["last"] - ticker["open"], 1e-6, "change")
        near(ticker["percentage"], 100 * ticker["change"] / ticker["open"], 0.001, "percent")
        every = await x.fetch_tickers()
        same(sorted(every), sorted(raw.symbols), "all tickers")
        near(every[symbol]["last"], ticker["last"])
    with suite.step("bids and asks, last prices"):
        quotes = await x.fetch_bids_asks([symbol])
        near(quotes[symbol]["bid"], bids[0])
        near(quotes[symbol]["ask"], asks[0])
        same(sorted(await x.fetch_bids_asks()), sorted(raw.symbols), "all quotes")
        near((await x.fetch_last_prices())[symbol]["price"], ticker["last"])
    with suite.step("mark prices and funding"):
        mark = await x.fetch_mark_price(symbol)
        near(mark["markPrice"], ticker["last"], ticker["last"] * 0.02, "mark near last")
        same(sorted(await x.fetch_mark_prices()), sorted(raw.symbols), "all marks")
        rate = await x.fetch_funding_rate(symbol)
        check(rate["fundingTimestamp"] > clock["market_ms"], "the next funding lies ahead")
        same(rate["fundingTimestamp"] % HOUR, 0, "funding on the hour")
        check(abs(rate["fundingRate"]) < 0.01, "a rate")
        same(len(await x.fetch_funding_rates()), len(raw.symbols), "all rates")
        for row in await x.fetch_funding_rate_history(symbol, limit=5):
            check(row["timestamp"] <= clock["market_ms"] and row["symbol"] == symbol, "history")
        check(isinstance(await x.fetch_funding_intervals(), dict), "intervals")
    with suite.step("trades"):
        trades = await x.fetch_trades(symbol, limit=20)
        check(0 < len(trades) <= 20, "trades")
        trades.sort(key=lambda t: int(t["id"]))
        same(len({t["id"] for t in trades}), len(trades), "ids")
        for before, after in zip(trades, trades[1:]):
            check(before["timestamp"] <= after["timestamp"], "times rise with ids")
        check(ticker["low"] <= trades[-1]["price"] <= ticker["high"], "a price")
    with suite.step("open interest"):
        check((await x.fetch_open_interest(symbol))["openInterestAmount"] >= 0, "open interest")
    with suite.step("used weight is told"):
        await x.fapiPublicGetPing()
        headers = {k.lower(): v for k, v in raw.last_response_headers.items()}
        check(int(headers["x-mbx-used-weight-1m"]) > 0, "weight of this minute")
    return symbol, market_id


async def fresh_account(suite, raw, x, symbol):
    """What an account says before it trades, and its settings."""
    with suite.step("balance of a fresh account"):
        for params in [{}, {"useV2": True}]:
            balance = await x.fetch_balance(params)
            same(balance["USDT"], {"free": 10_000.0, "used": 0.0, "total": 10_000.0}, "USDT")
        same(await x.fetch_positions(), [], "positions")
        same(await x.fetch_positions(params={"useV2": True}), [], "positions, v2")
        same(await x.fetch_open_orders(symbol), [], "open orders")
    with suite.step("fees, brackets and configuration"):
        fee = await x.fetch_trading_fee(symbol)
        check(0 < fee["maker"] <= fee["taker"] < 0.01, f"fees {fee}")
        check(symbol in await x.fetch_trading_fees(), "fees of all")
        tiers = (await x.fetch_leverage_tiers([symbol]))[symbol]
        check(tiers[0]["minNotional"] == 0 and tiers[0]["maxLeverage"] >= 20, f"tiers {tiers}")
        check(0 < tiers[0]["maintenanceMarginRate"] < 0.5, "maintenance rate")
    with suite.step("leverage"):
        reply = await x.set_leverage(10, symbol)
        same(int(reply["leverage"]), 10, "leverage")
        has(reply, symbol=raw.markets[symbol]["id"])
        has((await x.fetch_leverages())[symbol], longLeverage=10, shortLeverage=10)
        most = int(tiers[0]["maxLeverage"])
        check(most < 125, "a bracket below the highest leverage that the client sends")
        with raises(ccxt.BadRequest, "-4028"):
            await x.set_leverage(most + 1, symbol)
    with suite.step("position mode and margin mode are read"):
        has(await x.fetch_position_mode(symbol), hedged=False)
        has(await x.fetch_margin_mode(symbol), marginMode="cross")
        with raises(ccxt.MarginModeAlreadySet):
            await x.set_margin_mode("cross", symbol)
    return fee


async def market_order(suite, exchange, raw, x, symbol, fee):
    """In, out, and the money of it."""
    last = (await x.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    with suite.step("market order fills at once"):
        order = await x.create_order(symbol, "market", "buy", quantity)
        has(order, status="closed", filled=quantity, remaining=0.0, side="buy", type="market")
        check(order["clientOrderId"].startswith("x-cvBPrNm9"), "the client's own id")
        headers = {k.lower(): v for k, v in raw.last_response_headers.items()}
        check(int(headers["x-mbx-order-count-1m"]) > 0, "orders of this minute")
        check(int(headers["x-mbx-order-count-10s"]) > 0, "orders of these ten seconds")
        entry = (await x.fetch_order(order["id"], symbol))["average"]
        near(entry, last, last * 0.002, "a fill near the last price")
        same((await x.fetch_order(None, symbol, {"clientOrderId": order["clientOrderId"]}))["id"],
             order["id"], "found by client id")
    with suite.step("position after the fill"):
        position = (await x.fetch_positions([symbol]))[0]
        has(position, side="long", contracts=quantity, marginMode="cross", hedged=False)
        near(position["entryPrice"], entry, what="entry")
        upnl = (position["markPrice"] - entry) * quantity
        near(position["unrealizedPnl"], upnl, 1e-6, "unrealised")
        near(position["initialMargin"], position["notional"] / 10, 0.02, "margin at 10x")
        old = (await x.fetch_positions([symbol], {"useV2": True}))[0]
        has(old, leverage=10, marginMode="cross", contracts=quantity)
        account_view = await x.fetch_positions([symbol], {"method": "account"})
        has(account_view[0], side="long", contracts=quantity)
    with suite.step("balance after the fill"):
        paid = entry * quantity * fee["taker"]
        balance = await x.fetch_balance()
        wallet = float(balance["info"]["totalWalletBalance"])
        near(wallet, 10_000 - paid, 1e-6, "wallet less the fee")
        usdt = balance["USDT"]
        near(usdt["total"], wallet + upnl, 1e-6, "margin balance")
        near(usdt["free"], usdt["total"] - usdt["used"], 1e-6, "free")
    with suite.step("my trades"):
        trades = await x.fetch_my_trades(symbol)
        same(sum(t["amount"] for t in trades), quantity, "amount")
        near(sum(t["fee"]["cost"] for t in trades), paid, 1e-6, "fee")
        for trade in trades:
            has(trade, side="buy", takerOrMaker="taker", order=order["id"], symbol=symbol)
        of_order = await x.fetch_my_trades(symbol, params={"orderId": order["id"]})
        same(len(of_order), len(trades), "of this order")
    with suite.step("reduce-only market order closes"):
        exchange.step(30 * MINUTE)
        only = {"reduceOnly": True}
        closing = await x.create_order(symbol, "market", "sell", quantity, None, only)
        has(closing, status="closed", reduceOnly=True)
        exit_ = (await x.fetch_order(closing["id"], symbol))["average"]
        same(await x.fetch_positions([symbol]), [], "flat")
    with suite.step("income tells fee and profit"):
        rows = await x.fapiPrivateGetIncome({"symbol": raw.markets[symbol]["id"]})
        total = {}
        for row in rows:
            kind = row["incomeType"]
            total[kind] = total.get(kind, 0.0) + float(row["income"])
        near(total["COMMISSION"], -(entry + exit_) * quantity * fee["taker"], 1e-6, "commission")
        near(total.get("REALIZED_PNL", 0.0), (exit_ - entry) * quantity, 1e-6, "realised")
        wallet = float((await x.fetch_balance())["info"]["totalWalletBalance"])
        near(wallet, 10_000 + sum(total.values()), 1e-6, "wallet is the sum of its income")
        ledger = await x.fetch_ledger("USDT")
        check(len(ledger) >= 3, f"ledger {ledger}")


async def limit_orders(suite, exchange, raw, x, symbol):
    """Resting orders: amend, query, cancel, batch, cancel all, maker fill."""
    last = (await x.fetch_ticker(symbol))["last"]
    below = float(raw.price_to_precision(symbol, last * 0.97))
    lower = float(raw.price_to_precision(symbol, last * 0.965))
    quantity = sized(raw, symbol, last)
    with suite.step("limit order rests"):
        order = await x.create_order(symbol, "limit", "buy", quantity, below)
        has(order, status="open", price=below, filled=0.0, amount=quantity, timeInForce="GTC")
        used = (await x.fetch_balance())["USDT"]["used"]
        near(used, below * quantity / 10, 0.02, "margin of the open order")
        same([o["id"] for o in await x.fetch_open_orders(symbol)], [order["id"]], "open orders")
        raw.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
        same([o["id"] for o in await x.fetch_open_orders()], [order["id"]], "of all symbols")
        has(await x.fetch_open_order(order["id"], symbol), status="open", price=below)
    with suite.step("amend"):
        changed = await x.edit_order(order["id"], symbol, "limit", "buy", quantity, lower)
        has(changed, id=order["id"], price=lower, status="open")
        has(await x.fetch_order(order["id"], symbol), price=lower, amount=quantity)
        with raises(ccxt.ExchangeError, "-5027"):
            await x.edit_order(order["id"], symbol, "limit", "buy", quantity, lower)
    with suite.step("cancel"):
        has(await x.cancel_order(order["id"], symbol), id=order["id"], status="canceled")
        has(await x.fetch_order(order["id"], symbol), status="canceled")
        with raises(ccxt.OrderNotFound, "-2011"):
            await x.cancel_order(order["id"], symbol)
        same(await x.fetch_open_orders(symbol), [], "open orders")
    with suite.step("cancel by client order id"):
        await x.create_order(symbol, "limit", "buy", quantity, below, {"clientOrderId": "mine-1"})
        has(await x.cancel_order(None, symbol, {"clientOrderId": "mine-1"}), clientOrderId="mine-1")
    with suite.step("batch: two accepted, one refused"):
        line = {"symbol": symbol, "type": "limit", "side": "buy", "amount": quantity}
        small = raw.markets[symbol]["limits"]["amount"]["min"]
        orders = await x.create_orders([
            {**line, "price": below},
            {**line, "price": lower},
            {**line, "price": below, "amount": small, "params": {"newClientOrderId": "small"}},
        ])
        too_small = small * below < raw.markets[symbol]["limits"]["cost"]["min"]
        expected = ["open", "open", "rejected" if too_small else "open"]
        same([o["status"] for o in orders], expected, "statuses")
    with suite.step("batch amend and batch cancel"):
        ids = [o["id"] for o in orders[:2]]
        edits = [
            {**line, "id": ids[0], "price": lower},
            {**line, "id": ids[1], "price": below},
        ]
        same([o["price"] for o in await x.edit_orders(edits)], [lower, below], "prices")
        gone = await x.cancel_orders(ids, symbol)
        same([o["status"] for o in gone], ["canceled", "canceled"], "statuses")
        await x.create_order(symbol, "limit", "buy", quantity, below, {"clientOrderId": "mine-2"})
        gone = await x.cancel_orders([], symbol, {"clientOrderIds": ["mine-2"]})
        same([o["clientOrderId"] for o in gone], ["mine-2"], "by client id")
    with suite.step("cancel all"):
        for price in (below, lower):
            await x.create_order(symbol, "limit", "buy", quantity, price)
        reply = await x.cancel_all_orders(symbol)
        same(str(reply[0]["info"]["code"]), "200", "code")
        same(await x.fetch_open_orders(symbol), [], "open orders")
    with suite.step("time in force: IOC and FOK that cannot fill, GTX that would take"):
        order = await x.create_order(
            symbol, "limit", "buy", quantity, below, {"timeInForce": "IOC"}
        )
        has(await x.fetch_order(order["id"], symbol), status="expired", filled=0.0)
        with raises(ccxt.InvalidOrder, "-5021"):
            await x.create_order(symbol, "limit", "buy", quantity, below, {"timeInForce": "FOK"})
        above = float(raw.price_to_precision(symbol, last * 1.01))
        with raises(ccxt.InvalidOrder, "-5022"):
            await x.create_order(symbol, "limit", "buy", quantity, above, {"postOnly": True})
        order = await x.create_order(symbol, "limit", "buy", quantity, below, {"postOnly": True})
        has(order, status="open", postOnly=True, timeInForce="PO")
        await x.cancel_order(order["id"], symbol)
    with suite.step("a resting order fills as maker when the price comes"):
        order = await x.create_order(symbol, "limit", "buy", quantity, below)
        exchange.price(raw.markets[symbol]["id"], raw.price_to_precision(symbol, below * 0.995))
        exchange.step(MINUTE)
        done = await x.fetch_order(order["id"], symbol)
        has(done, status="closed", filled=quantity, average=below)
        trade = [t for t in await x.fetch_my_trades(symbol) if t["order"] == order["id"]][-1]
        has(trade, takerOrMaker="maker", price=below)
        await x.create_order(symbol, "market", "sell", quantity, None, {"reduceOnly": True})
        same(await x.fetch_positions([symbol]), [], "flat")
    with suite.step("all orders"):
        orders = await x.fetch_orders(symbol)
        check({"closed", "canceled", "expired"} <= {o["status"] for o in orders}, "statuses")
        ids = [int(o["id"]) for o in orders]
        same(len(set(ids)), len(ids), "each once")


async def conditional_orders(suite, exchange, raw, x, symbol):
    """Stop, take profit and trailing stop, by the algo service."""
    market_id = raw.markets[symbol]["id"]
    last = (await x.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    await x.create_order(symbol, "market", "buy", quantity)
    stop = float(raw.price_to_precision(symbol, last * 0.97))
    target = float(raw.price_to_precision(symbol, last * 1.03))
    reduce = {"reduceOnly": True}
    trigger = {"trigger": True}
    with suite.step("stop, take profit, trailing stop"):
        one = await x.create_order(
            symbol, "market", "sell", quantity, None, {"stopLossPrice": stop, **reduce}
        )
        has(one, status="open", type="market", triggerPrice=stop, reduceOnly=True)
        has(one["info"], orderType="STOP_MARKET", algoStatus="NEW", algoType="CONDITIONAL")
        two = await x.create_order(
            symbol, "market", "sell", quantity, None, {"takeProfitPrice": target, **reduce}
        )
        has(two["info"], orderType="TAKE_PROFIT_MARKET")
        three = await x.create_order(
            symbol, "market", "sell", quantity, None,
            {"trailingPercent": "1.5", "trailingTriggerPrice": target, **reduce},
        )
        has(three["info"], orderType="TRAILING_STOP_MARKET")
        near(three["info"]["callbackRate"], 1.5, what="callback")
        near(three["info"]["activatePrice"], target, what="activation")
        four = await x.create_order(
            symbol, "limit", "sell", quantity, stop, {"stopLossPrice": stop, **reduce}
        )
        has(four["info"], orderType="STOP")
        near(four["price"], stop, what="limit of the stop")
    every = [one, two, three, four]
    with suite.step("conditional orders are queried apart"):
        listed = await x.fetch_open_orders(symbol, params=trigger)
        same(sorted(o["id"] for o in listed), sorted(o["id"] for o in every), "open algo orders")
        same(await x.fetch_open_orders(symbol), [], "not among the plain orders")
        has(await x.fetch_order(one["id"], symbol, trigger), id=one["id"], status="open")
        by_id = {"clientAlgoId": one["clientOrderId"], **trigger}
        same((await x.fetch_order(None, symbol, by_id))["id"], one["id"], "by client id")
    with suite.step("cancel one conditional order, then all"):
        reply = (await x.cancel_order(four["id"], symbol, trigger))["info"]
        same(reply["code"], "200", "the code is text here")
        has(await x.fetch_order(four["id"], symbol, trigger), status="canceled")
        with raises(ccxt.OrderNotFound):
            await x.cancel_order(four["id"], symbol, trigger)
        same(await x.cancel_all_orders(symbol) and len(
            await x.fetch_open_orders(symbol, params=trigger)), 3, "cancel all leaves stops")
        await x.cancel_order(two["id"], symbol, trigger)
        await x.cancel_order(three["id"], symbol, trigger)
    with suite.step("the stop triggers and closes"):
        exchange.price(market_id, raw.price_to_precision(symbol, stop * 0.995))
        exchange.step(2 * MINUTE)
        done = await x.fetch_order(one["id"], symbol, trigger)
        check(done["info"]["algoStatus"] in ("TRIGGERED", "FINISHED"), f"{done['info']}")
        child = await x.fetch_order(done["info"]["actualOrderId"], symbol)
        has(child, status="closed", filled=quantity, side="sell")
        same(await x.fetch_positions([symbol]), [], "flat")
        history = await x.fetch_orders(symbol, params=trigger)
        check(one["id"] in [o["id"] for o in history], "kept in the history")
    with suite.step("the take profit triggers and closes"):
        last = (await x.fetch_ticker(symbol))["last"]
        await x.create_order(symbol, "market", "buy", quantity)
        target = float(raw.price_to_precision(symbol, last * 1.02))
        profit = await x.create_order(
            symbol, "market", "sell", quantity, None, {"takeProfitPrice": target, **reduce}
        )
        exchange.price(market_id, raw.price_to_precision(symbol, target * 1.004))
        exchange.step(2 * MINUTE)
        done = await x.fetch_order(profit["id"], symbol, trigger)
        child = await x.fetch_order(done["info"]["actualOrderId"], symbol)
        has(child, status="closed", filled=quantity)
        check(child["average"] >= target, "not below the target")
        same(await x.fetch_positions([symbol]), [], "flat")
    with suite.step("the trailing stop follows the price up and closes on its way down"):
        last = (await x.fetch_ticker(symbol))["last"]
        await x.create_order(symbol, "market", "buy", quantity)
        trailing = await x.create_order(
            symbol, "market", "sell", quantity, None,
            {"trailingPercent": "2", "trailingTriggerPrice": last * 1.01, **reduce},
        )
        for factor in (1.015, 1.03, 1.02):
            exchange.price(market_id, raw.price_to_precision(symbol, last * factor))
            has(await x.fetch_order(trailing["id"], symbol, trigger), status="open")
        exchange.price(market_id, raw.price_to_precision(symbol, last * 1.03 * 0.978))
        exchange.step(2 * MINUTE)
        done = await x.fetch_order(trailing["id"], symbol, trigger)
        check(done["info"]["algoStatus"] in ("TRIGGERED", "FINISHED"), f"{done['info']}")
        same(await x.fetch_positions([symbol]), [], "flat")
    with suite.step("stop for the whole position follows it"):
        last = (await x.fetch_ticker(symbol))["last"]
        await x.create_order(symbol, "market", "sell", quantity)
        above = float(raw.price_to_precision(symbol, last * 1.02))
        whole = await x.create_order(
            symbol, "market", "buy", quantity, None, {"stopPrice": above, "closePosition": True}
        )
        has(whole["info"], closePosition=True)
        exchange.price(market_id, raw.price_to_precision(symbol, above * 1.003))
        exchange.step(2 * MINUTE)
        same(await x.fetch_positions([symbol]), [], "flat")
        await x.cancel_all_orders(symbol, trigger)
        same(await x.fetch_open_orders(symbol, params=trigger), [], "none left")


async def hedge(suite, raw, x, symbol):
    """Two positions in one symbol."""
    await x.load_markets()
    last = (await x.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    with suite.step("hedge mode is set and read"):
        same(str((await x.set_position_mode(True))["code"]), "200", "code")
        has(await x.fetch_position_mode(), hedged=True)
        with raises(ccxt.OperationRejected, "-4059"):
            await x.set_position_mode(True)
        with raises(ccxt.OperationRejected, "-4061"):
            await x.create_order(symbol, "market", "buy", quantity)
    with suite.step("long and short at once"):
        hedged = {"hedged": True}
        order = await x.create_order(symbol, "market", "buy", quantity, None, hedged)
        has(order["info"], positionSide="LONG")
        await x.create_order(symbol, "market", "sell", 2 * quantity, None, hedged)
        sides = {p["side"]: p["contracts"] for p in await x.fetch_positions([symbol])}
        same(sorted(sides), ["long", "short"], "sides")
        near(sides["long"], quantity)
        near(sides["short"], 2 * quantity)
        with raises(ccxt.OperationRejected, "-4068"):
            await x.set_position_mode(False)
    with suite.step("each closes by itself"):
        closing = {"hedged": True, "reduceOnly": True}
        order = await x.create_order(symbol, "market", "sell", quantity, None, closing)
        has(order["info"], positionSide="LONG")
        same([p["side"] for p in await x.fetch_positions([symbol])], ["short"], "the short is left")
        await x.create_order(symbol, "market", "buy", 2 * quantity, None, closing)
        same(await x.fetch_positions([symbol]), [], "flat")
        same(str((await x.set_position_mode(False))["code"]), "200", "back to one-way")


async def isolated(suite, raw, x, symbol):
    """Isolated margin, added and taken back."""
    await x.load_markets()
    last = (await x.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    with suite.step("isolated margin mode"):
        same(str((await x.set_margin_mode("isolated", symbol))["code"]), "200", "code")
        has((await x.fetch_margin_modes([symbol]))[symbol], marginMode="isolated")
        await x.set_leverage(5, symbol)
        await x.create_order(symbol, "market", "sell", quantity)
        position = (await x.fetch_positions([symbol]))[0]
        has(position, marginMode="isolated", side="short", contracts=quantity)
        wallet = float(position["info"]["isolatedWallet"])
        near(wallet, position["notional"] / 5, position["notional"] * 0.01, "a fifth is posted")
        check(position["liquidationPrice"] > position["entryPrice"], "a short dies above")
    with suite.step("margin is added and taken back"):
        has(await x.add_margin(symbol, 20), type="add", status="ok", amount=20.0)
        more = (await x.fetch_positions([symbol]))[0]
        near(more["info"]["isolatedWallet"], wallet + 20, 1e-6, "posted")
        check(more["liquidationPrice"] > position["liquidationPrice"], "it dies later")
        has(await x.reduce_margin(symbol, 15), type="reduce", status="ok")
        less = (await x.fetch_positions([symbol]))[0]
        near(less["info"]["isolatedWallet"], wallet + 5, 1e-6, "posted")
        history = await x.fetch_margin_adjustment_history(symbol)
        check({h["type"] for h in history} == {"add", "reduce"}, f"history {history}")
    with suite.step("mode cannot change with a position"):
        with raises(ccxt.OperationRejected, "-4048"):
            await x.set_margin_mode("cross", symbol)
        await x.create_order(symbol, "market", "buy", quantity, None, {"reduceOnly": True})


async def funding(suite, exchange, raw, x, symbol):
    """A position over a funding time."""
    last = (await x.fetch_ticker(symbol))["last"]
    quantity = sized(raw, symbol, last)
    with suite.step("funding history is what the wallet paid"):
        await x.create_order(symbol, "market", "buy", quantity)
        before = float((await x.fetch_balance())["info"]["totalWalletBalance"])
        due = (await x.fetch_funding_rate(symbol))["fundingTimestamp"]
        exchange.step(due - exchange.clock()["market_ms"] + MINUTE)
        after = float((await x.fetch_balance())["info"]["totalWalletBalance"])
        paid = await x.fetch_funding_history(symbol)
        near(sum(p["amount"] for p in paid), after - before, 1e-6, "funding")
        await x.create_order(symbol, "market", "sell", quantity, None, {"reduceOnly": True})
