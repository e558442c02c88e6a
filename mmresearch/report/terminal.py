"""An audit in a terminal of 100 columns: a matrix of verdicts, the reasons, and the numbers tape by tape.

Every verdict has its symbol besides its colour; where the terminal cannot write the symbol, an ASCII one stands in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mmresearch.audit.result import Audit, Certificate
from mmresearch.report import numbers
from mmresearch.report.grouping import LearnerResult, ParameterResult, by_parameter, tapes_of
from mmresearch.report.verdicts import LOOKS

WIDTH = 100
#: With no more certificates than this the numbers of every tape are printed unasked.
BY_TAPE_UP_TO = 12
_NAMED_TAPES = 8
#: Columns of a verdict, at most of its symbols by tape, and of all beside a learner's name but those symbols.
_VERDICT, _CELLS = 19, 40
_BESIDE_NAME = _VERDICT + 11
#: Numbers below this are written in powers of a thousand.
_SMALL = 0.01


def console_of(width: int | None = None) -> Console:
    """Make a console that is never wider than 100 columns, so that a report reads the same everywhere."""
    console = Console(highlight=False, soft_wrap=False)
    return Console(highlight=False, width=width or min(console.width, WIDTH) if console.is_terminal else width or WIDTH)


def show(audit: Audit, console: Console, by_tape: bool | None = None) -> None:
    """Print an audit.

    Parameters
    ----------
    audit : Audit
        What was found.
    console : rich.console.Console
        Where.
    by_tape : bool, optional
        Whether to print the numbers of every tape; if not given, where they are few.
    """
    groups = by_parameter(audit)
    tapes = tapes_of(audit)
    detailed = len(audit.certificates) <= BY_TAPE_UP_TO if by_tape is None else by_tape
    unicode = _writes_unicode(console)
    for group in groups:
        console.print()
        console.print(_matrix(group, tapes, unicode))
        if detailed and tapes:
            console.print(_numbers(group, unicode))
    console.print()
    for note in audit.notes:
        console.print(Text("note  ", style="bold") + Text(note))
    console.print(_tally(groups, audit.certificates, unicode))


def _writes_unicode(console: Console) -> bool:
    try:
        "".join(look.symbol for look in LOOKS.values()).encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def symbol(verdict: str, unicode: bool) -> Text:
    """Symbol of a verdict in its style."""
    look = LOOKS[verdict]
    return Text(look.symbol if unicode else look.ascii, style=look.style)


def label(verdict: str, unicode: bool) -> Text:
    """Symbol and word of a verdict in its style."""
    return symbol(verdict, unicode) + Text(f" {verdict}", style=LOOKS[verdict].style)


def _matrix(group: ParameterResult, tapes: Sequence[str], unicode: bool) -> RenderableType:
    parts: list[RenderableType] = [Text(group.parameter, style="bold underline") + Text(f"  {group.unit}", style="dim")]
    named = len(tapes) <= _NAMED_TAPES
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    head = " ".join(t[:4].ljust(4) for t in tapes) if named else f"{len(tapes)} tapes".ljust(min(len(tapes), _CELLS))
    table.add_column("", min_width=24, no_wrap=True, overflow="ellipsis", max_width=WIDTH - _BESIDE_NAME - len(head))
    table.add_column("", min_width=_VERDICT, no_wrap=True)
    table.add_column(head, max_width=_CELLS)
    table.add_column("regret" if tapes else "", justify="right", no_wrap=True)
    for learner in group.learners:
        cells = _cells(learner, tapes, named, unicode)
        worst = learner.costliest
        cost = numbers.bps(None if worst is None else worst.regret_bps) if tapes else ""
        table.add_row(Text(learner.name, style="bold"), label(learner.verdict, unicode), cells, cost)
    parts.append(table)
    parts += [_reasons(learner, unicode) for learner in group.learners]
    return Group(*parts)


def _cells(learner: LearnerResult, tapes: Sequence[str], named: bool, unicode: bool) -> Text:
    verdicts: Mapping[str | None, str] = {c.tape: c.verdict for c in learner.certificates}
    gap = "    " if named else ""
    return Text(gap).join([symbol(verdicts[t], unicode) if t in verdicts else Text("-") for t in tapes])


def _reasons(learner: LearnerResult, unicode: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for reason in learner.reasons[:2]:
        where = "" if len(reason.tapes) == len(learner.certificates) else f" ({', '.join(reason.tapes)})"
        grid.add_row("", symbol(reason.verdict, unicode), Text(learner.name, style="bold") + f"{where}: {reason.text}")
    return grid


def _numbers(group: ParameterResult, unicode: bool) -> RenderableType:
    """Build the table of numbers: one row per learner and tape."""
    power = _power_of_ten(group)
    title = f"in 1e{power} {group.unit}" if power else None
    table = Table(
        box=None, padding=(0, 1, 0, 0), show_edge=False, header_style="dim", title=title, title_justify="left",
        title_style="dim",
    )  # fmt: skip
    table.add_column("learner", no_wrap=True, max_width=18, overflow="ellipsis")
    table.add_column("tape", no_wrap=True, max_width=8, overflow="ellipsis")
    table.add_column("", no_wrap=True, width=1)
    for name in ("mean", "90 %", "ref.", "90 %", "bias", "sd/ref", "regret"):
        table.add_column(name, justify="right", no_wrap=True)
    for learner in group.learners:
        for i, c in enumerate(learner.certificates):
            table.add_row(learner.name if i == 0 else "", *_row(c, unicode, 10.0**-power))
    return Padding(table, (1, 0, 0, 2))


def _power_of_ten(group: ParameterResult) -> int:
    """Return the power of a thousand to write small numbers in, so that they fit their columns; 0 for others."""
    means = [abs(c.mean) for x in group.learners for c in x.certificates if math.isfinite(c.mean) and c.mean]
    largest = max(means, default=1.0)
    return 3 * math.floor(math.log10(largest) / 3) if largest < _SMALL else 0


def _row(c: Certificate, unicode: bool, factor: float) -> tuple[RenderableType, ...]:
    missing = numbers.MISSING if unicode else "-"

    def times(value: float | None) -> float | None:
        return None if value is None else factor * value

    cells = (
        numbers.significant(times(c.mean), 3), numbers.interval(times(c.lo), times(c.hi)),
        numbers.significant(times(c.reference_mean), 3),
        numbers.interval(times(c.reference_lo), times(c.reference_hi)), numbers.signed(c.bias_sd),
        numbers.ratio(c.sd_ratio), numbers.bps(c.regret_bps),
    )  # fmt: skip
    return c.tape or "worlds", symbol(c.verdict, unicode), *(x.replace(numbers.MISSING, missing) for x in cells)


def _tally(groups: Sequence[ParameterResult], certificates: Sequence[Certificate], unicode: bool) -> Text:
    cleared = sum(x.cleared for g in groups for x in g.learners)
    learners = sum(len(g.learners) for g in groups)
    line = Text(f"{cleared} of {learners} learners cleared", style="bold")
    for verdict in LOOKS:
        if count := sum(c.verdict == verdict for c in certificates):
            line += Text("   ") + label(verdict, unicode) + Text(f" {count}")
    return line
