"""One door for every tape: which reader a path gets, what comes out, and what is said where there is none."""

import gzip
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from random_tapes import tape as random_tape
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

from mmresearch.cli import main
from mmresearch.tape.clock import sessions_of_quotes
from mmresearch.tape.faults import Account, TapeError
from mmresearch.tape.inspect import inspect
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.read import read, read_with_account
from mmresearch.tape.schema import TapeMeta

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def folder(tmp_path):
    """A folder with one recording of every format."""
    for name, text in GOOD.items():
        (tmp_path / f"plain_{name}.csv").write_text(text)
    lobster_pair(tmp_path)
    for name, rows in (("prices_XYZ", PRICES), ("trades_XYZ", PRINTS), ("orderbooks_XYZ", BOOKS)):
        write(tmp_path, name, rows, packed=True)
    (tmp_path / "usdm.gz").write_bytes(gzip.compress(("\n".join(FUTURES) + "\n").encode()))
    write(tmp_path, "fills", FILLS)
    return tmp_path


PATHS = {
    "plain": ("plain", 6, 4),
    "plain_quotes.csv": ("plain", 6, 4),
    "plain_fills.csv": ("plain", 6, 4),
    f"{LOBSTER.format('message')}.csv": ("XYZ", 4, 3),
    f"{LOBSTER.format('orderbook')}.csv": ("XYZ", 4, 3),
    "prices_XYZ.csv.gz": ("XYZ", 4, 4),
    "trades_XYZ.csv.gz": ("XYZ", 4, 4),
    "orderbooks_XYZ.csv.gz": ("XYZ", 4, 4),
    "usdm.gz": ("xyzusdt", 2, 2),
}


@pytest.mark.parametrize("name", PATHS)
def test_every_path_finds_its_reader(name, folder):
    asset, quotes, trades = PATHS[name]
    tape = read(folder / name)
    assert (tape.asset, len(tape.quotes), len(tape.trades)) == (asset, quotes, trades)
    assert tape.meta.provenance == ("own-fills" if asset == "plain" else "market-proxy")
    assert tape.t0 == tape.quotes["ts"].iloc[0]
    assert tape.t1 > max(tape.quotes["ts"].iloc[-1], tape.trades["ts"].iloc[-1])
    assert len(inspect(tape)) == 12
    renamed = read(folder / name, asset="MINE", fee_bps=-0.5, tick=0.5)
    assert (renamed.asset, renamed.meta.fee_bps, renamed.meta.tick) == ("MINE", -0.5, 0.5)


@pytest.mark.parametrize("name", PATHS)
def test_what_was_read_is_kept_without_loss(name, folder):
    tape, account = read_with_account(folder / name)
    write_parquet(tape, folder / "kept.tape")
    again, said = read_with_account(folder / "kept.tape")
    assert said == Account()
    assert same_tapes(tape, again)
    assert isinstance(account.lines, tuple)


@pytest.mark.parametrize("seed", range(4))
def test_tapes_of_every_kind_are_kept_without_loss(seed, tmp_path):
    tape = random_tape(seed, hidden=seed % 2 == 0)
    listed = tape.fills["order_id"].isin(tape.orders["order_id"])
    tape = replace(
        tape, fills=tape.fills[listed].reset_index(drop=True),
        signals=pd.DataFrame({"ts": [1.0, 2.0], "momentum": 0.1}),
        sessions=pd.DataFrame({"start": [0.0, 9.0], "end": [5.0, 20.0]}),
        meta=TapeMeta(0.05, 0.01, -0.5, 100.0, True, "USDT", "synthetic"),
    )  # fmt: skip
    assert same_tapes(read_parquet(write_parquet(tape, tmp_path / "x.tape")), tape)


def test_an_unsound_tape_is_neither_written_nor_read(folder):
    tape = read(folder / "plain")
    bad = replace(tape, quotes=tape.quotes.assign(bid=12.0))
    with pytest.raises(TapeError, match=r"quotes, row 0: bid is not below ask"):
        write_parquet(bad, folder / "bad.tape")
    assert not (folder / "bad.tape").exists()
    kept = write_parquet(tape, folder / "kept.tape")
    tape.quotes.assign(bid=12.0).to_parquet(kept / "quotes.parquet")
    with pytest.raises(TapeError, match=r"kept\.tape, quotes, row 0: bid is not below ask"):
        read(kept)
    with pytest.raises(TapeError, match=r"kept\.tape, quotes, row 0: bid is not below ask"):
        read_parquet(kept)
    with pytest.raises(TapeError, match=r"plain, meta, column fee_bps: fee_bps is nan"):
        read(folder / "plain", fee_bps=np.nan)


