"""Is the algebra right? A belief's mean, std, cdf, ppf and draws must be those of one distribution.

If a learner states its own model by ``log_joint(theta, tape)``, its posterior is compared with quadrature of that.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from mmresearch.audit.result import Finding
from mmresearch.audit.trials import Trials
from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import Learner, run
from mmresearch.tape.schema import Tape

MOMENT_BOUND = 0.01
QUADRATURE_BOUND = 0.01
KS_LEVEL = 1e-4
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
_P, _W = (_NODES + 1) / 2, _WEIGHTS / 2


def belief_faults(belief: Belief, rng: np.random.Generator, draws: int = 4000) -> dict[str, float]:
    """Measure the disagreements of a belief with itself, each as a multiple of its bound.

    Parameters
    ----------
    belief : Belief
        Anything with mean, std, cdf, ppf and rvs.
    rng : numpy.random.Generator
        For the draws.
    draws : int
        How many draws are compared with the cdf.
    """
    q = np.asarray(belief.ppf(_P), dtype=float)
    mean, sd = float(belief.mean()), float(belief.std())
    central = np.linspace(0.01, 0.99, 99)
    sample = np.asarray(belief.rvs(size=draws, random_state=rng), dtype=float)
    ks = stats.kstest(np.asarray(belief.cdf(sample), dtype=float), "uniform")
    moment = float(_W @ q)
    return {
        "cdf(ppf(p)) is not p": float(np.max(np.abs(np.asarray(belief.cdf(belief.ppf(central))) - central))) / 1e-6,
        "mean is not the integral of ppf": abs(moment - mean) / sd / MOMENT_BOUND,
        "std is not that of ppf": abs(np.sqrt(max(float(_W @ (q - moment) ** 2), 0.0)) / sd - 1) / (3 * MOMENT_BOUND),
        "draws do not follow the cdf": KS_LEVEL / max(float(ks.pvalue), 1e-300),
    }


def exactness(learner: Learner, trials: Trials) -> Finding:
    """Is the algebra right?"""
    tape = trials.typical()
    belief = learner.posterior(run(learner, tape))
    faults = belief_faults(learner.posterior(learner.init()), trials.rng("exactness prior"))
    for name, size in belief_faults(belief, trials.rng("exactness")).items():
        faults[name] = max(size, faults[name])
    if hasattr(learner, "log_joint"):
        faults["posterior is not that of its own log_joint"] = quadrature_gap(learner, tape, belief) / QUADRATURE_BOUND
    worst = max(faults, key=lambda k: faults[k])
    power = float(
        np.mean([max(belief_faults(_Damaged(belief, k), trials.rng(k)).values()) > 1 for k in _Damaged.kinds])
    )
    if faults[worst] > 1:
        mend = "Return one distribution: a frozen scipy.stats object satisfies the contract by construction."
        why = f"{worst}: {faults[worst]:.3g} times what is allowed."
        return Finding("exactness", "algebra", "fail", faults[worst], 1.0, power, why, mend)
    stated = "and quadrature of its own log_joint agrees" if hasattr(learner, "log_joint") else "(no log_joint)"
    why = f"mean, std, cdf, ppf and draws are of one distribution {stated}; worst at {faults[worst]:.2g} of its bound."
    return Finding("exactness", "algebra", "pass", faults[worst], 1.0, power, why)


def quadrature_gap(learner: Learner, tape: Tape, belief: Belief) -> float:
    """Largest difference of the cdf from quadrature of the learner's own ``log_joint(theta, tape)``."""
    theta = np.unique(np.asarray(belief.ppf(np.concatenate([[1e-7], _P, [1 - 1e-7]])), dtype=float))
    log_density = np.array([float(learner.log_joint(t, tape)) for t in theta])  # type: ignore[attr-defined]
    density = np.exp(log_density - log_density.max())
    area = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(theta))])
    return float(np.max(np.abs(area / area[-1] - np.asarray(belief.cdf(theta)))))


class _Damaged:
    """A belief that contradicts itself in one way."""

    kinds = ("std", "mean", "rvs", "cdf")

    def __init__(self, belief: Belief, kind: str):
        self._belief, self._kind = belief, kind

    def mean(self) -> float:
        shift = 0.05 * float(self._belief.std()) if self._kind == "mean" else 0.0
        return float(self._belief.mean()) + shift

    def std(self) -> float:
        return float(self._belief.std()) * (1.15 if self._kind == "std" else 1.0)

    def cdf(self, x):
        return np.asarray(self._belief.cdf(x)) ** (1.05 if self._kind == "cdf" else 1.0)

    def ppf(self, p):
        return self._belief.ppf(p)

    def rvs(self, size=None, random_state=None):
        draws = np.asarray(self._belief.rvs(size=size, random_state=random_state))
        return draws + (0.25 * float(self._belief.std()) if self._kind == "rvs" else 0.0)
