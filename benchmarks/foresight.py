"""Does the richer model foretell the last third of a tape better than the plain one?

Both are fitted to the first two thirds and score the rest by the log predictive density of each row, ln mean over draws
of p(row | past, draw); effects of windows that nobody fitted are integrated out:

    kappa        windows alike                     against   windows differ
    alpha        labels independent (binomial)     against   labels of a window alike (beta-binomial)
    floor        normal, windows alike             against   normal, windows differ; and Student-t moves
    flow         Poisson, Gamma posterior          against   Hawkes
    volatility   normal, one sd                    against   Student-t, one sd; and hidden regimes

Events of tapes without own fills are those at the touch, and market orders. Rows are added up to blocks of time, whose
differences are resampled by the moving-block bootstrap (Kuensch 1989), blocks of n^(1/3) of them: an interval for how
much the last third prefers a model, not for other days. Volatility is of the one-second returns that the regimes read;
an asset whose mid stands still in more than half of the seconds is left out, and so are Student-t moves after fills of
which more than half are 0: densities would count zeros, not moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from mmresearch.models.criticism.pointwise import rows
from mmresearch.models.criticism.rows import DRAWS, AssetRows
from mmresearch.models.features import FeatureEvidence, Foretold, HourCosts, Moves
from mmresearch.models.fit import fit
from mmresearch.models.inputs import reduce_tapes
from mmresearch.models.series import EventTimes, RegimeSeries, SeriesEvidence, event_times, regime_series
from mmresearch.tape.read import read
from mmresearch.tape.schema import Tape

SHARE = 2 / 3
#: Windows of a tape, and the longest of them in seconds.
WINDOWS, LONGEST_S = 30, 300.0
#: Blocks into which the last third of a series is added up.
BLOCKS = 20
#: Share of values that are 0 from which on a density says nothing of moves.
STILL = 0.5
REPLICATES, LEVEL = 4000, 0.95
#: Name of the comparison -> parameter, kind of evidence, options of the plain model, and of each richer one.
ON_WINDOWS: dict[str, tuple[str, Any, dict[str, Any], dict[str, dict[str, Any]]]] = {
    "kappa": ("kappa", "market orders", {"window_effect": False}, {"windows differ": {}}),
    "alpha": ("alpha_touch", "at touch", {"overdispersion": False}, {"labels of a window alike": {}}),
    "floor": (
        "spread_floor_bps", "at touch", {"window_effect": False},
        {"windows differ": {}, "Student-t moves": {"noise": "student_t"}},
    ),
}  # fmt: skip
WHAT = (*ON_WINDOWS, "flow", "volatility")


@dataclass(frozen=True)
class Scores:
    """Log predictive densities of one asset's last third under two models, by block of time."""

    what: str
    asset: str
    rich: str
    rows: int
    plain_nats: np.ndarray
    rich_nats: np.ndarray


def last_third(tape: Tape) -> tuple[Tape, Tape]:
    """Cut a tape after two thirds of its time."""
    cut = tape.t0 + SHARE * (tape.t1 - tape.t0)
    return tape.between(tape.t0, cut), tape.between(cut, tape.t1)


def predictive(log_density: np.ndarray) -> np.ndarray:
    """Log mean over draws of the density of each row; shape (S, rows) to (rows,)."""
    return special.logsumexp(log_density, axis=0) - np.log(log_density.shape[0])