def test_a_damaged_folder_is_refused_by_file(folder):
    tape = read(folder / "plain")
    kept = write_parquet(tape, folder / "kept.tape")
    facts = (kept / "meta.json").read_text()
    for text, said in (
        ("{", "is not JSON"), ("[1]", "is not a table of facts"), ("{}", "lacks version"),
        (facts.replace('"version": 1', '"version": 9'), "has version 9"), (facts.replace('"tick"', '"tock"'), "tock"),
        (facts.replace('"t0": 1.0', '"t0": "x"'), "could not convert"),
    ):  # fmt: skip
        (kept / "meta.json").write_text(text)
        with pytest.raises(TapeError, match=rf"meta\.json, meta: .*{said}.*Import the tape again"):
            read(kept)
    (kept / "meta.json").write_text(facts)
    (kept / "trades.parquet").write_bytes(b"PAR1")
    with pytest.raises(TapeError, match=r"trades\.parquet, trades: is missing or damaged"):
        read(kept)


def test_nothing_else_is_overwritten(folder):
    tape = read(folder / "plain")
    with pytest.raises(TapeError, match="something that is not a tape is in the way"):
        write_parquet(tape, folder)
    with pytest.raises(TapeError, match=r"cannot be written"):
        write_parquet(tape, folder / "fills.csv" / "x.tape")


