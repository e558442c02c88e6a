"""Small good files of every format, and the equality of tapes."""

import gzip
import json

import numpy as np
import pandas as pd

TABLES = ("quotes", "trades", "orders", "fills")
LOBSTER = "XYZ_2012-06-21_34200000_57600000_{}_2"
MESSAGES = [
    "34200.1,1,11,100,999900,1",
    "34200.2,3,12,50,1000300,-1",
    "34200.3,4,13,30,1000100,-1",  # a resting sale is bought
    "34200.4,5,0,20,1000000,1",  # a hidden purchase is sold to; the book stands
    "34200.5,1,14,10,990000,1",  # deeper in the book: no news at the top
    "34200.6,4,11,100,999900,1",
    "34200.7,6,0,500,1000000,-1",  # a cross
]
BOOK = [
    "1000100,50,999900,100,1000300,50,999800,10",
    "1000100,50,999900,100,1000400,50,999800,10",
    "1000100,20,999900,100,1000400,50,999800,10",
    "1000100,20,999900,100,1000400,50,999800,10",
    "1000100,20,999900,100,1000400,50,999800,10",
    "1000100,20,999800,10,1000400,50,-9999999999,0",
    "1000100,20,999800,10,1000400,50,-9999999999,0",
]


def write(folder, name, rows, packed=False):
    text = ("\n".join(rows) + "\n").encode()
    place = folder / (f"{name}.csv.gz" if packed else f"{name}.csv")
    place.write_bytes(gzip.compress(text) if packed else text)
    return place


def lobster_pair(folder, messages=MESSAGES, book=BOOK, packed=False):
    write(folder, LOBSTER.format("orderbook"), book)
    return write(folder, LOBSTER.format("message"), messages, packed)


PRICES = [
    "timestamp,price,size,side,exchange_timestamp",
    "10.5,100,1.5,bid,1700000010000", "10.5,101,2.5,ask,1700000010000",
    "10.6,100,1.0,bid,1700000010100",  # the ask stands
    "10.7,99,4.0,bid,1700000010200", "10.7,100,5.0,ask,1700000010200",
    "10.7,98,4.5,bid,1700000010200", "10.7,100,5.5,ask,1700000010200",  # twice in a millisecond
]  # fmt: skip
PRINTS = [
    "timestamp,price,size,side,trade_id,exchange_timestamp",
    "10.5,101,0.1,buy,901,1700000010050", "10.5,101,0.1,buy,902,1700000010050",  # two equal prints are two trades
    "10.6,100,0.2,sell,903,1700000010150",
    "10.7,101,0.1,buy,901,1700000010050",  # sent again
    "10.7,99,0.3,sell,904,1700000010120",  # late
]  # fmt: skip
BOOKS = [
    "timestamp,sequence,exchange_timestamp,bid_price_0,bid_size_0,ask_price_0,ask_size_0,bid_price_1,bid_size_1",
    "10.5,1,1700000010000,100,1.5,101,2.5,99,9",
    "10.7,2,1700000010200,98,4.5,100,5.5,97,9",
]


def message(local, stream, **data):
    return f"{1700000000000000000 + local} {json.dumps({'stream': stream, 'data': data})}"


def ticker(local, u, b, a, symbol="XYZUSDT", **more):
    return message(local, f"{symbol.lower()}@bookTicker", u=u, s=symbol, b=b, B="1.5", a=a, A="2.5", **more)


def print_of(local, t, clock, p, maker, symbol="XYZUSDT", **more):
    return message(local, f"{symbol.lower()}@trade", e="trade", s=symbol, t=t, p=p, q="0.1", T=clock, m=maker, **more)


DEPTH = '1700000000000000001 {"stream":"xyzusdt@depth@0ms","data":{"e":"depthUpdate","b":[["1","2"]]}}'
FUTURES = [
    DEPTH,
    ticker(1_000_000, 1, "100.0", "100.1", e="bookTicker", T=1700000001000),
    ticker(2_000_000, 2, "100.1", "100.2", e="bookTicker", T=1700000001100),
    print_of(2_100_000, 7, 1700000001050, "100.1", False, X="MARKET"),
    print_of(2_200_000, 8, 1700000001100, "100.1", True, X="MARKET"),
    print_of(2_300_000, 9, 1700000001100, "90.0", True, X="INSURANCE_FUND"),
    print_of(2_400_000, 8, 1700000001100, "100.1", True, X="MARKET"),  # sent again
]


FILLS = [
    "time_iso,coin,side,price,size,net_pnl,maker",
    "2025-11-05T00:00:00.250Z,ABC,A,10.5,2.0,-0.5,T",
    "2025-11-05T00:00:00.250Z,ABC,A,10.5,1.0,-0.5,T",  # the same order
    "2025-11-05T00:30:00Z,ABC,B,10.0,3.0,0.25,T",
    "2025-11-05T02:00:00Z,XYZ,B,2.0,5.0,0.0,T",
]
START = 1762300800.0


GOOD = {
    "quotes": "ts,bid,bid_sz,ask,ask_sz\n" + "".join(f"{t},10,{t},11,1\n" for t in range(1, 7)),
    "trades": "ts,price,size,side\n2.5,11,1,1\n3.5,10,2,-1\n4.5,11,3,1\n5.5,11,3,1\n",
    "orders": "order_id,side,price,size,placed,removed\n7,1,10,2,1.5,5.0\n8,-1,11,2,1.5,\n",
    "fills": "ts,order_id,side,price,size\n3.5,7,1,10,1\n4.5,8,-1,11,1\n",
}


def market_of_fills(folder, asset="ABC"):
    """Write a market of half an hour in which the first two fills happened; one of them is in its trades."""
    quotes = pd.DataFrame(
        {"ts": START + np.arange(0, 1900, 10.0), "bid": 10.0, "ask": 11.0, "bid_sz": 1.0, "ask_sz": 1.0}
    )
    trades = pd.DataFrame({"ts": [START + 0.25, START + 0.25, START + 900], "price": 10.5, "size": [2.0, 2.0, 1.0],
                           "side": [1, 1, -1]})  # fmt: skip
    quotes["ts"] -= 0.5
    quotes.to_csv(folder / f"{asset}_quotes.csv", index=False)
    trades.to_csv(folder / f"{asset}_trades.csv", index=False)
    return folder / asset


def same_tapes(one, other):
    """Whether two tapes are equal, tables, types and facts."""
    assert (one.asset, one.t0, one.t1, one.meta) == (other.asset, other.t0, other.t1, other.meta)
    for name in (*TABLES, "signals", "sessions"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        if a is not None:
            pd.testing.assert_frame_equal(a.reset_index(drop=True), b.reset_index(drop=True))
    return True
