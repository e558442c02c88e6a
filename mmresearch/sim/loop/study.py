"""One study of learning in the loop: a population of assets, makers by what they know, and how each one's regret grows.

| group | makers |
|---|---|
| lose for ever | kappa as deployed; the depths of fills (F13); the truth, quoted every 5 s by the deployed formula |
| A learned | posteriors of A and kappa: plug-in, joint, and plug-in under a prior fitted to other assets |
| A known | the last one, and the regularised likelihood of arXiv 2409.02025, told A |
| options | the right learner, refreshed every 5 s, then by the deployed formula too; deployed kappa, closed form |

Fills cost a fee of 1.5 bps, as the deployed formula has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmresearch.learn.deployed.kappa import STEP_S
from mmresearch.sim.loop.deployed import FillsPerSecond
from mmresearch.sim.loop.exposure import population_prior
from mmresearch.sim.loop.makers import FillDistances, Maker, Oracle
from mmresearch.sim.loop.posterior import JointPosterior, PlugIn, RegularisedLikelihood
from mmresearch.sim.loop.quoting import CLOSED_FORM, DeployedFormula
from mmresearch.sim.loop.regret import Curves, regret_curve
from mmresearch.sim.loop.run import oracle_values
from mmresearch.sim.loop.world import Setting, Truth, draw_truths

SETTING, SEED = Setting(cost=1.5), 3
#: Arguments of `draw_truths`: the markets, and the assets to which a prior was fitted.
MARKETS: dict[str, Any] = {"seed": 1, "A": 0.5, "kappa": 0.2, "spread": 0.3}
OTHERS: dict[str, Any] = {"count": 40, "seed": 31, "A": 0.5, "kappa": 0.2, "spread": 0.3}
#: Replications that run side by side: two groups or more are spread over the devices.
_AT_ONCE = 128


@dataclass(frozen=True)
class Study:
    """What was run.

    Attributes
    ----------
    groups : dict of str to tuple of str
        Names of makers by what they know.
    truth : Truth
        The markets.
    intervals : int
        Decision intervals of each.
    curves : Curves
        Of all makers.
    """

    groups: dict[str, tuple[str, ...]]
    truth: Truth
    intervals: int
    curves: Curves

    @property
    def best_slope(self) -> float:
        """Regret per unit of ln T of a learner that knows A, without inventory risk, bps x lot: see `regret`."""
        kappa = self.truth.kappa
        return float(np.mean(0.5 / (kappa * (1.0 + kappa * SETTING.cost) ** 2)))

    def table(self) -> pd.DataFrame:
        """Return a row for each maker: the end of its curve, and how it grew over the last decade of time.

        Returns
        -------
        DataFrame
            `maker`, `group`, `regret_bps`, `regret_se`, `share` (regret over what the oracle gains), `fills`,
            `exponent` of T and `exponent_se`, and for each law of growth `per_unit` and the p-value of its chi-square.
        """
        curves, after = self.curves, 0.1 * self.curves.time_s[-1]
        gained = float(oracle_values(self.truth, SETTING).gain.mean()) * curves.time_s[-1] / SETTING.dt
        last = curves.table().groupby("maker", sort=False).last()
        rows = []
        for name in curves.makers:
            end, (exponent, noise) = last.loc[name], curves.exponent(name, after)
            row: dict[str, Any] = {"maker": name, "group": next(g for g, names in self.groups.items() if name in names)}
            row |= {"regret_bps": end["regret_bps"], "regret_se": end["regret_se"]}
            row |= {"share": end["regret_bps"] / gained, "fills": end["fills"]}
            row |= {"exponent": exponent, "exponent_se": noise}
            for law, fit in curves.growth(name, after).iterrows():
                row |= {f"{law} per_unit": fit["per_unit"], f"{law} p": fit["p"]}
            rows.append(row)
        return pd.DataFrame(rows)


def makers() -> dict[str, tuple[Maker, ...]]:
    """Return the makers of the study by what they know."""
    others = draw_truths(**OTHERS)
    prior, formula = population_prior(others.A, others.kappa), DeployedFormula()
    return {
        "lose for ever": (
            FillsPerSecond(),
            FillDistances(),
            Oracle(name="truth, deployed formula", quote=formula, refresh_s=STEP_S),
        ),
        "A learned": (JointPosterior(), PlugIn(name="plug-in"), PlugIn(prior, name="hierarchical prior")),
        "A known": (
            PlugIn(prior, known_A=True, name="hierarchical, A known"),
            RegularisedLikelihood(known_A=True, name="regularised, A known"),
        ),
        "options": (
            PlugIn(prior, name="hierarchical prior, every 5 s", refresh_s=STEP_S),
            PlugIn(prior, name="hierarchical prior, every 5 s, deployed formula", quote=formula, refresh_s=STEP_S),
            FillsPerSecond(name="kappa as deployed, closed form", quote=CLOSED_FORM),
        ),
    }


def study(replications: int = 256, intervals: int = 2**17, looks: int = 17) -> Study:
    """Run every maker in every market, under the same draws.

    Parameters
    ----------
    replications : int
        Markets, drawn from one population; five for each look in the last decade of time at least.
    intervals : int
        Decision intervals of each.
    looks : int
        At how many times to look.
    """
    grouped, truth = makers(), draw_truths(replications, **MARKETS)
    everyone = [maker for group in grouped.values() for maker in group]
    curves = regret_curve(everyone, truth, SETTING, intervals, SEED, looks, at_once=_AT_ONCE)
    return Study({g: tuple(m.name for m in group) for g, group in grouped.items()}, truth, intervals, curves)
