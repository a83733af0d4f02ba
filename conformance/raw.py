"""The protocol itself, without a client library: where libraries differ, what they rely on."""

import asyncio
import gzip
import hashlib
import hmac
import http.client
import json
import time
from urllib.parse import urlencode

import websockets

from harness import MINUTE, Exchange, Suite, account, check, has, near, same

SECRET = "main-secret"


def signed(text, secret=SECRET):
    """The HMAC of some text, in hex."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def now():
    """Wall time in milliseconds."""
    return int(time.time() * 1000)


class Http:
    """One connection, kept open."""

    def __init__(self, exchange, key="main"):
        self.connection = http.client.HTTPConnection(exchange.address, timeout=20)
        self.key = key

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of one request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            named.setdefault("X-MBX-APIKEY", self.key)
        self.connection.request(method, path, body=body, headers=named)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.headers.get("Content-Encoding") == "gzip":
            text = gzip.decompress(text)
        return reply.status, reply.headers, json.loads(text)

    def sign(self, method, path, **params):
        """A signed request, all in the query."""
        query = urlencode({**params, "timestamp": now()})
        return self.ask(method, f"{path}?{query}&signature={signed(query)}")


def signatures(suite, http, symbol, quantity, price):
    """Which bytes are signed."""
    order = f"symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC"
    rest = f"quantity={quantity}&price={price}&timestamp="
    form = "application/x-www-form-urlencoded"
    test = "/fapi/v1/order/test"

    def accepted(reply):
        status, _, body = reply
        same(status, 200, f"{body}")

    def refused(reply, code):
        status, headers, body = reply
        same((status, body["code"]), (400, code), f"{body}")
        check(headers["Content-Type"].startswith("application/json"), "errors are JSON")

    with suite.step("signature over the query"):
        text = f"{order}&{rest}{now()}"
        accepted(http.ask("POST", f"{test}?{text}&signature={signed(text)}"))
        upper = signed(text).upper()
        accepted(http.ask("POST", f"{test}?{text}&signature={upper}"))
    with suite.step("signature over the body"):
        text = f"{order}&{rest}{now()}"
        accepted(http.ask("POST", test, f"{text}&signature={signed(text)}", Content_Type=form))
    with suite.step("signature over query and body, nothing between"):
        tail = f"{rest}{now()}"
        text = order + tail
        body = f"{tail}&signature={signed(text)}"
        accepted(http.ask("POST", f"{test}?{order}", body, Content_Type=form))
    with suite.step("a JSON content type with an empty body"):
        text = f"{order}&{rest}{now()}"
        target = f"{test}?{text}&signature={signed(text)}"
        accepted(http.ask("POST", target, "", Content_Type="application/json"))
    with suite.step("percent-encoded bytes are signed as sent"):
        text = f"{order}&newClientOrderId=a%3Ab&{rest}{now()}"
        accepted(http.ask("POST", f"{test}?{text}&signature={signed(text)}"))
        other = text.replace("%3A", ":")
        refused(http.ask("POST", f"{test}?{text}&signature={signed(other)}"), -1022)
    with suite.step("refused: signature wrong, missing"):
        text = f"{order}&{rest}{now()}"
        refused(http.ask("POST", f"{test}?{text}&signature={'0' * 8}"), -1022)
        refused(http.ask("POST", f"{test}?{text}"), -1102)
    with suite.step("refused: no key, a key of nobody"):
        text = f"timestamp={now()}"
        target = f"/fapi/v3/balance?{text}&signature={signed(text)}"
        http.key = None
        status, _, body = http.ask("GET", target)
        check(status in (400, 401) and body["code"] in (-2014, -2015), f"{body}")
        http.key = "nobody"
        status, _, body = http.ask("GET", target)
        check(status in (400, 401) and body["code"] in (-2014, -2015), f"{body}")
        http.key = "main"
    with suite.step("the window: a second ahead at most, recvWindow behind"):
        def at(moment, window=5_000):
            text = f"recvWindow={window}&timestamp={moment}"
            return http.ask("GET", f"/fapi/v3/balance?{text}&signature={signed(text)}")

        accepted(at(now() + 500))
        refused(at(now() + 2_500), -1021)
        accepted(at(now() - 3_000))
        refused(at(now() - 6_000), -1021)
        accepted(at(now() - 6_000, 10_000))


def plumbing(suite, exchange, http, symbol):
    """Connections, headers, unknown paths."""
    with suite.step("one connection carries many requests"):
        for _ in range(50):
            same(http.ask("GET", "/fapi/v1/ping")[2], {}, "ping")
    with suite.step("weights are counted"):
        used = int(http.ask("GET", "/fapi/v1/ping")[1]["X-MBX-USED-WEIGHT-1M"])
        for path, weight in [
            ("/fapi/v1/time", 1),
            (f"/fapi/v1/depth?symbol={symbol}&limit=1000", 20),
            (f"/fapi/v1/klines?symbol={symbol}&interval=1m&limit=1500", 10),
            (f"/fapi/v1/klines?symbol={symbol}&interval=1m&limit=99", 1),
            ("/fapi/v1/ticker/24hr", 40),
            (f"/fapi/v1/ticker/24hr?symbol={symbol}", 1),
        ]:
            after = int(http.ask("GET", path)[1]["X-MBX-USED-WEIGHT-1M"])
            if after > weight:  # else the minute has turned
                same(after - used, weight, path)
            used = after
    with suite.step("compression is a choice of the server"):
        reply = http.ask("GET", "/fapi/v1/exchangeInfo", Accept_Encoding="gzip, deflate, br")
        check(len(reply[2]["symbols"]) == len(exchange.symbols), "symbols")
    with suite.step("unknown paths and methods are answered, the connection stays"):
        status, _, _ = http.ask("GET", "/fapi/v1/nothing")
        same(status, 404, "status")
        status, _, _ = http.ask("DELETE", "/fapi/v1/depth")
        check(status in (404, 405), f"status {status}")
        same(http.ask("GET", "/fapi/v1/ping")[0], 200, "still there")
    with suite.step("missing and malformed parameters"):
        for path, code in [
            ("/fapi/v1/depth", -1102),
            ("/fapi/v1/depth?symbol=NOPEUSDT", -1121),
            (f"/fapi/v1/klines?symbol={symbol}", -1102),
            (f"/fapi/v1/klines?symbol={symbol}&interval=7m", -1120),
            (f"/fapi/v1/klines?symbol={symbol}&interval=1m&limit=x", -1100),
        ]:
            status, _, body = http.ask("GET", path)
            same((status, body.get("code")), (400, code), path)
    with suite.step("empty and unknown parameters do no harm"):
        same(http.ask("GET", f"/fapi/v1/ticker/price?symbol={symbol}&colour=")[0], 200, "status")


async def soon(socket, good=lambda m: True, patience=5.0):
    """The first good message."""
    async with asyncio.timeout(patience):
        while True:
            message = json.loads(await socket.recv())
            if good(message):
                return message


async def kinds(exchange, socket, field, count):
    """So many different values of a field, while the market moves."""
    seen = set()
    while len(seen) < count:
        seen.add((await exchange.stepped(soon(socket)))[field])
    return seen


async def silent(exchange, socket, steps=3):
    """Whether nothing comes while the market moves."""
    for _ in range(steps):
        await asyncio.to_thread(exchange.step, MINUTE)
    try:
        async with asyncio.timeout(0.3):
            return False, await socket.recv()
    except TimeoutError:
        return True, None


async def control(suite, exchange, symbol):
    """Subscriptions on a market socket."""
    low = symbol.lower()
    async with websockets.connect(f"{exchange.ws}/market/ws/7") as socket:
        with suite.step("ws: ids of either kind are given back"):
            for ident in [1, 4_294_967_296, "one", "5f2c-uuid"]:
                await socket.send(json.dumps(
                    {"method": "SUBSCRIBE", "params": [f"{low}@kline_1m"], "id": ident}))
                same(await soon(socket), {"result": None, "id": ident}, "ack")
        with suite.step("ws: list, unsubscribe, properties"):
            await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 3}))
            same(await soon(socket), {"result": [f"{low}@kline_1m"], "id": 3}, "list")
            await socket.send(json.dumps(
                {"method": "SET_PROPERTY", "params": ["combined", True], "id": 4}))
            same(await soon(socket), {"result": None, "id": 4}, "set")
            await socket.send(json.dumps(
                {"method": "GET_PROPERTY", "params": ["combined"], "id": 5}))
            same(await soon(socket), {"result": True, "id": 5}, "get")
            await asyncio.to_thread(exchange.step, MINUTE)
            has(await soon(socket), stream=f"{low}@kline_1m")
            await socket.send(json.dumps(
                {"method": "UNSUBSCRIBE", "params": [f"{low}@kline_1m"], "id": 6}))
            await soon(socket, lambda m: m.get("id") == 6)
            same((await silent(exchange, socket))[0], True, "silent")
        await asyncio.sleep(1.1)
        with suite.step("ws: malformed messages are answered, the socket stays"):
            for text in ["{", '{"method":"FLY","id":1}', '{"method":"SUBSCRIBE","id":2}']:
                await socket.send(text)
                reply = await soon(socket)
                check("code" in reply.get("error", reply), f"{text} -> {reply}")
            await socket.ping()
    with suite.step("ws: combined streams in the URL"):
        url = f"{exchange.ws}/market/stream?streams={low}@kline_1m/{low}@aggTrade"
        async with websockets.connect(url) as socket:
            seen = await kinds(exchange, socket, "stream", 2)
            same(seen, {f"{low}@kline_1m", f"{low}@aggTrade"}, "streams")
    with suite.step("ws: raw streams in the URL"):
        url = f"{exchange.ws}/public/ws/{low}@bookTicker/{low}@depth@100ms"
        async with websockets.connect(url) as socket:
            seen = await kinds(exchange, socket, "e", 2)
            same(seen, {"bookTicker", "depthUpdate"}, "events")
    with suite.step("ws: every speed of the book, and an address with /ws before /stream"):
        speeds = ["", "@0ms", "@100ms", "@250ms", "@500ms"]
        streams = {f"{low}@depth{n}{s}" for n in ("", "5", "10", "20") for s in speeds}
        url = f"{exchange.ws}/public/ws/stream?streams={'/'.join(sorted(streams))}"
        # What it has not read keeps the client from hearing the end of a socket.
        async with websockets.connect(url, close_timeout=0.5) as socket:
            same(await kinds(exchange, socket, "stream", len(streams)), streams, "streams")


async def silence(suite, exchange, symbol):
    """What opens and stays silent."""
    low = symbol.lower()
    for name, url, stream in [
        ("a market stream on the public route", "/public/ws", f"{low}@kline_1m"),
        ("a public stream on the market route", "/market/ws", f"{low}@bookTicker"),
        ("an upper-case symbol", "/market/ws", f"{symbol}@kline_1m"),
        ("the legacy URL", "/ws", f"{low}@kline_1m"),
        ("a listen key of nobody", "/private/ws?listenKey=nobody", None),
    ]:
        with suite.step(f"ws: open and silent: {name}"):
            async with websockets.connect(exchange.ws + url) as socket:
                if stream:
                    await socket.send(json.dumps(
                        {"method": "SUBSCRIBE", "params": [stream], "id": 1}))
                    same((await soon(socket))["id"], 1, "ack")
                quiet, message = await silent(exchange, socket)
                check(quiet, f"it said {message}")


async def depth(suite, exchange, http, symbol):
    """The chain of updates and the snapshot."""
    with suite.step("ws: depth updates are one chain that a snapshot joins"):
        async with websockets.connect(
            f"{exchange.ws}/public/ws/{symbol.lower()}@depth@100ms"
        ) as socket:
            events = []
            snapshot = None
            for turn in range(12):
                await asyncio.to_thread(exchange.step, MINUTE)
                events.append(await soon(socket))
                if turn == 5:
                    snapshot = http.ask("GET", f"/fapi/v1/depth?symbol={symbol}&limit=1000")[2]
            for before, after in zip(events, events[1:]):
                same(after["pu"], before["u"], "pu is the u before")
                check(after["U"] <= after["u"], "U up to u")
            first = next(e for e in events if e["u"] >= snapshot["lastUpdateId"])
            joins = first["U"] <= snapshot["lastUpdateId"] <= first["u"]
            check(joins or first["pu"] == snapshot["lastUpdateId"], f"{first} {snapshot}")


async def private(suite, exchange, http, symbol, quantity):
    """Forms of the user stream."""
    with suite.step("ws: the user stream by path, by query, by subscription, by event"):
        key = http.ask("POST", "/fapi/v1/listenKey")[2]["listenKey"]
        forms = {
            "path": f"/private/ws/{key}",
            "query": f"/private/ws?listenKey={key}",
            "combined": f"/private/stream?listenKey={key}",
            "events": f"/private/ws?listenKey={key}&events=ACCOUNT_UPDATE",
            "subscribed": "/private/stream",
        }
        sockets = {n: await websockets.connect(exchange.ws + url) for n, url in forms.items()}
        await sockets["subscribed"].send(json.dumps(
            {"method": "SUBSCRIBE", "params": [key], "id": "s"}))
        same(await soon(sockets["subscribed"]), {"result": None, "id": "s"}, "ack")
        for side in ["BUY", "SELL"]:
            _, _, reply = await asyncio.to_thread(
                http.sign, "POST", "/fapi/v1/order", symbol=symbol, side=side, type="MARKET",
                quantity=quantity, newOrderRespType="RESULT")
            same(reply.get("status"), "FILLED", f"{reply}")
        for name, socket in sockets.items():
            message = await soon(socket, lambda m: "ACCOUNT_UPDATE" in json.dumps(m))
            if name in ("combined", "subscribed"):
                same(message["stream"], key, f"stream of {name}")
                message = message["data"]
            has(message, e="ACCOUNT_UPDATE")
            await socket.close()


async def endings(suite, exchange, http, symbol, quantity, price):
    """Orders that end by a clock or by an order of their owner; keys that end."""
    def place(**more):
        line = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                "quantity": quantity, "price": price, **more}
        return http.sign("POST", "/fapi/v1/order", **line)

    def status(order):
        return http.sign("GET", "/fapi/v1/order", symbol=symbol, orderId=order["orderId"])[2]

    with suite.step("the countdown cancels what its owner no longer renews"):
        order = place()[2]
        for ms in (5_000, 5_000, 300):
            same(status(order)["status"], "NEW", "still renewed")
            reply = http.sign(
                "POST", "/fapi/v1/countdownCancelAll", symbol=symbol, countdownTime=ms)[2]
            same((reply["symbol"], reply["countdownTime"]), (symbol, str(ms)), "reply")
        for _ in range(50):
            await asyncio.sleep(0.1)
            if status(order)["status"] != "NEW":
                break
        same(status(order)["status"], "CANCELED", "cancelled")
    with suite.step("good till date: ten minutes ahead at least, and given back"):
        till = (now() // 1000 + 700) * 1000
        order = place(timeInForce="GTD", goodTillDate=till)[2]
        same((order["timeInForce"], order["goodTillDate"]), ("GTD", till), f"{order}")
        code, _, body = place(timeInForce="GTD", goodTillDate=now() + 10_000)
        same(code, 400, f"{body}")
        http.sign("DELETE", "/fapi/v1/allOpenOrders", symbol=symbol)
    with suite.step("an expired listen key says so, and its successor works"):
        key = http.ask("POST", "/fapi/v1/listenKey")[2]["listenKey"]
        async with websockets.connect(f"{exchange.ws}/private/ws?listenKey={key}") as socket:
            exchange.fault("listen_key_expire")
            http.ask("GET", "/fapi/v1/ping")
            gone = await soon(socket, lambda m: m["e"] == "listenKeyExpired")
            same(gone["listenKey"], key, "which")
        exchange.no_faults()
        status_, _, body = http.ask("PUT", "/fapi/v1/listenKey")
        same((status_, body["code"]), (400, -1125), "it cannot be renewed")
        other = http.ask("POST", "/fapi/v1/listenKey")[2]["listenKey"]
        check(other != key, "a new one")


async def ws_api(suite, exchange, symbol, quantity, price):
    """The WebSocket API, by hand."""
    def request(method, ident, secret=SECRET, **params):
        params = {**params, "apiKey": "main", "timestamp": now()}
        text = "&".join(f"{k}={json.dumps(v) if isinstance(v, bool) else v}"
                        for k, v in sorted(params.items()))
        params["signature"] = signed(text, secret)
        return json.dumps({"id": ident, "method": method, "params": params})

    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
             "quantity": quantity, "price": price}
    async with websockets.connect(exchange.ws + "/ws-fapi/v1") as socket:
        with suite.step("ws api: ids of any kind, limits on or off"):
            for ident in ["text", 12, None]:
                await socket.send(request("order.place", ident, **order))
                reply = await soon(socket)
                same((reply["id"], reply["status"]), (ident, 200), f"{reply}")
                check({r["rateLimitType"] for r in reply["rateLimits"]} >= {"ORDERS"}, "limits")
                placed = reply["result"]["orderId"]
                await socket.send(request(
                    "order.cancel", ident, symbol=symbol, orderId=placed, returnRateLimits=False))
                reply = await soon(socket)
                same(reply["result"]["status"], "CANCELED", f"{reply}")
                check("rateLimits" not in reply, "no limits when not wanted")
        with suite.step("ws api: every number as text, or as a number"):
            for kind in (str, float):
                changed = {**order, "quantity": kind(quantity), "price": kind(price)}
                await socket.send(request("order.place", 1, **changed))
                reply = await soon(socket)
                same(reply["status"], 200, f"{reply}")
                near(reply["result"]["price"], price)
                await socket.send(request(
                    "order.cancel", 2, symbol=symbol, orderId=str(reply["result"]["orderId"])))
                same((await soon(socket))["status"], 200, "cancelled")
        with suite.step("ws api: refusals"):
            await socket.send(request("order.place", 3, secret="no", **order))
            reply = await soon(socket)
            same((reply["status"], reply["error"]["code"]), (400, -1022), f"{reply}")
            await socket.send(request("order.fly", 4))
            check("error" in await soon(socket), "an unknown method")
            await socket.send("not json")
            check("error" in await soon(socket), "no JSON")
            await socket.send(request("order.place", 5, **{**order, "symbol": "NOPEUSDT"}))
            same((await soon(socket))["error"]["code"], -1121, "no such symbol")
    with suite.step("ws api: limits switched off in the URL"):
        url = exchange.ws + "/ws-fapi/v1?returnRateLimits=false"
        async with websockets.connect(url) as socket:
            await socket.send(request("v2/account.balance", 1))
            check("rateLimits" not in await soon(socket), "no limits")


async def limits(suite, exchange, http, symbol):
    """Last, for it ends in a ban: 429, and 418 for those who go on."""
    with suite.step("ws: more than ten messages a second end the socket"):
        async with websockets.connect(exchange.ws + "/market/ws") as socket:
            try:
                async with asyncio.timeout(3):
                    for ident in range(40):
                        await socket.send(json.dumps(
                            {"method": "LIST_SUBSCRIPTIONS", "id": ident}))
                    while True:
                        await socket.recv()
            except websockets.ConnectionClosed:
                pass
    with suite.step("429 over the limit, 418 for going on"):
        status, seen = 200, []
        for _ in range(400):
            status, headers, body = http.ask("GET", "/fapi/v1/ticker/24hr")
            if status != 200:
                seen.append(status)
            if status == 418:
                break
        same(seen[:1], [429], "first 429")
        same(status, 418, "then 418")
        same(body["code"], -1003, "code")


async def over_sockets(suite, exchange, http, symbol, quantity, price):
    """All that goes over WebSocket."""
    await control(suite, exchange, symbol)
    await silence(suite, exchange, symbol)
    await depth(suite, exchange, http, symbol)
    await private(suite, exchange, http, symbol, quantity)
    await endings(suite, exchange, http, symbol, quantity, price)
    await ws_api(suite, exchange, symbol, quantity, price)
    await limits(suite, exchange, http, symbol)


def restrictions(suite, exchange):
    """What a key may do, and the same market for the same seed."""
    with suite.step("a key that may withdraw says so"):
        for key, may in [("main", False), ("rich", True)]:
            query = f"timestamp={now()}"
            target = f"/sapi/v1/account/apiRestrictions?{query}"
            reply = Http(exchange, key).ask(
                "GET", f"{target}&signature={signed(query, key + '-secret')}")[2]
            has(reply, enableWithdrawals=may, enableFutures=True)
    with suite.step("the same seed and requests give the same fills"):
        replies = []
        for _ in range(2):
            twin = Exchange([account("main", 10_000)], seed=29)
            http = Http(twin)
            symbol = twin.symbols[1]
            twin.step(5 * MINUTE)
            last = http.ask("GET", f"/fapi/v1/klines?symbol={symbol}&interval=1m&limit=3")[2]
            fills = [http.sign("POST", "/fapi/v1/order", symbol=symbol, side=side, type="MARKET",
                               quantity="1", newOrderRespType="RESULT",
                               newClientOrderId=f"twin-{side}")[2] for side in ("BUY", "SELL")]
            replies.append((last, fills))
            twin.stop()
        same(replies[0], replies[1], "two runs")


def main():
    """The whole list."""
    suite = Suite("raw protocol")
    exchange = Exchange([account("main", 10_000), account("rich", 10, withdraw="true")], seed=23)
    http = Http(exchange)
    symbol = exchange.symbols[0]
    info = http.ask("GET", "/fapi/v1/exchangeInfo")[2]
    row = next(s for s in info["symbols"] if s["symbol"] == symbol)
    filters = {f["filterType"]: f for f in row["filters"]}
    last = float(http.ask("GET", f"/fapi/v2/ticker/price?symbol={symbol}")[2]["price"])
    tick, step = (float(filters[n][k]) for n, k in [("PRICE_FILTER", "tickSize"),
                                                    ("LOT_SIZE", "stepSize")])
    price = f"{round(last * 0.97 / tick) * tick:.8f}".rstrip("0").rstrip(".")
    quantity = f"{round(600 / last / step) * step:.8f}".rstrip("0").rstrip(".")
    signatures(suite, http, symbol, quantity, price)
    plumbing(suite, exchange, http, symbol)
    restrictions(suite, exchange)
    asyncio.run(over_sockets(suite, exchange, http, symbol, quantity, price))
    suite.finish(exchange)


if __name__ == "__main__":
    main()
