"""What can be wrong with input, said so that it can be mended: file, table, row, column, what, how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Faults that are spelled out in an error; the rest are counted.
SHOWN = 12


@dataclass(frozen=True)
class Fault:
    """One fault of a tape.

    Attributes
    ----------
    table : str
        Table or file part.
    what, mend : str
        What is wrong, and how to mend it.
    row : int or None
        Row of a table in memory, from 0.
    column : str or None
        Column.
    file : str or None
        File that was read.
    line : int or None
        Line of the file, from 1, its header included: what an editor shows.
    """

    table: str
    what: str
    mend: str = ""
    row: int | None = None
    column: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = [self.file or "", self.table]
        place += [f"line {self.line}"] if self.line is not None else []
        place += [f"row {self.row}"] if self.row is not None else []
        place += [f"column {self.column}"] if self.column else []
        mend = f" {self.mend}" if self.mend else ""
        return f"{', '.join(p for p in place if p)}: {self.what}.{mend}"


class TapeError(ValueError):
    """Input that is not a tape and cannot be repaired into one.

    Parameters
    ----------
    faults : sequence of Fault
        Everything that was found.
    """

    def __init__(self, faults: Sequence[Fault]):
        self.faults = tuple(faults)
        lines = [str(f) for f in self.faults[:SHOWN]]
        if len(self.faults) > SHOWN:
            lines.append(f"... and {len(self.faults) - SHOWN} more")
        super().__init__("\n".join(lines))

    def __reduce__(self):
        """Survive the way between processes."""
        return type(self), (self.faults,)


class SliceOrderError(ValueError):
    """A slice that begins before the last one ended: fed twice, or out of order."""


@dataclass(frozen=True)
class Account:
    """What was repaired on reading, one short sentence each."""

    lines: tuple[str, ...] = ()

    def __add__(self, other: Account) -> Account:
        return Account(self.lines + other.lines)

    def __str__(self) -> str:
        return "\n".join(self.lines) or "nothing had to be repaired"