def blocks(nats: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    """Add up rows to n stretches of equal length; `at` from 0 to 1."""
    return np.bincount(np.minimum((n * at).astype(int), n - 1), nats, minlength=n)


def block_bootstrap(values: np.ndarray, rng: np.random.Generator, replicates: int = REPLICATES) -> np.ndarray:
    """Sums of values resampled in moving blocks, circular, each n^(1/3) long.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In order of time.
    rng : Generator
        Chooses blocks.
    replicates : int
        How many sums.

    Returns
    -------
    ndarray, shape (replicates,)
    """
    n = values.size
    length = max(round(n ** (1 / 3)), 1)
    count = -(-n // length)
    start = rng.integers(0, n, (replicates, count, 1))
    picked = ((start + np.arange(length)) % n).reshape(replicates, -1)[:, :n]
    return values[picked].sum(axis=1)


def on_windows(what: str, tapes: Sequence[Tape], seed: int) -> Iterator[Scores]:
    """Compare models of windows."""
    parameter, kind, plain, richer = ON_WINDOWS[what]
    window_s = min(LONGEST_S, min(t.seconds for t in tapes) / WINDOWS)
    first, last = zip(*map(last_third, tapes), strict=True)
    seen, new = (reduce_tapes(kind, part, window_s) for part in (first, last))
    if any(np.mean(m.values_bps == 0) > STILL for m in seen.spread_floor_bps):
        richer = {name: options for name, options in richer.items() if "noise" not in options}
    scores = {
        name: _scored(parameter, seen, new, seed, options) for name, options in {"plain": plain, **richer}.items()
    }
    for name in richer:
        for asset, nats in scores[name].items():
            yield Scores(what, asset, name, nats.size, scores["plain"][asset], nats)


def _scored(parameter: str, seen: Any, new: Any, seed: int, options: dict[str, Any]) -> dict[str, np.ndarray]:
    found = fit(parameter, seen, seed=seed, quick=True, progress=False, **options)
    return {one.asset: predictive(one.log_density()) for one in rows(parameter, found.posterior, new) if one.size}


def flow(tapes: Sequence[Tape], seed: int) -> Iterator[Scores]:
    """Compare a Poisson process with a Hawkes process."""
    first, last = zip(*map(last_third, tapes), strict=True)
    seen, new = (_flow_evidence([event_times(t) for t in part]) for part in (first, last))
    hawkes = fit("hawkes_mu", seen, seed=seed, quick=True, progress=False).posterior
    rng = np.random.default_rng(seed)
    rate = np.stack([rng.gamma(e.ts.size + 0.5, 1 / e.open_s, DRAWS) for e in seen.events], axis=1)
    poisson = xr.Dataset(
        {k: (("chain", "draw", "asset"), v[None]) for k, v in
         (("hawkes_mu", rate), ("branching", 0 * rate), ("hawkes_beta", 0 * rate + 1))},
        coords={"asset": list(seen.assets)},
    )  # fmt: skip
    both = zip(rows("hawkes", poisson, new), rows("hawkes", hawkes, new), new.events, strict=True)
    for plain, rich, events in both:
        at = np.append(events.ts, events.end_s) / events.end_s
        nats = [blocks(predictive(one.log_density()), at, BLOCKS) for one in (plain, rich)]
        yield Scores("flow", events.asset, "Hawkes", plain.size, *nats)


def _flow_evidence(events: list[EventTimes]) -> SeriesEvidence:
    return SeriesEvidence(tuple(events), (), (), ())


def volatility(tapes: Sequence[Tape], seed: int) -> Iterator[Scores]:
    """Compare one sd, heavy tails and hidden regimes on the returns of seconds."""
    series = [regime_series(t) for t in tapes]
    cut = [_cut(s) for s in series if s.gap_s.size]
    kept = [both for both in cut if np.mean(both[0].returns == 0) <= STILL]
    if not kept:
        return
    first, last = zip(*kept, strict=True)
    seen, new = _moves(first), _moves(last)
    scores = {
        name: _scored("sigma_bps_per_sqrt_s", seen, new, seed, {"noise": noise})
        for name, noise in (("plain", "normal"), ("Student-t moves", "student_t"))
    }
    silent = [EventTimes(s.asset, np.empty(0), 0.0, 0.0) for s in first]
    old, fresh = (SeriesEvidence(tuple(silent), (), (), (), tuple(part)) for part in (first, last))
    found = fit("regime_sticky_diagonal", old, seed=seed, quick=True, progress=False)
    scores["hidden regimes"] = {
        one.asset: predictive(_returns(one)) - np.log(s.typical_bps)
        for one, s in zip(rows("regime_sticky_diagonal", found.posterior, fresh), last, strict=True)
    }
    for name in ("Student-t moves", "hidden regimes"):
        for asset, nats in scores[name].items():
            at = np.arange(nats.size) / nats.size
            one, two = (blocks(x, at, BLOCKS) for x in (scores["plain"][asset], nats))
            yield Scores("volatility", asset, name, nats.size, one, two)


def _cut(series: RegimeSeries) -> tuple[RegimeSeries, RegimeSeries]:
    n = int(SHARE * series.gap_s.size)
    parts = [
        replace(series, **{k: getattr(series, k)[cut] for k in ("gap_s", "returns", "log_spread")})
        for cut in (slice(0, n), slice(n, None))
    ]
    return parts[0], parts[1]


def _moves(series: Sequence[RegimeSeries]) -> FeatureEvidence:
    """The same returns as moves over a second, in bps."""
    bps = [s.returns * s.typical_bps for s in series]
    moves = tuple(Moves(s.asset, float(x.size), float(x @ x), x) for s, x in zip(series, bps, strict=True))
    nothing = tuple(Foretold(s.asset) for s in series)
    hours = tuple(HourCosts(s.asset, *np.zeros((3, 24))) for s in series)
    return FeatureEvidence(moves, moves, nothing, nothing, hours, ())


def _returns(one: AssetRows) -> np.ndarray:
    (part,) = (p for p in one.parts if p.name == "returns")
    return np.asarray(part.log_density)


def compared(found: Sequence[Scores], seed: int = 0) -> pd.DataFrame:
    """Put differences beside each other.

    Returns
    -------
    DataFrame
        what, asset, rich, rows, gain (nats over the last third), low, high (block bootstrap), per_row, says.
    """
    lines = []
    for s in found:
        off = s.rich_nats - s.plain_nats
        low, high = np.quantile(block_bootstrap(off, np.random.default_rng(seed)), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        line = {
            "what": s.what, "asset": s.asset, "rich": s.rich, "rows": s.rows, "gain": float(off.sum()),
            "low": float(low), "high": float(high), "per_row": float(off.sum() / s.rows),
        }  # fmt: skip
        lines.append({**line, "says": sentence(line)})
    return pd.DataFrame(lines)


def sentence(line: dict[str, Any]) -> str:
    """Say in words whether the richer model foretold better."""
    if line["low"] > 0:
        return f"{line['rich']} foretell better: e^{line['per_row']:.2g} as likely a row."
    if line["high"] < 0:
        return f"{line['rich']} foretell worse: e^{line['per_row']:.2g} as likely a row."
    return "No difference that the last third can tell."


def report(table: pd.DataFrame, head: bool = True) -> str:
    """Write the table as text, with or without its head."""
    names = f"{'what':<11}{'asset':<24}{'richer model':<26}{'rows':>6}{'gain, nats':>12}{'95 % interval':>22}  in words"
    lines = [names] if head else []
    for r in table.to_dict("records"):
        interval = f"{r['low']:.1f} to {r['high']:.1f}"
        lines.append(
            f"{r['what']:<11}{r['asset']:<24}{r['rich']:<26}{r['rows']:>6}{r['gain']:>12.1f}{interval:>22}  {r['says']}"
        )
    return "\n".join(lines)


@click.command()
@click.option("--tape", "paths", multiple=True, required=True, help="Tape, or stem of a CSV pair; repeat for more.")
@click.option("--what", multiple=True, default=WHAT, show_default=True, type=click.Choice(WHAT))
@click.option("--seed", default=1, show_default=True, help="Of samplers and bootstrap.")
@click.option("--save", type=click.Path(path_type=Path), help="Write the table to this CSV file.")
def main(paths: tuple[str, ...], what: tuple[str, ...], seed: int, save: Path | None) -> None:
    """Score the last third of tapes by models of the first two."""
    tapes = [read(path) for path in paths]
    parts = []
    for name in what:
        job = {"flow": flow, "volatility": volatility}.get(name)
        parts.append(compared(list(job(tapes, seed) if job else on_windows(name, tapes, seed)), seed))
        click.echo(report(parts[-1], head=len(parts) == 1))
    table = pd.concat(parts, ignore_index=True)
    if save:
        table.to_csv(save, index=False)


if __name__ == "__main__":
    main()
