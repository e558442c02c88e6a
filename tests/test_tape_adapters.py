"""Vendor files become the tables that stand in them: small files by hand, and real ones against tapes made before."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_files import (
    BOOK,
    BOOKS,
    FILLS,
    FUTURES,
    LOBSTER,
    MESSAGES,
    PRICES,
    PRINTS,
    START,
    lobster_pair,
    message,
    print_of,
    ticker,
    write,
)

from mmresearch.tape.adapters import binance, hyperliquid, lobster, ownfills, plain
from mmresearch.tape.faults import TapeError

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
QUOTES, TRADES = ["ts", "bid", "bid_sz", "ask", "ask_sz"], ["ts", "price", "size", "side"]


def _table(found, columns):
    return [tuple(row) for row in found[columns].to_numpy().tolist()]


def test_lobster_by_hand(tmp_path):
    found = lobster.read_lobster(lobster_pair(tmp_path, packed=True))
    assert (found.asset, found.meta.tick, found.meta.currency, found.closed) == ("XYZ", 0.01, "USD", ())
    assert _table(found.tables["quotes"], QUOTES) == [
        (34200.1, 99.99, 100.0, 100.01, 50.0),
        (34200.3, 99.99, 100.0, 100.01, 20.0),
        (34200.4, 99.99, 100.0, 100.01, 20.0),
        (34200.6, 99.98, 10.0, 100.01, 20.0),
    ]
    assert _table(found.tables["trades"], [*TRADES, "hidden"]) == [
        (34200.3, 100.01, 30.0, 1, False),
        (34200.4, 100.00, 20.0, -1, True),
        (34200.6, 99.99, 100.0, -1, False),
    ]
    assert "1 cross trades" in str(found.account)


def test_either_file_of_the_pair_names_it(tmp_path):
    message = lobster_pair(tmp_path)
    book = tmp_path / f"{LOBSTER.format('orderbook')}.csv"
    for place in (message, book):
        assert lobster.recognise(place)
    one, two = (lobster.read_lobster(p).tables["quotes"] for p in (message, book))
    pd.testing.assert_frame_equal(one, two)
    book.unlink()
    with pytest.raises(TapeError, match=r"orderbook.*missing.*orderbook_2\.csv beside it"):
        lobster.read_lobster(message)


def test_lobster_one_sided_books_are_no_quotes(tmp_path):
    book = [*BOOK[:5], "9999999999,0,999800,10,9999999999,0,999700,10", BOOK[6]]
    found = lobster.read_lobster(lobster_pair(tmp_path, book=book))
    assert found.tables["quotes"]["ts"].tolist() == [34200.1, 34200.3, 34200.4, 34200.7]
    assert found.tables["quotes"]["ask"].max() < 101
    assert "1 rows with an empty side" in str(found.account)


def test_lobster_halts_close_the_market(tmp_path):
    messages = [
        "34200.1,1,1,5,999900,1", "34210.0,7,0,0,-1,-1", "34300.0,1,2,5,999900,1", "34400.0,4,2,5,999900,1",
        "34500.0,7,0,0,0,-1", "34510.0,7,0,0,1,-1", "34511.0,4,3,5,999900,1", "34512.0,1,3,5,999900,1",
        "34513.0,1,3,5,999900,1",
    ]  # fmt: skip
    book = [f"1000100,{50 + i},999900,100" for i in range(len(messages))]
    found = lobster.read_lobster(lobster_pair(tmp_path, messages, book))
    assert found.closed == ((34210.0, 34510.0),)
    assert found.tables["quotes"]["ts"].tolist() == [34200.1, 34511.0, 34512.0, 34513.0]
    assert found.tables["trades"]["ts"].tolist() == [34511.0]
    assert "1 trading halts" in str(found.account)


def test_lobster_files_of_two_downloads_are_refused(tmp_path):
    with pytest.raises(TapeError, match=r"orderbook.*has 2 rows.*has 7.*one download"):
        lobster.read_lobster(lobster_pair(tmp_path, book=BOOK[:2]))
    cut = lobster.read_lobster(lobster_pair(tmp_path, book=BOOK[:6]))
    assert "read the 6 rows" in str(cut.account)


def test_lobster_time_must_be_of_one_day(tmp_path):
    messages = [*MESSAGES[:3], MESSAGES[3].replace("34200.4", "34200400"), *MESSAGES[4:]]
    with pytest.raises(TapeError, match=r"message_2\.csv, message, line 4, column time: 34200400 is not a time"):
        lobster.read_lobster(lobster_pair(tmp_path, messages))


def test_hyperliquid_by_hand(tmp_path):
    place = write(tmp_path, "prices_XYZ", PRICES)
    write(tmp_path, "trades_XYZ", PRINTS, packed=True)
    assert hyperliquid.recognise(place)
    found = hyperliquid.read_hyperliquid(tmp_path / "trades_XYZ.csv.gz")
    assert found.asset == "XYZ"
    assert _table(found.tables["quotes"], QUOTES) == [
        (1700000010.0, 100, 1.5, 101, 2.5),
        (1700000010.1, 100, 1.0, 101, 2.5),
        (1700000010.2, 99, 4.0, 100, 5.0),
        (1700000010.2, 98, 4.5, 100, 5.5),
    ]
    assert _table(found.tables["trades"], TRADES) == [
        (1700000010.05, 101, 0.1, 1),
        (1700000010.05, 101, 0.1, 1),
        (1700000010.12, 99, 0.3, -1),
        (1700000010.15, 100, 0.2, -1),
    ]
    said = str(found.account)
    assert "dropped 1 trades that were received twice (line 5)" in said
    assert "sorted trades: 1 rows came before their predecessor (line 6)" in said


def test_hyperliquid_order_books_serve_where_there_are_no_prices(tmp_path):
    place = write(tmp_path, "orderbooks_XYZ", BOOKS)
    found = hyperliquid.read_hyperliquid(place)
    assert _table(found.tables["quotes"], QUOTES) == [
        (1700000010.0, 100, 1.5, 101, 2.5),
        (1700000010.2, 98, 4.5, 100, 5.5),
    ]
    assert "trades" not in found.tables
    assert "first level of the order book" in str(found.account)
    assert "no trades_XYZ beside it" in str(found.account)
    place.unlink()
    with pytest.raises(TapeError, match=r"there are no quotes\. Put prices_XYZ"):
        hyperliquid.read_hyperliquid(write(tmp_path, "trades_XYZ", PRINTS))


def test_binance_futures_by_hand(tmp_path):
    place = write(tmp_path, "usdm", FUTURES)
    assert binance.recognise(place)
    found = binance.read_binance(place)
    assert (found.asset, found.meta.inverse) == ("xyzusdt", False)
    assert _table(found.tables["quotes"], QUOTES) == [
        (1700000001.0, 100.0, 1.5, 100.1, 2.5),
        (1700000001.1, 100.1, 1.5, 100.2, 2.5),
    ]
    assert _table(found.tables["trades"], TRADES) == [(1700000001.05, 100.1, 0.1, 1), (1700000001.1, 100.1, 0.1, -1)]
    said = str(found.account)
    assert "left out 1 trades that were no market orders" in said
    assert "dropped 1 trade messages that were received twice (line 7)" in said


def test_binance_spot_shares_the_recorders_clock(tmp_path):
    """Prints of one market order keep together, 10 ms before the first of them arrived."""
    lines = [
        ticker(0, 1, "100.0", "100.1"),
        ticker(99_000_000, 2, "100.1", "100.2"),  # what the purchase left arrives before the purchase
        print_of(100_000_000, 7, 1700000001050, "100.1", False),
        print_of(104_000_000, 8, 1700000001050, "100.2", False),
        print_of(105_000_000, 9, 1700000001050, "100.0", True),
    ]
    found = binance.read_binance(write(tmp_path, "spot", lines))
    assert found.tables["quotes"]["ts"].tolist() == [1700000000.0, 1700000000.099]
    np.testing.assert_allclose(found.tables["trades"]["ts"] - 1700000000, [0.090, 0.090, 0.095], atol=1e-6)
    assert "recorder's clock" in str(found.account)
    assert "10 ms" in str(found.account)


def test_binance_takes_aggregated_trades_where_there_are_no_others(tmp_path):
    together = message(2_150_000, "xyzusdt@aggTrade", e="aggTrade", s="XYZUSDT", a=3, p="100.1", q="0.4",
                        T=1700000001050, m=False)  # fmt: skip
    alone = binance.read_binance(write(tmp_path, "agg", [*FUTURES[:3], together]))
    assert _table(alone.tables["trades"], TRADES) == [(1700000001.05, 100.1, 0.4, 1)]
    both = binance.read_binance(write(tmp_path, "both", [*FUTURES, together]))
    assert both.tables["trades"]["size"].tolist() == [0.1, 0.1]
    assert "left out 1 aggTrade messages" in str(both.account)


def test_binance_several_symbols_are_refused_unless_one_is_picked(tmp_path):
    other = [ticker(5_000_000, 9, "7.0", "7.1", "ABCUSDT", e="bookTicker", T=1700000001000),
             print_of(5_100_000, 9, 1700000001500, "7.1", False, "ABCUSDT")]  # fmt: skip
    place = write(tmp_path, "two", [*FUTURES, *other])
    with pytest.raises(TapeError, match=r"several symbols: abcusdt, xyzusdt.*Pick one"):
        binance.read_binance(place)
    assert binance.read_binance(place, "abcusdt").tables["quotes"]["bid"].tolist() == [7.0]
    assert len(binance.read_binance(place, "XYZUSDT").tables["trades"]) == 2


def test_binance_coin_margined_contracts_are_inverse(tmp_path):
    lines = [ticker(0, 1, "100.0", "100.1", "BTCUSD_PERP", e="bookTicker", T=1700000001000)]
    meta = binance.read_binance(write(tmp_path, "cm", lines)).meta
    assert (meta.inverse, meta.contract_multiplier) == (True, 100.0)


def test_binance_without_quotes_says_so(tmp_path):
    with pytest.raises(TapeError, match=r"no bookTicker messages.*Record"):
        binance.read_binance(write(tmp_path, "t", FUTURES[3:5]))


def test_binance_lines_of_a_windows_recorder(tmp_path):
    place = tmp_path / "bom"
    place.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*FUTURES[1:], ""]).encode())
    assert binance.recognise(place)
    found = binance.read_binance(place)
    assert (len(found.tables["quotes"]), len(found.tables["trades"])) == (2, 2)
    assert "unreadable" not in str(found.account)


def test_binance_unreadable_lines(tmp_path):
    """A cut last line is dropped; a few bad ones are counted; many are refused, each by its line."""
    place = tmp_path / "cut"
    place.write_text("\n".join([*FUTURES, FUTURES[1][:60]]))
    assert "the last line, which is cut off (line 8)" in str(binance.read_binance(place).account)
    many = [*FUTURES[:3], *[ticker(3_000_000 + i, 10 + i, "100.0", "100.1", T=1700000002000 + i) for i in range(400)]]
    found = binance.read_binance(write(tmp_path, "few", [*many[:3], "garbage", *many[3:]]))
    assert "dropped 1 unreadable lines (line 4)" in str(found.account)
    with pytest.raises(TapeError, match=r"messages, line 4: is not a local time and a message"):
        binance.read_binance(write(tmp_path, "bad", [*FUTURES[:3], "garbage", *FUTURES[3:]]))


def test_own_fills_by_hand(tmp_path):
    place = write(tmp_path, "fills", FILLS)
    assert ownfills.recognise(place)
    fills, account = ownfills.read_fills(place)
    assert _table(fills, ["ts", "order_id", "side", "price", "size", "net_pnl"]) == [
        (START + 0.25, 0, -1, 10.5, 2.0, -0.5),
        (START + 0.25, 0, -1, 10.5, 1.0, -0.5),
        (START + 1800, 1, 1, 10.0, 3.0, 0.25),
        (START + 7200, 2, 1, 2.0, 5.0, 0.0),
    ]
    assert fills["coin"].tolist() == ["ABC", "ABC", "ABC", "XYZ"]
    assert "maker is always T, so it tells nothing" in str(account)
    assert len(ownfills.read_fills(place, "xyz")[0]) == 1
    with pytest.raises(TapeError, match=r"no fills of Q.*ABC, XYZ"):
        ownfills.read_fills(place, "Q")


def test_rates_by_coin_count_over_the_time_of_the_file(tmp_path):
    fills, _ = ownfills.read_fills(write(tmp_path, "fills", FILLS))
    rates = ownfills.rates_by_coin(fills)
    hours = (7200 - 0.25) / 3600
    assert rates["coin"].tolist() == ["ABC", "XYZ"]
    assert rates["fills"].tolist() == [3, 1]
    assert rates["buys"].tolist() == [1, 1]
    np.testing.assert_allclose(rates["per_hour"], [3 / hours, 1 / hours])
    assert rates["notional"].tolist() == [61.5, 10.0]
    assert rates["net_pnl"].tolist() == [-0.75, 0.0]


@pytest.mark.parametrize(
    ("rows", "sides", "first"),
    [
        (["time,coin,side,price,size", "1700000000,C,buy,1,1", "1700000001,C,sell,1,1"], [1, -1], 1700000000.0),
        (["ts,coin,side,px,sz,oid", "1700000000500,C,1,1,1,7", "1700000001000,C,-1,1,1,8"], [1, -1], 1700000000.5),
        (["time,symbol,side,price,qty", "2023-11-14 22:13:20,C,bid,1,1"], [1], 1700000000.0),
    ],
)
def test_own_fills_in_other_words(rows, sides, first, tmp_path):
    fills, _ = ownfills.read_fills(write(tmp_path, "fills", rows))
    assert fills["side"].tolist() == sides
    assert fills["ts"].iloc[0] == first


def test_own_fills_that_cannot_be_read_name_line_and_column(tmp_path):
    bad = write(tmp_path, "bad", [*FILLS[:3], "yesterday,ABC,B,10.0,3.0,0.25,T"])
    with pytest.raises(TapeError, match=r"bad\.csv, fills, line 4, column time: 'yesterday' is no time"):
        ownfills.read_fills(bad)
    pnl = write(tmp_path, "pnl", [*FILLS[:3], FILLS[3].replace("0.25", "much")])
    with pytest.raises(TapeError, match=r"pnl\.csv, fills, line 4, column net_pnl: 'much' is not a number"):
        ownfills.read_fills(pnl)


# Real files against the tapes that were made of the whole recordings. The raw files are beginnings of these.


def _real(name):
    place = DATA / "raw" / name
    if not place.is_file():
        pytest.skip(f"the raw sample {name} is not here")
    return place


def _prepared(name):
    if plain.part(DATA / "tapes" / name, "quotes") is None:
        pytest.skip(f"the tape {name} is not here")
    return plain.read_stem(DATA / "tapes" / name).tables


def _compare(table, prepared, columns, atol, last):
    """Compare where both have rows: from the first row of the prepared table to the last of the raw one.

    A prepared tape begins with its first trade, and only trades with a quote before them are in it.
    """
    mine = table[(table["ts"] >= prepared["ts"].iloc[0] - atol) & (table["ts"] <= last + atol)]
    theirs = prepared[prepared["ts"] <= last + atol]
    assert len(mine) == len(theirs) > 0
    for column in columns:
        tolerance = atol if column == "ts" else 0.0
        np.testing.assert_allclose(mine[column], theirs[column], rtol=0, atol=tolerance, err_msg=column)
    return len(mine)


@pytest.mark.parametrize(("coin", "quotes", "trades"), [("BTC", 2999, 3970), ("WLFI", 2999, 1666)])
def test_hyperliquid_recordings_give_the_prepared_tapes(coin, quotes, trades):
    """All rows; but the last price, whose other side is cut off, is not compared."""
    found = hyperliquid.read_hyperliquid(_real(f"hyperliquid/prices_{coin}.csv.gz")).tables
    prepared = _prepared(f"hl_{coin}")
    last = found["quotes"]["ts"].iloc[-2]
    assert _compare(found["quotes"], prepared["quotes"], QUOTES, 0.0, last) == quotes
    assert _compare(found["trades"], prepared["trades"], TRADES, 0.0, found["trades"]["ts"].iloc[-1]) == trades


@pytest.mark.parametrize(
    ("name", "quotes", "trades"),
    [
        ("AAPL_2012-06-21_34200000_57600000_message_1", 19523, 4837),
        ("AMZN_2012-06-21_34200000_57600000_orderbook_5", 7267, 1427),
    ],
)
def test_lobster_files_give_the_prepared_tapes(name, quotes, trades):
    found = lobster.read_lobster(_real(f"lobster/{name}.csv.gz")).tables
    prepared = _prepared(f"lobster_{name[:4]}")
    last = found["quotes"]["ts"].iloc[-1]
    assert _compare(found["quotes"], prepared["quotes"], QUOTES, 0.0, last) == quotes
    assert _compare(found["trades"], prepared["trades"], [*TRADES, "hidden"], 0.0, last) == trades


@pytest.mark.parametrize(("name", "atol", "quotes", "trades"), [("usdm", 0.0, 9176, 1919), ("spot", 2e-6, 8634, 2277)])
def test_binance_recordings_give_the_prepared_tapes(name, atol, quotes, trades):
    """Spot times were prepared in whole microseconds. The last millisecond of the quotes is cut off."""
    found = binance.read_binance(_real(f"binance/{name}_btcusdt_20240808.head.gz")).tables
    prepared = _prepared(f"binance_{name}_btcusdt")
    assert _compare(found["trades"], prepared["trades"], TRADES, atol, found["trades"]["ts"].iloc[-1]) == trades
    assert _compare(found["quotes"], prepared["quotes"], QUOTES, atol, found["quotes"]["ts"].iloc[-1] - 5e-4) == quotes


def test_real_own_fills():
    place = DATA / "ownfills" / "hyperliquid_bot_20251105.csv.gz"
    if not place.is_file():
        pytest.skip("the sample of own fills is not here")
    fills, account = ownfills.read_fills(place)
    assert (len(fills), fills["coin"].nunique()) == (2460, 11)
    assert account.lines == (f"{place.name}: maker is always T, so it tells nothing; left out",)
    assert ownfills.rates_by_coin(fills)["fills"].sum() == 2460
