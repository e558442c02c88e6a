"""Whatever bytes stand in a file: a sound tape with an account, or a refusal with words; never anything else.

Corruption is drawn from what happens to files: bytes flipped, lost or doubled, cells replaced by what spreadsheets and
recorders leave in them, lines lost, doubled or shuffled, files cut off.
"""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_files import (
    BOOKS,
    FILLS,
    FUTURES,
    GOOD,
    LOBSTER,
    PRICES,
    PRINTS,
    START,
    lobster_pair,
    market_of_fills,
    same_tapes,
    write,
)

from mmresearch.tape.adapters import ownfills
from mmresearch.tape.faults import Account, TapeError
from mmresearch.tape.inspect import inspect
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.read import read_with_account
from mmresearch.tape.validate import validate

CELLS = ("", "nan", "NaN", "inf", "-inf", "-1", "0", "1e400", "-0.0", "1e-320", "x", "buy", "None", "1;2", "  3  ", '"',
         "0x1F", "1_000", "99999999999999999999", "9999999999", "1700000000123", "1700000000123456789", "True",
         "2025-11-05", "\u0661", "é", "1,5", "[1]", "{}", "null", "true")  # fmt: skip
CALM = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
FEW = settings(max_examples=30, derandomize=True, **CALM)
MANY = settings(max_examples=500, **CALM)


