"""What the conformance suites share: a fresh exchange for each, steps with names, a count.

A suite is one client library. It starts an exchange of its own, drives the market itself (the
exchange runs in step mode: nothing moves unless the suite says so), and reports each step.
"""

import asyncio
import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINUTE = 60_000
HOUR = 60 * MINUTE
# How long a client may wait for anything before the step has failed.
PATIENCE_S = 15.0


def binary():
    """The program under test."""
    return os.environ.get("AEGIS_BIN", os.path.join(ROOT, "target", "debug", "aegis"))


def account(key, balance, **more):
    """One `--account` argument; the secret of key K is `K-secret`."""
    fields = {"key": key, "secret": f"{key}-secret", "balance": balance, **more}
    return ",".join(f"{name}={value}" for name, value in fields.items())


def ed25519_pair(folder):
    """A new key pair as PEM: the private key's text and the public key's file."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = os.path.join(folder, "public.pem")
    with open(public, "wb") as file:
        file.write(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


class Exchange:
    """A fresh exchange on a free port."""

    def __init__(self, accounts, seed=7, data=None, speed="step"):
        source = ["--data", *data] if data else ["--generate", str(seed)]
        command = [binary(), "exchange", *source, "--listen", "127.0.0.1:0", "--speed", speed]
        for one in accounts:
            command += ["--account", one]
        command += os.environ.get("CONFORMANCE_OPTIONS", "").split()
        self.home = tempfile.TemporaryDirectory(prefix="aegis-conformance-")
        environment = {**os.environ, "AEGIS_HOME": self.home.name}
        self.log = open(os.path.join(self.home.name, "stderr"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment,
        )
        first = self._first_line()
        try:
            ready = json.loads(first)
            self.address = ready["listening"]
            self.symbols = ready["symbols"]
        except (ValueError, KeyError):
            self.process.kill()
            self.log.seek(0)
            told = self.log.read()
            raise RuntimeError(f"the exchange did not come up: {first!r} {told}") from None
        self.http = f"http://{self.address}"
        self.ws = f"ws://{self.address}"

    def _first_line(self):
        lines = queue.Queue()
        threading.Thread(
            target=lambda: lines.put(self.process.stdout.readline()), daemon=True
        ).start()
        try:
            return lines.get(timeout=30)
        except queue.Empty:
            return ""

    # -- admin ----------------------------------------------------------------------------------

    def call(self, method, path, body=None):
        """An admin call; the reply as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.http + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or b"null")

    def step(self, ms=MINUTE):
        """Moves the market on by so many milliseconds of its own time."""
        return self.call("POST", "/sim/v1/step", {"ms": ms})

    def price(self, symbol, price):
        """Sets the price of a generated market."""
        return self.call("POST", "/sim/v1/price", {"symbol": symbol, "price": str(price)})

    def fault(self, name, match=None, count=1, **more):
        """Queues a fault."""
        body = {"fault": name, "count": count, **more}
        if match:
            body["match"] = match
        return self.call("POST", "/sim/v1/faults", body)

    def no_faults(self):
        """Takes back what has not happened yet."""
        return self.call("DELETE", "/sim/v1/faults")

    def truth(self, key):
        """What truly is, of one account."""
        return self.call("GET", f"/sim/v1/truth?key={key}")

    def clock(self):
        """Both clocks."""
        return self.call("GET", "/sim/v1/clock")

    async def stepped(self, awaitable, ms=MINUTE, every_s=0.05, patience_s=PATIENCE_S):
        """The result of `awaitable`, while the market moves on in steps."""
        task = asyncio.ensure_future(awaitable)
        until = time.monotonic() + patience_s
        while not task.done():
            if time.monotonic() > until:
                task.cancel()
                with contextlib.suppress(BaseException):
                    await task
                raise TimeoutError(f"nothing came within {patience_s} s of steps of {ms} ms")
            await asyncio.wait({task}, timeout=every_s)
            if not task.done():
                await asyncio.to_thread(self.step, ms)
        return task.result()

    # -- end ------------------------------------------------------------------------------------

    def stop(self):
        """Ends it the way an operator does; its exit code and last line."""
        self.process.terminate()
        try:
            rest, _ = self.process.communicate(timeout=10)
            return self.process.returncode, rest.strip()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return "did not end", ""
        finally:
            self.log.close()
            self.home.cleanup()


class Suite:
    """Named steps of one client, counted."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.started = time.monotonic()

    @contextlib.contextmanager
    def step(self, name):
        """One step; what it raises is its failure, and the next step goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001: whatever a client raises is a finding
            self.failed += 1
            here = [f for f in traceback.extract_tb(error.__traceback__) if ROOT in f.filename]
            place = next((f for f in reversed(here) if "conformance" in f.filename), None)
            where = f" ({os.path.basename(place.filename)}:{place.lineno})" if place else ""
            print(f"FAILED {self.name}: {name}{where}: {type(error).__name__}: {error}", flush=True)
            if os.environ.get("CONFORMANCE_TRACE"):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"ok     {self.name}: {name}", flush=True)

    def finish(self, exchange):
        """Stops the exchange, prints the count, exits."""
        with self.step("exchange ends with code 0 and a summary"):
            code, last = exchange.stop()
            check(code == 0, f"exit code {code}")
            check(last != "", "no summary line")
        seconds = time.monotonic() - self.started
        counts = f"{self.passed} passed, {self.failed} failed"
        print(f"{self.name}: {counts}, {seconds:.1f} s", flush=True)
        sys.exit(1 if self.failed else 0)


class Blocking:
    """A blocking client whose calls can be awaited, so that one list serves both flavours."""

    def __init__(self, raw):
        self.raw = raw

    def __getattr__(self, name):
        method = getattr(self.raw, name)

        async def call(*positional, **named):
            return method(*positional, **named)

        return call


def run(coroutine):
    """Runs a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a blocking call waited")


# -- checks -------------------------------------------------------------------------------------


def check(truth, what):
    """Fails the step unless it is so."""
    if not truth:
        raise AssertionError(what)


def same(left, right, what=""):
    """Fails the step unless both are equal."""
    if left != right:
        raise AssertionError(f"{what}: {left!r} is not {right!r}")


def near(left, right, within=1e-8, what=""):
    """Fails the step unless both numbers are equal within so much."""
    left, right = float(left), float(right)
    if not abs(left - right) <= within:
        raise AssertionError(f"{what}: {left} is not {right} within {within}")


def has(record, **fields):
    """Fails the step unless the record has these values."""
    for name, value in fields.items():
        if name not in record:
            raise AssertionError(f"no {name} in {record}")
        if record[name] != value:
            raise AssertionError(f"{name}: {record[name]!r} is not {value!r}")


def on_grid(value, grid, what="price"):
    """Fails the step unless the value is a multiple of the grid."""
    steps = float(value) / float(grid)
    near(steps, round(steps), 1e-6, f"{what} {value} on a grid of {grid}")


@contextlib.contextmanager
def raises(kind, text=""):
    """Fails the step unless the block raises this, with this text in it."""
    try:
        yield
    except kind as error:
        if text and text not in str(error):
            raise AssertionError(f"the {type(error).__name__} says {error!s}, not {text}") from None
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}, not {kind}: {error}") from None
    else:
        raise AssertionError(f"no {kind} was raised")
