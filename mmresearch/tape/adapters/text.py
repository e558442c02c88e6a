"""Text files as vendors leave them: gzipped or not, with a byte-order mark, Windows line ends, or the end missing.

A table read here carries the line of each row as its index, so that whatever is found later can be shown in the file.
"""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from mmresearch.tape.clock import LINE
from mmresearch.tape.faults import Account, Fault, TapeError

ENDINGS = (".csv.gz", ".csv")
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 1 << 14


def beside(place: Path, name: str) -> Path | None:
    """Find a file beside another by its name without ending; None if it is not there."""
    found = (place.parent / f"{name}{ending}" for ending in ENDINGS)
    return next((p for p in found if p.is_file()), None)


def bare_name(place: Path) -> str:
    """Return the name of a file without ``.csv`` or ``.csv.gz``."""
    return next((place.name.removesuffix(e) for e in ENDINGS if place.name.endswith(e)), place.name)


def first_line(place: Path) -> str:
    """Return the first line of a file, whatever it is; nothing if it cannot be read."""
    try:
        with place.open("rb") as handle:
            raw = handle.read(_HEAD_BYTES)
        if raw.startswith(_GZIP):
            raw = zlib.decompressobj(31).decompress(raw, _HEAD_BYTES)
    except (OSError, zlib.error):
        return ""
    return raw.removeprefix(_BOM).split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()


def text_of(place: Path) -> tuple[bytes, Account]:
    """Read a file, unpacked, as UTF-8 text.

    Returns
    -------
    text : bytes
        Without byte-order mark. A packed file that was cut off ends with its last whole line.
    account : Account
        Whether it was cut off.

    Raises
    ------
    TapeError
        If it cannot be read, is empty, damaged, or not text.
    """
    try:
        raw = place.read_bytes()
    except OSError as error:
        raise _fault(place, f"cannot be read ({error.strerror})", "Check the path") from error
    account = Account()
    if raw.startswith(_GZIP):
        raw, whole = _unpack(raw, place)
        if not whole:
            raw = raw[: raw.rfind(b"\n") + 1]
            count = raw.count(b"\n")
            account = Account(
                (f"{place.name}: the packed file is cut off; read the {count} whole lines before the cut",)
            )
    raw = raw.removeprefix(_BOM)
    if not raw.strip():
        raise _fault(place, "is empty", "Give a file with rows")
    return _utf8(raw, place), account


def read_csv(place: Path, columns: Sequence[str] | None = None) -> tuple[pd.DataFrame, Account]:
    """Read a CSV; blank rows are left out.

    Parameters
    ----------
    place : Path
        Packed or not.
    columns : sequence of str, optional
        Names of the first columns of a file without a header; further ones are left out.

    Returns
    -------
    table : DataFrame
        Its index, named `LINE`, is the line of each row in the file.
    account : Account

    Raises
    ------
    TapeError
        If it cannot be read, or a row has more cells than the header.
    """
    text, account = text_of(place)
    layout: dict[str, Any] = {} if columns is None else {"header": None, "usecols": range(len(columns))}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = pd.read_csv(
                BytesIO(text), encoding="utf-8", index_col=False, skip_blank_lines=False, skipinitialspace=True,
                low_memory=False, **layout,
            )  # fmt: skip
    except (ValueError, Warning) as error:
        raise _not_csv(error, place) from error
    table.columns = list(columns) if columns is not None else [str(c).strip() for c in table.columns]
    first = 1 if columns is not None else 2
    table.index = pd.RangeIndex(first, first + len(table), name=LINE)
    return table.dropna(how="all"), account


def _unpack(raw: bytes, place: Path) -> tuple[bytes, bool]:
    """Unpack all members of a gzip file; say whether the last one is whole."""
    pieces = []
    while raw.startswith(_GZIP):
        member = zlib.decompressobj(31)
        try:
            pieces.append(member.decompress(raw))
        except zlib.error as error:
            raise _fault(place, f"is damaged ({error})", "Fetch or write it again") from error
        if not member.eof:
            return b"".join(pieces), False
        raw = member.unused_data
    return b"".join(pieces), True


def _utf8(raw: bytes, place: Path) -> bytes:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _fault(place, "is not UTF-8 text", "Write it again as UTF-8", line) from error
    return raw


def _not_csv(error: Exception, place: Path) -> TapeError:
    said = " ".join(str(error).split())
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said)
    if found:
        what = f"{found[3]} cells where the rows before have {found[1]}"
        return _fault(place, what, "Mend or delete the row", int(found[2]))
    if "loss of data" in said:
        return _fault(place, "rows have more cells than the header has names", "Name every column", 2)
    if "Usecols" in said:
        return _fault(place, "has too few columns", "Give the file that the vendor wrote", 1)
    return _fault(place, f"cannot be read as CSV ({said})", "Write it again as comma-separated text")


def _fault(place: Path, what: str, mend: str, line: int | None = None) -> TapeError:
    return TapeError([Fault("file", what, mend, file=place.name, line=line)])
