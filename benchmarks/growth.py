"""What a fit costs as data grow: kappa on 10^3 to 10^7 fills of one desk, whose sufficient statistics stay as many.

Eight assets quote at five depths in twenty-four windows; kappa wanders between windows, and fills come in bursts.
Order-seconds are chosen so that the fills are as many as stated; a fit then reads eight times twenty-four times five
counts, however many fills they sum up. Each size is fitted once to compile and once more, which is the time that
counts; the posterior narrows down to what wander and bursts leave.

    python -m benchmarks.growth [--out DIR] [--again]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mmresearch.models.fit import fit
from mmresearch.report.files import write_file
from mmresearch.report.style import INK, look, new_figure, quiet_axes, to_png, to_svg
from mmresearch.tape.evidence import DepthCounts, Evidence, LabelCounts, MarkoutMoments

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ASSETS, WINDOWS = 8, 24
DEPTHS_BPS = np.array([2.0, 4.0, 7.0, 11.0, 16.0])
#: Sd of the intensity about its law, as a fraction of it.
BURST = 0.1
#: Column, factor and title of each panel.
_PANELS = (
    ("seconds", 1.0, "Seconds of a hierarchical fit of kappa"),
    ("relative_sd", 100.0, "Posterior sd of an asset's kappa, %"),
)


def evidence_of(fills: int, seed: int = 1) -> Evidence:
    """Counts of so many fills in all, of a world in which kappa wanders between windows and fills come in bursts."""
    rng = np.random.default_rng(seed)
    names = [f"A{i}" for i in range(ASSETS)]
    counts = []
    for name in names:
        kappa = 0.2 * np.exp(0.4 * rng.standard_normal() + 0.1 * rng.standard_normal((WINDOWS, 1)))
        rate = 0.5 * np.exp(-kappa * DEPTHS_BPS)
        burst = rng.gamma(BURST**-2, BURST**2, rate.shape)
        exposure = np.full(rate.shape, fills / ASSETS / rate.sum())
        depth = np.broadcast_to(DEPTHS_BPS, rate.shape)
        counts.append(DepthCounts(name, exposure, depth, rng.poisson(exposure * rate * burst).astype(float)))
    none = np.zeros(WINDOWS)
    labels = tuple(LabelCounts(name, none, none) for name in names)
    silent = np.zeros(0)
    moves = tuple(MarkoutMoments(name, none, none, none, 1.5, silent, silent.astype(int)) for name in names)
    return Evidence(labels, moves, tuple(counts))


def measured() -> pd.DataFrame:
    """Seconds, effective draws and relative sd of the posterior, one row a size."""
    rows = []
    for fills in SIZES:
        given = evidence_of(fills)
        fit("kappa", given, quick=True, progress=False)
        start = time.perf_counter()
        found = fit("kappa", given, quick=True, progress=False, seed=1)
        seconds = time.perf_counter() - start
        draws = found.posterior["posterior"]["kappa"]
        sd = float((draws.std(("chain", "draw")) / draws.mean(("chain", "draw"))).mean())
        counted = int(sum(c.fills.sum() for c in given.kappa))
        rows.append((counted, seconds, found.tries, found.gate.min_ess, found.gate.passed, sd))
        quality = f"tries {found.tries}  min ESS {found.gate.min_ess:5.0f}  sd {sd:.2%}"
        print(f"{counted:>10} fills  {seconds:6.1f} s  {quality}")
    return pd.DataFrame(rows, columns=["fills", "seconds", "tries", "min_ess", "admitted", "relative_sd"])


def draw(table: pd.DataFrame) -> Figure:
    """Draw seconds of a fit, and how sharp it is, against fills."""
    with look():
        figure = new_figure(6.4, 2.1)
        panels = zip(figure.subplots(1, 2), _PANELS, strict=True)
        for axes, (column, factor, title) in panels:
            quiet_axes(axes, "y")
            axes.plot(table["fills"], factor * table[column], "o-", color=INK, ms=3.5, lw=1.1)
            axes.set_xscale("log")
            axes.set_ylim(0, 1.25 * factor * table[column].max())
            axes.set_xlabel("fills of eight assets")
            axes.set_title(title)
    return figure


def main() -> None:
    """Measure, print, and keep if told where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--again", action="store_true", help="Draw the growth.csv that is there, without measuring.")
    arguments = parser.parse_args()
    if arguments.again and not arguments.out:
        parser.error("--again needs --out, where growth.csv is")
    out = arguments.out
    table = pd.read_csv(out / "growth.csv") if arguments.again else measured()
    if out:
        write_file(out / "growth.csv", table.to_csv(index=False, float_format="%.4g"))
        figure = draw(table)
        write_file(out / "growth.png", to_png(figure))
        write_file(out / "growth.svg", to_svg(figure, "growth"))


if __name__ == "__main__":
    main()