ALONE = {
    "nowhere": (r"there is no tape or vendor file of that name"),
    "plian": (r"Did you mean .*plain"),
    "no/where": (r"the folder .*no does not exist\. Check the path"),
    "fills.csv": (r"own fills: there are no quotes.*--fills"),
    "notes.txt": (r"is in no known format; it begins with 'dear diary'\. Known are .*LOBSTER"),
    "void.csv": (r"is empty, or cannot be unpacked"),
    "lone_trades.csv": (r"lone, quotes: there is lone_trades\.csv, but no quotes: .*lone_quotes\.csv\.gz"),
    "lone": (r"lone, quotes: there is lone_trades\.csv, but no quotes"),
    "other_2012-06-21_1_2_message_1.csv": (r"orderbook: the other file of the pair is missing"),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_is_no_tape_is_told_what_it_lacks(name, folder):
    (folder / "notes.txt").write_text("dear diary\n")
    (folder / "void.csv").touch()
    (folder / "lone_trades.csv").write_text(GOOD["trades"])
    (folder / "other_2012-06-21_1_2_message_1.csv").write_text("1,1,1,1,1,1\n")
    with pytest.raises(TapeError, match=ALONE[name]):
        read(folder / name)


def test_own_fills_are_attached_to_the_market_in_which_they_happened(folder):
    tape, account = read_with_account(market_of_fills(folder), fills=folder / "fills.csv")
    assert tape.meta.provenance == "own-fills"
    assert tape.fills["ts"].tolist() == [START + 0.25, START + 0.25, START + 1800]
    assert tape.fills["side"].tolist() == [-1, -1, 1]
    assert len(tape.orders) == 0
    assert tape.trades["ts"].tolist() == [START + 0.25, START + 900]  # of two equal prints one was ours
    said = str(account)
    assert "maker is always T" in said
    assert "took 1 trades that are own fills out of the market's" in said
    assert "exposure is unknown" in said
    assert "outside the tape" not in said
    assert same_tapes(read_parquet(write_parquet(tape, folder / "own.tape")), tape)


def test_own_fills_outside_the_tape_are_left_out_and_said(folder):
    tape = read(market_of_fills(folder))
    # The fills at the very start belong to the tape, the one at its end does not.
    write_parquet(tape.between(START + 0.25, START + 1800), folder / "ABC.tape")
    tape, account = read_with_account(folder / "ABC.tape", fills=folder / "fills.csv")
    assert len(tape.fills) == 2
    assert "left out 1 fills outside the tape" in str(account)
    with pytest.raises(TapeError, match=r"fills\.csv, fills: no fill of XYZ lies within the tape: .*same clock"):
        read(folder / "ABC.tape", asset="XYZ", fills=folder / "fills.csv")
    with pytest.raises(TapeError, match=r"none of its coins is QQQ: ABC, XYZ\. Name the coin as the asset"):
        read(folder / "ABC.tape", asset="QQQ", fills=folder / "fills.csv")
    assert len(read(folder / "ABC.tape", asset="venue_ABC", fills=folder / "fills.csv").fills) == 2


def _run(*words):
    return CliRunner().invoke(main, [str(w) for w in words], prog_name="mmresearch")


@pytest.mark.parametrize(
    "name", ["plain_quotes.csv", f"{LOBSTER.format('message')}.csv", "trades_XYZ.csv.gz", "usdm.gz"]
)
def test_the_command_imports_and_inspects_every_format(name, folder):
    asset, quotes, _ = PATHS[name]
    found = _run("tape", "import", folder / name, folder / "kept.tape")
    assert found.exit_code == 0, found.stderr
    assert len(read(folder / "kept.tape").quotes) == quotes
    looked = _run("tape", "inspect", folder / name)
    assert looked.exit_code == 0
    assert asset in looked.output


def test_the_command_shows_rates_of_own_fills_and_attaches_them(folder):
    looked = _run("tape", "inspect", folder / "fills.csv")
    assert looked.exit_code == 0, looked.stderr
    assert [line.split()[:3] for line in looked.output.splitlines()[-2:]] == [["ABC", "3", "1"], ["XYZ", "1", "1"]]
    assert "2025-11-05 00:00:00 to 2025-11-05 02:00:00" in looked.output
    assert "tells nothing" in looked.output
    refused = _run("tape", "import", folder / "fills.csv", folder / "x.tape")
    assert refused.exit_code == 2
    assert "there are no quotes" in refused.stderr
    attached = _run("tape", "import", market_of_fills(folder), folder / "x.tape", "--fills", folder / "fills.csv")
    assert attached.exit_code == 0, attached.stderr
    assert "exposure is unknown" in attached.output
    assert len(read(folder / "x.tape").fills) == 3


def test_validation_is_not_paid_for_where_nothing_is_read():
    code = "import sys, mmresearch.tape.schema, mmresearch.learn; print('pandera' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert out.strip() == "False"
    importers = [
        p.name for p in (ROOT / "mmresearch").rglob("*.py") if "import pandera" in p.read_text(encoding="utf-8")
    ]
    assert importers == ["validate.py"]


@pytest.mark.parametrize("name", ["hl_ETH", "hl_SOL", "binance_cm_btcusd_perp", "binance_usdm_ethusdt", "lobster_AMZN"])
def test_prepared_tapes_are_read_whole(name):
    if not (DATA / "tapes" / f"{name}_quotes.csv.gz").is_file():
        pytest.skip(f"the tape {name} is not here")
    tape, account = read_with_account(DATA / "tapes" / name)
    rows = pd.read_csv(DATA / "tapes" / f"{name}_quotes.csv.gz")
    again = int((rows == rows.shift()).all(axis=1).sum())
    assert len(tape.quotes) == len(rows) - again
    assert len(account.lines) == (1 if again else 0)


def test_reading_does_not_change_what_it_reads(folder):
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    for name in PATHS:
        read(folder / name)
    assert all(p.read_bytes() == (copy / p.name).read_bytes() for p in folder.iterdir())
    assert len(list(folder.iterdir())) == len(list(copy.iterdir()))


@pytest.mark.parametrize(
    ("closed", "sessions"),
    [
        ((), None),
        (((3.0, 5.0),), [[0, 3], [5, 9]]),
        (((3.0, 5.0), (4.0, 6.0)), [[0, 3], [6, 9]]),
        (((-1.0, 2.0),), [[2, 9]]),
        (((7.0, 99.0),), [[0, 7], [9, 9]]),
    ],
)
def test_halts_cut_a_tape_into_sessions_however_short(closed, sessions):
    found, account = sessions_of_quotes(np.arange(10.0), "T", closed)
    assert (None if found is None else found.to_numpy().tolist()) == sessions
    assert account == Account()


def test_a_halt_at_the_beginning_is_no_open_market():
    found, _ = sessions_of_quotes(np.array([0.0, 1.0, 100.0, 101.0]), "T", ((-1.0, 0.5), (1.0, 100.5)))
    assert found.to_numpy().tolist() == [[0.5, 1.0], [100.5, 101.0]]
