"""The own format: a folder of Parquet tables and a small JSON of facts.

    NAME.tape/   quotes.parquet trades.parquet orders.parquet fills.parquet [signals.parquet sessions.parquet] meta.json

A tape is written into a folder beside its place, flushed to disk, and renamed into place: a reader sees the old tape or
the new one. Tables are stored without loss.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mmresearch.tape.faults import Fault, TapeError
from mmresearch.tape.schema import Tape, TapeMeta
from mmresearch.tape.validate import validate

VERSION = 1
TABLES = ("quotes", "trades", "orders", "fills")
OPTIONAL = ("signals", "sessions")
#: Columns of times hardly repeat a value: stored byte by byte, not as a dictionary, they pack a fifth smaller.
TIMES = ("ts", "placed", "removed")


def write_parquet(tape: Tape, path: str | Path) -> Path:
    """Write a tape, replacing one that is there.

    Parameters
    ----------
    tape : Tape
        What to keep.
    path : path
        A folder, by custom ending in ``.tape``.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    TapeError
        If it is not a sound tape, something that is not a tape is in the way, or the place cannot be written to.
    """
    target, tape = Path(path), validate(tape)
    if target.exists() and not (target / "meta.json").is_file():
        raise TapeError(
            [Fault("tape", "something that is not a tape is in the way", "Choose another path", file=str(path))]
        )
    try:
        _write_whole(tape, target)
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise TapeError([Fault("tape", what, "Choose another path", file=str(path))]) from error
    return target


def read_parquet(path: str | Path) -> Tape:
    """Read a tape that `write_parquet` wrote.

    Raises
    ------
    TapeError
        If it is not one, of another version, or damaged.
    """
    folder = Path(path)
    facts = _read_facts(folder)
    tables = {name: _read_table(folder / f"{name}.parquet") for name in TABLES}
    extra = {n: _read_table(folder / f"{n}.parquet") for n in OPTIONAL if (folder / f"{n}.parquet").is_file()}
    try:
        tape = Tape(
            asset=str(facts["asset"]), t0=float(facts["t0"]), t1=float(facts["t1"]), meta=TapeMeta(**facts["meta"]),
            **tables, **extra,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        what = f"holds something unexpected ({error})"
        raise TapeError([Fault("meta", what, "Import the tape again", file=str(folder / "meta.json"))]) from error
    return validate(tape, str(folder))


def _write_whole(tape: Tape, target: Path) -> None:
    """Write beside the place, then rename into it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh = scratch / "new"
        fresh.mkdir()
        for name in (*TABLES, *OPTIONAL):
            table = getattr(tape, name)
            if table is not None:
                _write_table(table, fresh / f"{name}.parquet")
        _write_text(fresh / "meta.json", json.dumps(_facts(tape), indent=1))
        _flush(fresh)
        if target.exists():
            os.replace(target, scratch / "old")
        os.replace(fresh, target)
        _flush(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _facts(tape: Tape) -> dict[str, Any]:
    return {"version": VERSION, "asset": tape.asset, "t0": tape.t0, "t1": tape.t1, "meta": asdict(tape.meta)}


def _read_facts(folder: Path) -> dict[str, Any]:
    place = folder / "meta.json"
    try:
        facts = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise TapeError(
            [Fault("meta", "cannot be read", "Name a folder that holds a tape", file=str(place))]
        ) from error
    except ValueError as error:
        raise TapeError([Fault("meta", f"is not JSON ({error})", "Import the tape again", file=str(place))]) from error
    if not isinstance(facts, dict):
        raise TapeError([Fault("meta", "is not a table of facts", "Import the tape again", file=str(place))])
    missing = [k for k in ("version", "asset", "t0", "t1", "meta") if k not in facts]
    if missing or facts["version"] != VERSION:
        what = f"lacks {', '.join(missing)}" if missing else f"has version {facts['version']}, not {VERSION}"
        raise TapeError([Fault("meta", what, "Import the tape again", file=str(place))])
    return facts


def _read_table(place: Path) -> pd.DataFrame:
    try:
        return pq.read_table(place).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        what = f"is missing or damaged ({str(error).splitlines()[0][:120]})"
        raise TapeError([Fault(place.stem, what, "Import the tape again", file=str(place))]) from error


def _write_table(table: pd.DataFrame, place: Path) -> None:
    plain = pa.Table.from_pandas(table.reset_index(drop=True), preserve_index=False)
    times = [name for name in table if name in TIMES]
    pq.write_table(
        plain, place, compression="zstd", compression_level=9, use_byte_stream_split=times,
        use_dictionary=[name for name in table if name not in TIMES],
    )  # fmt: skip
    _flush(place)


def _write_text(place: Path, text: str) -> None:
    place.write_text(text + "\n", encoding="utf-8")
    _flush(place)


def _flush(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
