"""Fits in a terminal of 100 columns, and as a document: how each went, and what it says of each asset.

An estimate is the posterior's mean and its equal-tailed 90 % interval, in the unit of the catalogue. A truth that is
known stands beside it; an interval that does not hold it is marked with an exclamation mark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmresearch.belief.prior_file import HandedBack
from mmresearch.report.numbers import MISSING, interval, significant

#: From this loss on, a prior is called rough.
BAD_NATS = 1.0


@dataclass(frozen=True)
class FitLine:
    """How one fit went.

    Attributes
    ----------
    parameters : tuple of str
        What it was for.
    backend : str
        Who made it.
    seconds, min_ess, max_rhat : float
        Wall time, and the worst diagnostics; NaN if there is no fit.
    tries, divergences : int
        Runs, and divergent transitions in the last one.
    admitted, reused : bool
        Whether the gate lets it pass; whether it was on disk already.
    note : str
        Why it was refused, or why there is none; empty if all is well.
    draws : str
        Folder of the draws; empty if there is none.
    """

    parameters: tuple[str, ...]
    backend: str
    seconds: float
    tries: int
    min_ess: float
    max_rhat: float
    divergences: int
    admitted: bool
    reused: bool
    note: str = ""
    draws: str = ""

    @property
    def state(self) -> str:
        """What a reader should know first: admitted, refused, or that there is no fit."""
        return ("admitted" if self.admitted else "refused") if self.draws else "no fit"


@dataclass(frozen=True)
class Estimate:
    """What a fit says of one asset: mean and 90 % interval, and the truth if it is known; in `unit`."""

    parameter: str
    unit: str
    backend: str
    asset: str
    mean: float
    lo: float
    hi: float
    truth: float | None = None

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the truth; None if that is not known."""
        return None if self.truth is None else self.lo <= self.truth <= self.hi


def show_fits(lines: Sequence[FitLine], console: Console) -> None:
    """Print how the fits went, and below it why some were refused.

    Parameters
    ----------
    lines : sequence of FitLine
        One per fit.
    console : rich.console.Console
        Where.
    """
    table = _table()
    for heading in ("parameter", "backend"):
        table.add_column(heading, no_wrap=True)
    for heading in ("seconds", "tries", "min ESS", "max R-hat", "diverg."):
        table.add_column(heading, no_wrap=True, justify="right")
    table.add_column("", no_wrap=True)
    for line in lines:
        known = bool(line.draws)
        table.add_row(
            Text("\n".join(line.parameters), style="bold"), line.backend, f"{line.seconds:.1f}" if known else MISSING,
            str(line.tries) if known else MISSING, f"{line.min_ess:.0f}" if known else MISSING,
            f"{line.max_rhat:.4f}" if known else MISSING, str(line.divergences) if known else MISSING, _state(line),
        )  # fmt: skip
    console.print(table)
    for line in (x for x in lines if x.note):
        where = Text(f"{', '.join(line.parameters)} in {line.backend}: ", style="bold")
        console.print(where + Text(line.note))


def _state(line: FitLine) -> Text:
    style = {"admitted": "green", "refused": "red", "no fit": "dim"}[line.state]
    return Text(line.state, style=style) + Text(", kept" if line.reused else "", style="dim")


def show_estimates(estimates: Sequence[Estimate], console: Console) -> None:
    """Print mean and 90 % interval of each asset, a table for each parameter, the backends side by side.

    Parameters
    ----------
    estimates : sequence of Estimate
        In any order.
    console : rich.console.Console
        Where.
    """
    for name in dict.fromkeys(e.parameter for e in estimates):
        console.print()
        console.print(_of_one([e for e in estimates if e.parameter == name]))


def _of_one(estimates: Sequence[Estimate]) -> RenderableType:
    backends = list(dict.fromkeys(e.backend for e in estimates))
    known = any(e.covered is not None for e in estimates)
    table = _table()
    table.add_column("asset", no_wrap=True, max_width=12, overflow="ellipsis")
    if known:
        table.add_column("truth", no_wrap=True, justify="right")
    for backend in backends:
        table.add_column(backend, no_wrap=True, justify="right")
        table.add_column("90 %", no_wrap=True, justify="right")
        table.add_column("", no_wrap=True, width=1)
    for asset in dict.fromkeys(e.asset for e in estimates):
        of_asset = [e for e in estimates if e.asset == asset]
        cells: list[RenderableType] = [asset, *([_number(of_asset[0].truth)] if known else [])]
        for e in of_asset:
            cells += [_number(e.mean), _interval(e), Text("!" if e.covered is False else "", style="red")]
        table.add_row(*cells)
    return Group(_title(estimates, backends), table)


def _title(estimates: Sequence[Estimate], backends: Sequence[str]) -> Text:
    title = Text(estimates[0].parameter, style="bold") + Text(f"  {estimates[0].unit}", style="dim")
    for backend in backends:
        known = [bool(e.covered) for e in estimates if e.backend == backend and e.covered is not None]
        if known:
            title += Text(f"; {backend} holds {sum(known)} of {len(known)} truths")
    return title


def _number(value: float | None) -> str:
    """Four significant digits; more just below one, where factors a second lie."""
    if value is not None and 0.95 < value < 1:
        return significant(value, min(4 - math.floor(math.log10(1 - value)), 9))
    return significant(value)


def _interval(e: Estimate) -> str:
    if e.lo > 0.95 and e.hi < 1:
        return f"[{_number(e.lo)}, {_number(e.hi)}]"
    return interval(e.lo, e.hi)


def show_priors(priors: Mapping[str, HandedBack], console: Console) -> None:
    """Print the priors for a new asset beside what one may be; and the nats that each, and the default, loses of that.

    Parameters
    ----------
    priors : mapping
        Parameter -> its prior.
    console : rich.console.Console
        Where.
    """
    table = _table()
    table.add_column("prior for a new asset", no_wrap=True)
    table.add_column("family", no_wrap=True)
    for heading in ("90 %", "90 % of new assets", "KL", "of default"):
        table.add_column(heading, no_wrap=True, justify="right")
    for name, handed in priors.items():
        low, _, high = handed.population
        table.add_row(
            Text(name, style="bold"), type(handed.prior).__name__, interval(*handed.prior.interval(0.9), digits=2),
            interval(low, high, digits=2), _nats(handed.divergence_nats), _nats(handed.default_nats),
        )  # fmt: skip
    console.print()
    console.print(table)
    bad = [name for name, handed in priors.items() if handed.divergence_nats > BAD_NATS]
    if bad:
        what = f"no prior of its family comes within {BAD_NATS:g} nat of what a new asset may be: a rough one"
        console.print(Text(", ".join(bad), style="bold") + Text(f": {what}"))


def _table() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="dim")


def _nats(value: float) -> str:
    return f"{value:.3f}" if value < 10 else significant(value, 3)


def document(lines: Sequence[FitLine], estimates: Sequence[Estimate], facts: dict[str, Any]) -> dict[str, Any]:
    """Return what was fitted and found, for JSON.

    Parameters
    ----------
    lines : sequence of FitLine
        How the fits went.
    estimates : sequence of Estimate
        What they say.
    facts : dict
        What else there is to know: tapes, seed, versions.
    """
    plain = [{k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(x).items()} for x in lines]
    return {**facts, "fits": plain, "estimates": [asdict(e) for e in estimates]}
