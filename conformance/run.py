"""Runs the conformance suites against `aegis exchange`, a few at a time, and adds up their steps.

    python run.py [SUITE...]     suites by file name, all without a name

Needs the packages of requirements.txt and a built program: AEGIS_BIN, else target/debug/aegis.
Recorded market data is looked for in AEGIS_SHARED; without it that suite is left out.
CONFORMANCE_LOG=yes prints every step, not only those that failed.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 240
SUITES = {
    "ccxt_sync": [],
    "ccxt_async": [],
    "ccxt_pro": [],
    "python_binance": [],
    "official_sdk": [],
    "raw": [],
    "paced": [],
}


def recorded(*pattern):
    """Files of recorded data, in name order."""
    return sorted(glob.glob(os.path.join(os.environ.get("AEGIS_SHARED", "none"), "data", *pattern)))


def run(script, arguments):
    """One suite's output."""
    command = [sys.executable, os.path.join(HERE, script + ".py"), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else late.stdout
        return 1, out or "", f"{script} was stopped after {PATIENCE_S} s"


def main():
    """All suites, two at a time."""
    wanted = sys.argv[1:] or list(SUITES)
    jobs = [(name, SUITES[name]) for name in wanted]
    candles = recorded("futures_1m", "*USDT-1m*.csv.gz")[:3]
    frames = recorded("*", "*usdt*.raw.gz")[:1]
    if not (candles and frames):
        print("No recorded market data here (AEGIS_SHARED): clients see generated markets only.")
    elif not sys.argv[1:]:
        jobs += [("ccxt_sync", candles), ("recorded", frames)]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
        for (name, _), (code, out, err) in zip(jobs, pool.map(lambda job: run(*job), jobs)):
            for line in out.splitlines():
                if not line.startswith("ok ") or os.environ.get("CONFORMANCE_LOG"):
                    print(line)
            count = re.search(r"(\d+) passed, (\d+) failed", out)
            if count:
                passed += int(count[1])
                failed += int(count[2])
            if code != 0 and not (count and int(count[2])):
                failed += 1
                tail = "\n".join(err.splitlines()[-12:])
                print(f"FAILED {name}: it broke off\n{tail}")
    state = "FAILED" if failed else "ok"
    print(f"test result: {state}. {passed} passed; {failed} failed; 0 ignored")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