@st.composite
def mistreated(draw, raw: bytes) -> bytes:
    """Do to a file what happens to files."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["cell", "cell", "cell", "line", "bytes", "cut", "pack"]))
        raw = {"cell": _cell, "line": _line, "bytes": _bytes, "cut": _cut, "pack": _pack}[kind](draw, raw)
    return raw


def _cell(draw, raw):
    lines = raw.split(b"\n")
    at = draw(st.integers(0, len(lines) - 1))
    cells = lines[at].split(b",")
    cells[draw(st.integers(0, len(cells) - 1))] = draw(st.sampled_from(CELLS)).encode()
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _line(draw, raw):
    lines = raw.split(b"\n")
    at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    kind = draw(st.sampled_from(["lose", "double", "move", "blank"]))
    line = lines[at] if kind == "double" else lines.pop(at)
    lines.insert(to, {"lose": b"", "blank": b" \t"}.get(kind, line)) if kind != "lose" else None
    return b"\n".join(lines)


def _bytes(draw, raw):
    at = draw(st.integers(0, max(len(raw) - 1, 0)))
    return raw[:at] + draw(st.binary(max_size=3)) + raw[at + draw(st.integers(0, 3)) :]


def _cut(draw, raw):
    return raw[: draw(st.integers(0, len(raw)))]


def _pack(draw, raw):
    packed = gzip.compress(raw, mtime=0)
    return packed[: len(packed) - draw(st.sampled_from([0, 0, 1, 9, 40]))]


def _formats(folder):
    """Write good files of every format; say which path names each, and its files."""
    for name, text in GOOD.items():
        (folder / f"plain_{name}.csv").write_text(text)
    lobster_pair(folder)
    for name, rows in (("prices_XYZ", PRICES), ("trades_XYZ", PRINTS), ("orderbooks_XYZ", BOOKS), ("usdm", FUTURES)):
        write(folder, name, rows)
    return {
        "plain": ("plain", [f"plain_{n}.csv" for n in GOOD]),
        "lobster": (f"{LOBSTER.format('message')}.csv", [f"{LOBSTER.format(k)}.csv" for k in ("message", "orderbook")]),
        "hyperliquid": ("trades_XYZ.csv", ["prices_XYZ.csv", "trades_XYZ.csv"]),
        "books": ("orderbooks_XYZ.csv", ["orderbooks_XYZ.csv"]),
        "binance": ("usdm.csv", ["usdm.csv"]),
    }


def _outcome(read):
    """Return what a reader returns, or what it refuses with; anything else that it raises is a failure."""
    try:
        return read()
    except TapeError as error:
        return error


def _survives(place, **options):
    """Read a path; return the tape if there is one."""
    found = _outcome(lambda: read_with_account(place, **options))
    if isinstance(found, TapeError):
        assert found.faults
        assert all(f.table and f.what for f in found.faults)
        assert str(found).strip()
        return None
    tape, account = found
    assert isinstance(account, Account)
    assert all(account.lines)
    assert same_tapes(validate(tape), tape)
    assert np.isfinite([tape.t0, tape.t1]).all()
    assert len(tape.quotes)
    assert len(inspect(tape))
    return tape


def _mistreat_one(kind, folder, data):
    path, files = _formats(folder)[kind]
    if kind == "books":
        (folder / "prices_XYZ.csv").unlink()
    victim = folder / data.draw(st.sampled_from(files))
    victim.write_bytes(data.draw(mistreated(victim.read_bytes())))
    _survives(folder / path)


def _mistreat_fills(folder, data):
    victim = write(folder, "fills", FILLS)
    market = market_of_fills(folder)
    victim.write_bytes(data.draw(mistreated(victim.read_bytes())))
    found = _outcome(lambda: ownfills.rates_by_coin(ownfills.read_fills(victim)[0]))
    assert len(found.faults if isinstance(found, TapeError) else found)
    tape = _survives(market, fills=victim)
    assert tape is None or tape.meta.provenance == "own-fills"


KINDS = ("plain", "lobster", "hyperliquid", "books", "binance")


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@FEW
def test_mistreated_files_give_a_sound_tape_or_a_refusal(kind, tmp_path, data):
    _mistreat_one(kind, tmp_path, data)


@given(data=st.data())
@FEW
def test_mistreated_own_fills_are_read_or_refused(tmp_path, data):
    _mistreat_fills(tmp_path, data)


@pytest.mark.long
@pytest.mark.parametrize("kind", [*KINDS, "fills"])
@given(data=st.data())
@MANY
def test_many_mistreated_files(kind, tmp_path, data):
    _mistreat_fills(tmp_path, data) if kind == "fills" else _mistreat_one(kind, tmp_path, data)


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@FEW
def test_any_bytes_at_all(tmp_path, raw):
    for name in ("any_quotes.csv", "prices_ANY.csv", "ANY_2012-06-21_1_2_message_1.csv", "any.log"):
        place = tmp_path / name
        place.write_bytes(raw)
        _survives(place)
        place.unlink()


@given(data=st.data())
@settings(parent=FEW, max_examples=15)
def test_mistreated_tapes_of_the_own_format_are_refused_or_sound(tmp_path, data):
    _formats(tmp_path)
    kept = write_parquet(read_with_account(tmp_path / "plain")[0], tmp_path / "own.tape")
    victim = kept / data.draw(st.sampled_from(["meta.json", "quotes.parquet", "trades.parquet", "fills.parquet"]))
    victim.write_bytes(data.draw(mistreated(victim.read_bytes())))
    _survives(kept)


@given(data=st.data())
@settings(parent=FEW, max_examples=15)
def test_what_survives_is_kept_without_loss(tmp_path, data):
    _formats(tmp_path)
    victim = tmp_path / data.draw(st.sampled_from(["plain_quotes.csv", "plain_trades.csv"]))
    victim.write_bytes(data.draw(mistreated(victim.read_bytes())))
    tape = _survives(tmp_path / "plain")
    if tape is not None:
        assert same_tapes(read_parquet(write_parquet(tape, tmp_path / "kept.tape")), tape)


def test_what_the_fuzz_starts_from_is_good(tmp_path):
    for path, _ in _formats(tmp_path).values():
        assert _survives(tmp_path / path) is not None
    write(tmp_path, "fills", FILLS)
    tape = _survives(market_of_fills(tmp_path), fills=tmp_path / "fills.csv")
    assert tape.fills["ts"].iloc[0] == START + 0.25
