"""Whatever is wrong with a file is mended with an account of it, or refused by file, line, column and a mend."""

import gzip
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from random_tapes import tape as random_tape
from sample_files import GOOD

from mmresearch.tape.faults import Account, Fault, TapeError
from mmresearch.tape.read import read_with_account
from mmresearch.tape.schema import Tape, TapeMeta
from mmresearch.tape.validate import validate


def _read(folder, own=True, **changed):
    """Write a tape of which some files are changed, and read it; a changed file may be bytes."""
    for name, text in {**GOOD, **changed}.items():
        if text is None or (name in ("orders", "fills") and not own):
            continue
        raw = text if isinstance(text, bytes) else text.encode()
        (folder / f"T_{name}.csv").write_bytes(raw)
    return read_with_account(folder / "T")


def _with_row(name, row, at=3):
    """Put a row into a good table so that it stands in line `at` of the file."""
    lines = GOOD[name].splitlines()
    return "\n".join([*lines[: at - 1], row, *lines[at - 1 :]]) + "\n"


def test_a_good_tape_needs_no_mending(tmp_path):
    tape, account = _read(tmp_path)
    assert account == Account()
    assert [len(getattr(tape, n)) for n in GOOD] == [6, 4, 2, 2]
    assert tape.meta.provenance == "own-fills"
    assert str(account) == "nothing had to be repaired"


MENDED = {
    "unsorted": ("quotes", "5.5,10,9,11,1", "sorted quotes: 1 rows came before their predecessor (line 4)"),
    "duplicated": ("quotes", "1,10,1,11,1", "dropped 1 quotes that repeat the row before identically (line 3)"),
    "crossed": ("quotes", "1.5,12,1,11,1", "dropped 1 crossed or locked quotes (line 3)"),
    "locked": ("quotes", "1.5,11,1,11,1", "dropped 1 crossed or locked quotes (line 3)"),
    "missing": ("quotes", "1.5,,1,11,1", "dropped 1 quotes with missing numbers (line 3)"),
    "nan": ("quotes", "1.5,nan,1,11,1", "dropped 1 quotes with missing numbers (line 3)"),
    "infinite": ("quotes", "1.5,10,inf,11,1", "dropped 1 quotes with missing numbers (line 3)"),
    "short row": ("quotes", "1.5,10", "dropped 1 quotes with missing numbers (line 3)"),
    "negative price": ("quotes", "1.5,-1,1,11,1", "price not above zero or a negative size (line 3)"),
    "negative size": ("quotes", "1.5,10,-1,11,1", "price not above zero or a negative size (line 3)"),
    "unsorted trades": ("trades", "5.4,11,1,1", "sorted trades: 1 rows came before their predecessor (line 4)"),
    "trade of no size": ("trades", "2.7,11,0,1", "dropped 1 trades without a price or size (line 3)"),
    "missing trade": ("trades", "2.7,,1,1", "dropped 1 trades with missing numbers (line 3)"),
    "side in words": ("trades", "2.7,11,1,Buy", "side is given in words, read as buy = +1"),
    "trade at the first quote": ("trades", "1,11,1,1", "left out 1 trades with no quote before them"),
    "trade after the end": ("trades", "70,11,1,1", "left out 1 trades more than 60 s after the last quote"),
    "order listed twice": ("orders", "7,1,10,2,1.5,5.0", "dropped 1 orders that are listed twice (line 3)"),
    "order removed before": ("orders", "9,1,10,2,3,2.5", "removed before they were placed (line 3)"),
    "order of no size": ("orders", "9,1,10,0,3,4", "dropped 1 orders without a price or size (line 3)"),
    "order placed never": ("orders", "9,1,10,1,,4", "dropped 1 orders with missing numbers (line 3)"),
    "order of before": ("orders", "9,1,10,1,.2,.5", "left out 1 own orders that rested before or after"),
    "order side in words": ("orders", "9,sell,10,1,2,4", "side is given in words, read as sell = -1"),
    "fill without order": ("fills", "3.7,,1,10,1", "dropped 1 fills without an order_id (line 3)"),
    "fill of before": ("fills", "0.5,7,1,10,1", "left out 1 own fills before the first quote"),
}  # fmt: skip


@pytest.mark.parametrize("case", MENDED)
def test_what_can_be_mended_is_mended_and_said(case, tmp_path):
    name, row, said = MENDED[case]
    tape, account = _read(tmp_path, **{name: _with_row(name, row)})
    assert len(account.lines) == len({*account.lines})
    assert said in str(account)
    assert len(getattr(tape, name)) <= len(GOOD[name].splitlines()) + (case in ("unsorted", "side in words"))


