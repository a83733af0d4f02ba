"""ccxt, blocking: the whole REST list, and its own error classes under Binance's host name."""

import sys
import tempfile

import ccxt
import requests

import ccxt_errors
import ccxt_rest
from harness import Blocking, Exchange, Suite, check, ed25519_pair, raises, run, same


class Loopback(requests.adapters.HTTPAdapter):
    """Carries requests to Binance's host name to the exchange under test.

    ccxt looks at the host name to choose its table of errors; the client itself is untouched.
    """

    def __init__(self, address):
        self.address = address
        super().__init__()

    def send(self, request, **more):
        request.url = request.url.replace("https://fapi.binance.com", f"http://{self.address}")
        return super().send(request, **more)


def client(exchange, key):
    """A client as its users make it."""
    raw = ccxt.binanceusdm({"apiKey": key, "secret": f"{key}-secret", "enableRateLimit": False})
    ccxt_rest.point(raw, exchange)
    return raw, Blocking(raw)


def by_host_name(suite, exchange, symbol):
    """The classes that ccxt gives only under Binance's own host name."""
    raw = ccxt.binanceusdm({"apiKey": "poor", "secret": "poor-secret", "enableRateLimit": False})
    raw.options["fetchCurrencies"] = raw.options["fetchMargins"] = False
    raw.session.mount("https://fapi.binance.com", Loopback(exchange.address))
    raw.load_markets()
    last = raw.fetch_ticker(symbol)["last"]
    large = ccxt_rest.sized(raw, symbol, last, 5_000)
    small = ccxt_rest.sized(raw, symbol, last, 50)
    with suite.step("host name: InsufficientFunds"):
        with raises(ccxt.InsufficientFunds, "-2019"):
            raw.create_order(symbol, "market", "buy", large)
    with suite.step("host name: InvalidOrder, OrderImmediatelyFillable, OrderNotFillable"):
        with raises(ccxt.InvalidOrder, "-2022"):
            raw.create_order(symbol, "market", "sell", small, None, {"reduceOnly": True})
        above = raw.price_to_precision(symbol, last * 1.02)
        with raises(ccxt.OrderImmediatelyFillable, "-2021"):
            raw.create_order(symbol, "market", "sell", small, None, {"stopLossPrice": above})
        with raises(ccxt.OrderNotFillable, "-5022"):
            raw.create_order(symbol, "limit", "buy", small, above, {"postOnly": True})


def by_key_pair(suite, exchange, private, symbol):
    """An Ed25519 key, by REST."""
    with suite.step("Ed25519"):
        raw = ccxt.binanceusdm({"apiKey": "pair", "secret": private, "enableRateLimit": False})
        ccxt_rest.point(raw, exchange)
        raw.load_markets()
        same(raw.fetch_balance()["USDT"]["total"], 10_000.0, "balance")
        last = raw.fetch_ticker(symbol)["last"]
        price = float(raw.price_to_precision(symbol, last * 0.97))
        quantity = ccxt_rest.sized(raw, symbol, last)
        order = raw.create_order(symbol, "limit", "buy", quantity, price)
        same(raw.cancel_order(order["id"], symbol)["status"], "canceled", "status")


def main():
    """The whole list."""
    data = sys.argv[1:]
    suite = Suite("ccxt sync" + (" on recorded data" if data else ""))
    folder = tempfile.TemporaryDirectory()
    private, pem = ed25519_pair(folder.name)
    pair = f"key=pair,pubkey={pem},balance=10000"
    exchange = Exchange([*ccxt_rest.ACCOUNTS, pair], data=data)
    raw, x = client(exchange, "main")
    symbol, _ = run(ccxt_rest.markets(suite, exchange, raw, x))
    fee = run(ccxt_rest.fresh_account(suite, raw, x, symbol))
    run(ccxt_rest.market_order(suite, exchange, raw, x, symbol, fee))
    if not data:
        run(ccxt_rest.limit_orders(suite, exchange, raw, x, symbol))
        run(ccxt_rest.conditional_orders(suite, exchange, raw, x, symbol))
        run(ccxt_errors.errors(suite, exchange, raw, x, symbol))
        run(ccxt_errors.outcomes(suite, exchange, raw, x, symbol))
        by_host_name(suite, exchange, symbol)
    run(ccxt_rest.hedge(suite, *client(exchange, "hedger"), symbol))
    run(ccxt_rest.isolated(suite, *client(exchange, "isolated"), symbol))
    run(ccxt_errors.poverty(suite, *client(exchange, "poor"), symbol))
    run(ccxt_rest.funding(suite, exchange, raw, x, symbol))
    with suite.step("what the client did is what truly happened"):
        truth = exchange.truth("main")
        outcomes = {r["path"] for r in truth["requests"]}
        check({"/fapi/v1/order", "/fapi/v1/leverage"} <= outcomes, f"paths {outcomes}")
        same(truth["positions"], [], "positions")
        wallet = float(raw.fetch_balance()["info"]["totalWalletBalance"])
        same(float(truth["balance"]), wallet, "balance")
    by_key_pair(suite, exchange, private, symbol)
    suite.finish(exchange)


if __name__ == "__main__":
    main()
