"""Times a peer on candles given as doubles (open high low close volume); prints one JSON object.

usage: peer.py talib|smc FILE SWING_LENGTH
"""
import json, os, sys, time

os.environ["SMC_CREDIT"] = "0"
import numpy as np


def median_ns(call, candles, least, budget):
    """Median CPU nanoseconds per candle over at least `least` calls and `budget` seconds."""
    times, end = [], time.monotonic() + budget
    while len(times) < least or time.monotonic() < end:
        start = time.process_time_ns()
        call()
        times.append((time.process_time_ns() - start) / candles)
    return float(np.median(times))


def talib_figures(o, h, l, c, v):
    import talib as t

    calls = {
        "rsi": lambda: t.RSI(c, 14),
        "macd": lambda: t.MACD(c, 12, 26, 9),
        "stoch": lambda: t.STOCH(h, l, c, 14, 3, 0, 3, 0),
        "stochrsi": lambda: t.STOCHRSI(c, 14, 5, 3, 0),
        "cci": lambda: t.CCI(h, l, c, 20),
        "willr": lambda: t.WILLR(h, l, c, 14),
        "mom": lambda: t.MOM(c, 10),
        "roc": lambda: t.ROC(c, 10),
        "ppo": lambda: t.PPO(c, 12, 26, 1),
        "ultosc": lambda: t.ULTOSC(h, l, c, 7, 14, 28),
        "sma": lambda: t.SMA(c, 20),
        "ema": lambda: t.EMA(c, 20),
        "wma": lambda: t.WMA(c, 20),
        "rma": lambda: t.RMA(c, 20),
        "hma": lambda: t.HMA(c, 20),
        "dema": lambda: t.DEMA(c, 20),
        "tema": lambda: t.TEMA(c, 20),
        "adx": lambda: t.ADX(h, l, c, 14),
        "plus_di": lambda: t.PLUS_DI(h, l, c, 14),
        "minus_di": lambda: t.MINUS_DI(h, l, c, 14),
        "dx": lambda: t.DX(h, l, c, 14),
        "adxr": lambda: t.ADXR(h, l, c, 14),
        "supertrend": lambda: t.SUPERTREND(h, l, c, 10, 3.0),
        "sar": lambda: t.SAR(h, l, 0.02, 0.2),
        "aroon": lambda: t.AROON(h, l, 14),
        "vortex": lambda: t.VORTEX(h, l, c, 14),
        "tr": lambda: t.TRANGE(h, l, c),
        "atr": lambda: t.ATR(h, l, c, 14),
        "natr": lambda: t.NATR(h, l, c, 14),
        "bbands": lambda: t.BBANDS(c, 20, 2.0, 2.0, 0),
        "stddev": lambda: t.STDDEV(c, 20, 1.0),
        "donchian": lambda: t.DONCHIAN(h, l, 20),
        "keltner": lambda: t.KC(h, l, c, 20, 10, 2.0),
        "obv": lambda: t.OBV(c, v),
        "mfi": lambda: t.MFI(h, l, c, v, 14),
        "ad": lambda: t.AD(h, l, c, v),
        "adosc": lambda: t.ADOSC(h, l, c, v, 3, 10),
        "cmf": lambda: t.CMF(h, l, c, v, 20),
        "vwma": lambda: t.VWMA(c, v, 20),
        "vwap": lambda: t.VWAP(h, l, c, v),
    }
    figures = {}
    for name, call in calls.items():
        try:
            call()
        except Exception as error:  # an older or newer TA-Lib lacks or spells it otherwise
            print(f"{name}: {error}", file=sys.stderr)
            continue
        figures[name] = median_ns(call, len(c), 5, 0.2)
    figures["version"] = f"TA-Lib {t.__version__}"
    return figures


def smc_figures(o, h, l, c, v, length):
    import warnings

    warnings.filterwarnings("ignore")
    import pandas as pd
    from smartmoneyconcepts import smc

    index = pd.date_range("2025-01-06", periods=len(c), freq="1min")
    columns = {"open": o, "high": h, "low": l, "close": c, "volume": v}
    frame = pd.DataFrame(columns, index=index)

    def all_eight(df):
        swings = smc.swing_highs_lows(df, swing_length=length)
        smc.fvg(df)
        smc.bos_choch(df, swings)
        smc.ob(df, swings)
        smc.liquidity(df, swings)
        smc.previous_high_low(df, time_frame="1D")
        smc.sessions(df, "London")
        smc.retracements(df, swings)

    some = frame.iloc[:10_000]
    window = frame.iloc[:200]
    return {
        "batch_candles": len(some),
        "batch_ns_per_candle": median_ns(lambda: all_eight(some), len(some), 3, 1.0),
        "live_window_200_ns_per_candle": median_ns(lambda: all_eight(window), 1, 5, 1.0),
        "version": "smartmoneyconcepts 0.0.27",
    }


def main():
    what, path, length = sys.argv[1], sys.argv[2], int(sys.argv[3])
    data = np.fromfile(path, dtype="<f8").reshape(-1, 5)
    columns = [np.ascontiguousarray(data[:, at]) for at in range(5)]
    if what == "talib":
        figures = talib_figures(*columns)
    else:
        figures = smc_figures(*columns, min(length, 50))
    print(json.dumps(figures))


main()