def test_what_is_mended_is_the_row_that_was_wrong(tmp_path):
    tape, _ = _read(tmp_path, quotes=_with_row("quotes", "1.5,12,1,11,1"))
    assert tape.quotes["ts"].tolist() == [1, 2, 3, 4, 5, 6]
    tape, _ = _read(tmp_path, trades=_with_row("trades", "5.4,11,9,1"))
    assert tape.trades["ts"].tolist() == [2.5, 3.5, 4.5, 5.4, 5.5]


def test_equal_prints_are_two_trades_and_a_book_that_returns_is_news(tmp_path):
    trades = _with_row("trades", "2.5,11,1,1")
    quotes = _with_row("quotes", "1,10,9,11,1\n1,10,1,11,1")
    tape, account = _read(tmp_path, trades=trades, quotes=quotes)
    assert account == Account()
    assert len(tape.trades) == 5
    assert tape.quotes["bid_sz"].tolist()[:3] == [1, 9, 1]


REFUSED = {
    "text": ("quotes", "1.5,ten,1,11,1", r"T_quotes\.csv, quotes, line 3, column bid: 'ten' is not a number\. Mend or"),
    "a date": ("quotes", "2024-01-01,10,1,11,1", r"line 3, column ts: '2024-01-01' is not.*Times are numbers of sec"),
    "too many cells": ("quotes", "1.5,10,1,11,1,9", r"T_quotes\.csv, file, line 3: 6 cells where .* have 5\. Mend"),
    "a year apart": ("quotes", "31536000,10,1,11,1", r"line 3, column ts: the time 31536000 is more than a month"),
    "zero among Unix": ("trades", "1e9,11,1,1", r"trades, line 3, column ts: the time 1000000000 .* on one clock"),
    "side 2": ("trades", "2.7,11,1,2", r"T_trades\.csv, trades, line 3, column side: side is 2\. A side is \+1"),
    "side in odd words": ("trades", "2.7,11,1,long", r"trades, line 3, column side: 'long' is not a number"),
    "size in words": ("trades", "2.7,11,much,1", r"trades, line 3, column size: 'much' is not a number"),
    "order side": ("orders", "9,0,10,1,2,4", r"T_orders\.csv, orders, line 3, column side: side is 0"),
    "order text": ("orders", "9,1,x,1,2,4", r"T_orders\.csv, orders, line 3, column price: 'x' is not a number"),
    "order id": ("orders", "9.5,1,10,1,2,4", r"orders, line 3, column order_id: 9\.5 is no order_id\. .*number"),
    "order id twice": ("orders", "8,1,10,1,2,4", r"line 4, column order_id: order 8 is listed before .*its own"),
    "fill of a stranger": ("fills", "3.7,99,1,10,1", r"fills, line 3, column order_id: order 99 is not among"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_mended_is_refused_by_line_and_column(case, tmp_path):
    name, row, said = REFUSED[case]
    with pytest.raises(TapeError, match=said):
        _read(tmp_path, **{name: _with_row(name, row)})


def test_the_line_is_found_after_earlier_rows_were_dropped(tmp_path):
    rows = "2.6,,1,1\n2.7,11,0,1\n\n2.8,11,1,2"
    with pytest.raises(TapeError, match=r"line 6, column side: side is 2"):
        _read(tmp_path, trades=_with_row("trades", rows))


def test_all_faults_of_a_table_are_found_at_once(tmp_path):
    with pytest.raises(TapeError) as caught:
        _read(tmp_path, quotes=_with_row("quotes", "x,10,1,11,1\n1.5,y,1,z,1"))
    assert [(f.line, f.column) for f in caught.value.faults] == [(3, "ts"), (4, "bid"), (4, "ask")]


WHOLE = {
    "empty": (b"", r"T_quotes\.csv, file: is empty\. Give"),
    "blank": (b"\n\n", r"T_quotes\.csv, file: is empty"),
    "header only": (b"ts,bid,bid_sz,ask,ask_sz\n", r"T_quotes\.csv, quotes: no rows\. A tape needs quotes"),
    "no such column": (b"ts,bid,ask,ask_sz\n1,1,2,1\n", r"quotes, column bid_sz: column is missing\. .*has ts"),
    "semicolons": (b"ts;bid;bid_sz;ask;ask_sz\n1;1;1;2;1\n", r"quotes, column ts: column is missing"),
    "no names for cells": (b"ts,bid,bid_sz,ask,ask_sz\n1,1,1,2,1,9\n", r"line 2: rows have more cells than the header"),
    "not text": (b"ts,bid,bid_sz,ask,ask_sz\n1,1,1,2,\xff\n", r"T_quotes\.csv, file, line 2: is not UTF-8"),
    "UTF-16": (GOOD["quotes"].encode("utf-16"), r"T_quotes\.csv, file, line 1: is not UTF-8"),
    "all crossed": (b"ts,bid,bid_sz,ask,ask_sz\n1,3,1,2,1\n2,3,1,2,1\n", r"only 0 of 2 rows .*crossed.* Check"),
    "mostly missing": (GOOD["quotes"].encode() + b"7,,,,\n" * 9, r"only 6 of 15 rows are usable .*missing"),
    "minutes apart": (b"ts,bid,bid_sz,ask,ask_sz\n100,1,1,2,1\n200,1,1,2,1\n300,1,1,2,1\n", r"every 100 s.*must"),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_files_that_are_no_table_of_quotes(case, tmp_path):
    raw, said = WHOLE[case]
    with pytest.raises(TapeError, match=said):
        _read(tmp_path, quotes=raw)


@pytest.mark.parametrize("name", ["trades", "orders", "fills"])
def test_other_tables_may_be_empty_but_for_their_header(name, tmp_path):
    tape, _ = _read(tmp_path, own=name == "trades", **{name: GOOD[name].splitlines()[0] + "\n"})
    assert len(getattr(tape, name)) == 0
    assert getattr(tape, name)["side"].dtype == np.int64


@pytest.mark.parametrize(
    "change",
    [
        lambda t: "\ufeff" + t,
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.rstrip("\n"),
        lambda t: t + "\n\n",
        lambda t: "\n".join(f"{line},note{i}" for i, line in enumerate(t.splitlines())) + "\n",
        lambda t: t.replace(",", ", "),
        lambda t: "\n".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"' for line in t.splitlines()),
    ],
    ids=["byte-order mark", "Windows", "no last newline", "blank lines", "extra column", "blanks", "quotation marks"],
)
def test_dialects_are_read_alike(change, tmp_path):
    plain, _ = _read(tmp_path)
    dialect, account = _read(tmp_path, **{n: change(t) for n, t in GOOD.items()})
    assert account == Account()
    for name in GOOD:
        pd.testing.assert_frame_equal(getattr(plain, name), getattr(dialect, name))


@pytest.mark.parametrize(("factor", "unit"), [(1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")])
def test_unix_times_of_other_units_are_converted(factor, unit, tmp_path):
    """Each table on its own: quotes in ms beside trades in seconds are one clock afterwards."""

    def moved(name, scale, columns):
        head, *rows = GOOD[name].splitlines()
        cells = [row.split(",") for row in rows]
        for row in cells:
            for i in columns:
                row[i] = f"{(float(row[i]) + 1.7e9) * scale:.0f}" if row[i] else ""
        return "\n".join([head, *(",".join(row) for row in cells)])

    tape, account = _read(tmp_path, own=False, quotes=moved("quotes", factor, [0]), trades=moved("trades", factor, [0]))
    np.testing.assert_allclose(tape.quotes["ts"] - 1.7e9, [1, 2, 3, 4, 5, 6], atol=1e-6)
    assert account.lines[0] == f"T_quotes.csv: quotes: the times are {unit}; converted to seconds"
    assert tape.sessions is None
    mixed = {"quotes": moved("quotes", factor, [0]), "trades": moved("trades", 1, [0]), "fills": moved("fills", 1, [0]),
             "orders": moved("orders", factor, [4, 5])}  # fmt: skip
    tape, account = _read(tmp_path, **mixed)
    assert len(tape.trades) == 4
    np.testing.assert_allclose(tape.orders["placed"] - 1.7e9, 1.5, atol=1e-6)
    assert f"T_orders.csv: the times are {unit}" in str(account)


def test_trades_of_another_day_are_refused(tmp_path):
    rows = [f"{100000 + i},11,1,1" for i in range(4)]
    with pytest.raises(TapeError, match=r"trades: quotes and trades have no time in common\. Give files of one day"):
        _read(tmp_path, own=False, trades="\n".join(["ts,price,size,side", *rows]))


def test_gaps_become_sessions(tmp_path):
    quotes = GOOD["quotes"] + "".join(f"{t},10,1,11,1\n" for t in (100, 101, 102, 103))
    tape, account = _read(tmp_path, quotes=quotes)
    assert tape.sessions.to_numpy().tolist() == [[1, 6], [100, 103]]
    assert account.lines == ("T: 1 gap of more than 60 s without quotes, 94 s in all; counted as closed",)


def test_a_packed_file_that_is_cut_off_is_read_to_its_last_line(tmp_path):
    rows = [f"{1 + i / 7:.6f},10,{1 + i % 5},11,1" for i in range(5000)]
    text = "\n".join(["ts,bid,bid_sz,ask,ask_sz", *rows]) + "\n"
    whole = gzip.compress(text.encode(), mtime=0)
    place = tmp_path / "C_quotes.csv.gz"
    for cut in range(len(whole) // 2, len(whole) // 2 + 40, 3):
        place.write_bytes(whole[:cut])
        tape, account = read_with_account(tmp_path / "C")
        count = len(tape.quotes)
        assert 100 < count < 4000
        read = [(row.ts, row.bid_sz, row.ask_sz) for row in tape.quotes.itertuples()]
        assert read == [tuple(float(row.split(",")[i]) for i in (0, 2, 4)) for row in rows[:count]]
        assert account.lines == (
            f"C_quotes.csv.gz: the packed file is cut off; read the {count + 1} whole lines before the cut",
        )
    place.write_bytes(whole[:25])
    with pytest.raises(TapeError, match=r"C_quotes\.csv\.gz, file: is empty"):
        read_with_account(tmp_path / "C")
    place.write_bytes(whole[:200] + b"\x00\x01\x02" + whole[203:])
    with pytest.raises(TapeError, match=r"C_quotes\.csv\.gz, file: is damaged .*Fetch or write it again"):
        read_with_account(tmp_path / "C")


def test_packed_or_not_is_seen_from_the_content(tmp_path):
    (tmp_path / "P_quotes.csv").write_bytes(gzip.compress(GOOD["quotes"].encode()))
    (tmp_path / "P_trades.csv.gz").write_text(GOOD["trades"])
    tape, _ = read_with_account(tmp_path / "P")
    assert (len(tape.quotes), len(tape.trades)) == (6, 4)


@pytest.mark.parametrize(("said", "hidden"), [("1", True), ("0.0", False), ("True", True), ("", False)])
def test_hidden_flags(said, hidden, tmp_path):
    trades = f"ts,price,size,side,hidden\n2.5,11,1,1,{said}\n"
    tape, _ = _read(tmp_path, own=False, trades=trades)
    assert tape.trades["hidden"].tolist() == [hidden]
    assert tape.trades["hidden"].dtype == bool


@pytest.mark.parametrize("said", ["2", "perhaps"])
def test_a_flag_that_is_none_is_refused(said, tmp_path):
    with pytest.raises(TapeError, match=r"T_trades\.csv, trades, line 2, column hidden"):
        _read(tmp_path, trades=f"ts,price,size,side,hidden\n2.5,11,1,1,{said}\n")


# Tapes that were made in memory.


def _tape(**changed):
    quotes = pd.DataFrame({"ts": [1.0, 2.0, 3.0], "bid": 10.0, "bid_sz": 1.0, "ask": 11.0, "ask_sz": 1.0})
    trades = pd.DataFrame({"ts": [1.5, 2.5], "price": 11.0, "size": 1.0, "side": [1, -1]})
    orders = pd.DataFrame({"order_id": [1, 2], "side": [1, -1], "price": 10.0, "size": 1.0, "placed": [1.0, 1.5],
                           "removed": [2.0, np.nan]})  # fmt: skip
    fills = pd.DataFrame({"ts": [1.5, 2.5], "order_id": [1, 2], "side": [1, -1], "price": 10.0, "size": 1.0})
    return replace(Tape("T", 1.0, 4.0, quotes, trades, orders, fills), **changed)


def _cell(name, row, column, value):
    table = getattr(_tape(), name).astype({column: object})
    table.loc[row, column] = value
    return {name: table.infer_objects()}


UNSOUND = {
    "unsorted": (_cell("quotes", 1, "ts", 0.5), r"quotes, row 1, column ts: 0\.5 is (before|not within)"),
    "outside": (_cell("trades", 1, "ts", 4.0), r"trades, row 1, column ts: 4 is not within 1 <= ts < 4\. Sort"),
    "nan": (_cell("quotes", 2, "bid", np.nan), r"quotes, row 2, column bid: nan stands where a number should"),
    "infinite": (_cell("quotes", 2, "ask", np.inf), r"quotes, row 2, column ask: inf is not finite"),
    "price of zero": (_cell("trades", 0, "price", 0.0), r"trades, row 0, column price: 0 is not above zero\. Mend"),
    "negative size": (_cell("quotes", 0, "bid_sz", -1.0), r"quotes, row 0, column bid_sz: -1 is negative"),
    "crossed": (_cell("quotes", 0, "bid", 11.0), r"quotes, row 0: bid is not below ask"),
    "side": (_cell("trades", 1, "side", 2), r"trades, row 1, column side: 2 is neither \+1 nor -1\. A side is"),
    "text": (_cell("fills", 1, "price", "x"), r"fills, row 1, column price: 'x' is not a number"),
    "missing column": ({"trades": _tape().trades.drop(columns="size")}, r"trades, column size: column is missing"),
    "order id twice": (_cell("orders", 1, "order_id", 1), r"orders, row \d, column order_id: 1 is there twice\. Give"),
    "removed before": (_cell("orders", 0, "removed", 0.5), r"orders, row 0: removed before it was placed"),
    "placed after": (_cell("orders", 1, "placed", 9.0), r"orders, row 1, column placed: 9 is not before the end .* 4"),
    "stranger": (_cell("fills", 1, "order_id", 5), r"fills, row 1, column order_id: order 5 is not among the orders"),
    "hidden": ({"trades": _tape().trades.assign(hidden=["a", "b"])}, r"trades, column hidden: is of the wrong type"),
    "bounds": ({"t1": 0.0}, r"tape: the bounds t0 = 1\.0 and t1 = 0\.0 are no stretch"),
    "endless": ({"t1": np.inf}, r"tape: the bounds"),
    "tick": ({"meta": TapeMeta(tick=0.0)}, r"meta, column tick: tick is 0\.0\. Give a number above zero"),
    "fee": ({"meta": TapeMeta(fee_bps=np.nan)}, r"meta, column fee_bps"),
    "provenance": ({"meta": TapeMeta(provenance="hearsay")}, r"provenance is 'hearsay'.*own-fills"),
    "sessions": ({"sessions": pd.DataFrame({"start": [1.0, 1.5], "end": [2.0, 3.0]})}, r"sessions, row 1: overlaps"),
    "signals": ({"signals": pd.DataFrame({"ts": [2.0, 1.0]})}, r"signals, row 1, column ts: 1 is before the row above"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSOUND)
def test_tapes_in_memory_are_refused_by_row(case):
    changed, said = UNSOUND[case]
    with pytest.raises(TapeError, match=said) as caught:
        validate(_tape(**changed))
    assert all(f.mend for f in caught.value.faults)


def test_validation_finds_everything_at_once_and_each_once():
    quotes, trades = _cell("quotes", 2, "bid", np.nan), _cell("trades", 0, "price", "x")
    with pytest.raises(TapeError) as caught:
        validate(_tape(**quotes, **trades, t0=1.2), "here")
    places = [(f.table, f.row, f.column) for f in caught.value.faults]
    assert sorted(places) == [("quotes", 0, "ts"), ("quotes", 2, "bid"), ("trades", 0, "price")]
    assert {f.file for f in caught.value.faults} == {"here"}


def test_a_sound_tape_passes_and_whole_numbers_become_floats():
    tape = _tape()
    for name in ("quotes", "trades", "orders", "fills"):
        pd.testing.assert_frame_equal(getattr(validate(tape), name), getattr(tape, name))
    whole = validate(replace(tape, quotes=tape.quotes.assign(bid=10)))
    assert whole.quotes["bid"].dtype == float


@pytest.mark.parametrize("seed", range(5))
def test_slices_of_a_tape_are_tapes(seed):
    """A fill at the very start may belong to an order removed there."""
    tape = random_tape(seed)
    known = tape.fills["order_id"].isin(tape.orders["order_id"])
    tape = replace(tape, fills=tape.fills[known])
    for piece in tape.slices(1.75):
        late = ~piece.fills["order_id"].isin(piece.orders["order_id"]) & (piece.fills["ts"] > piece.t0)
        validate(replace(piece, fills=piece.fills[~late]))
    validate(tape.between(tape.t0, tape.t0))


def test_a_fill_at_the_start_may_be_of_an_order_that_was_removed_there():
    fills = _tape().fills.assign(ts=[1.0, 2.5], order_id=[5, 2])
    validate(_tape(fills=fills))
    with pytest.raises(TapeError, match=r"fills, row 0, column order_id: order 5 is not among the orders"):
        validate(_tape(fills=fills.assign(ts=[1.25, 2.5])))


def test_faults_are_spelled_out_up_to_a_dozen_and_survive_pickling():
    error = TapeError([Fault("t", f"w{i}", "m", row=i, column="c", file="f", line=i + 2) for i in range(20)])
    assert str(error).splitlines()[0] == "f, t, line 2, row 0, column c: w0. m"
    assert str(error).splitlines()[-1] == "... and 8 more"
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
