"""Does it learn what its name says, and does it measure the market or ourselves?

Estimand: over many truths at large n, the slope of the posterior mean on the truth is one and the bias vanishes; a
nuisance (volatility) that is not the parameter must not move it. Policy: the same truth under different quoting
policies gives the same posterior.

Errors are measured on the scale of the parameter (logarithm for a decay, the number itself otherwise), and against the
parameter's tolerance: a bias counts only if it is more than four standard errors *and* material.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mmresearch.audit.beliefs import believe
from mmresearch.audit.result import Finding, Status
from mmresearch.audit.trials import Trials
from mmresearch.learn.contract import Learner

SLOPE_BOUNDS = (0.8, 1.2)
STANDARD_ERRORS = 4.0
#: A check should see a shift of this many tolerances.
HARMFUL = 3.0
#: Tapes for each value of a nuisance and for each policy; the same seeds under each, so that differences are paired.
NUISANCE_SEEDS, POLICY_SEEDS = 4, 8


def _means(learner: Learner, trials: Trials, theta: float, **world) -> float:
    return trials.scale(believe(learner, trials.tape(theta, **world)).mean, theta)


def estimand(learner: Learner, trials: Trials) -> Finding:
    """Does it learn what its name says?"""
    first = _estimand_once(learner, trials, 0)
    return first if first.status != "fail" else _confirmed(first, _estimand_once(learner, trials, 1))


def _confirmed(first: Finding, again: Finding) -> Finding:
    """A failing check counts only if it fails again on fresh seeds."""
    return first if again.status == "fail" else again


def _estimand_once(learner: Learner, trials: Trials, round_: int) -> Finding:
    truths = np.array(trials.design.truths)
    # Seeds of its own for each truth: luck that all truths share would look like a bias.
    seeds = round_ * 100 + np.arange(truths.size * trials.replicates).reshape(truths.size, -1)
    got = np.array(
        [[_means(learner, trials, t, replicate=int(s)) for s in row] for t, row in zip(truths, seeds, strict=True)]
    )
    want = np.array([trials.scale(t, t) for t in truths])
    shifts = {**_nuisance_shift(learner, trials, round_), **_null_error(learner, trials, round_)}
    return judge_estimand(want, got, shifts, trials)


def _nuisance_shift(learner: Learner, trials: Trials, round_: int) -> dict[str, NDArray[np.float64]]:
    """Paired differences of the posterior mean when only a nuisance changes."""
    theta, seeds = trials.typical_truth, range(round_ * 100 + 50, round_ * 100 + 50 + NUISANCE_SEEDS)
    shifts = {}
    for name, (low, high) in trials.design.nuisances.items():
        pairs = [[_means(learner, trials, theta, replicate=s, **{name: v}) for v in (low, high)] for s in seeds]
        shifts[f"{name} from {low:g} to {high:g}"] = np.diff(np.array(pairs), axis=1).ravel()
    return shifts


def _null_error(learner: Learner, trials: Trials, round_: int) -> dict[str, NDArray[np.float64]]:
    """Errors of the posterior mean in the worlds whose answer is known without a scale."""
    seeds = range(round_ * 100 + 80, round_ * 100 + 80 + NUISANCE_SEEDS)
    errors = {}
    for name, (world, truth) in trials.design.nulls.items():
        read = [_means(learner, trials, trials.typical_truth, replicate=s, **world) for s in seeds]
        errors[name] = np.array(read) - trials.scale(truth, truth)
    return errors


def judge_estimand(
    want: NDArray[np.float64], got: NDArray[np.float64], shifts: dict[str, NDArray[np.float64]], trials: Trials
) -> Finding:
    """Judge posterior means against the truths.

    Parameters
    ----------
    want : ndarray, shape (truths,)
        The truths, on the parameter's scale.
    got : ndarray, shape (truths, seeds)
        Posterior means, on the same scale.
    shifts : dict of str to ndarray
        Name of a nuisance or of a null world -> moves of the posterior mean that should be zero.
    trials : Trials
        Tolerance, scale and words of the parameter.
    """
    faults = _estimand_faults(want, got, shifts, trials)
    flattened = want[:, None] + 0.7 * (got - want[:, None]) + 0.3 * (want.mean() - want[:, None])
    seen = [float(any(_estimand_faults(want, flattened, {}, trials).values()))]
    seen += [chance_to_see(s, trials.tolerance) for s in (_fit(want, got)[2], *map(_se, shifts.values()))]
    power = min(seen)
    slope, bias, se = _fit(want, got)
    if faults["slope"]:
        why = f"slope of posterior mean on truth is {slope:.2f} {trials.scale_name} over {want.size} truths."
        value, bound = slope, SLOPE_BOUNDS[0] if slope < 1 else SLOPE_BOUNDS[1]
    elif faults["bias"]:
        sigmas = f"{abs(bias) / se:.0f} standard errors; tolerance {trials.tolerance:.3g}"
        why = f"bias {bias:+.3g} {trials.scale_name} at large n ({sigmas})."
        value, bound = bias, trials.tolerance
    elif faults["nuisance"]:
        name, move = max(((n, float(s.mean())) for n, s in shifts.items()), key=lambda item: abs(item[1]))
        why = f"{name}: moves it by {move:+.3g} {trials.scale_name} though the truth does not move."
        value, bound = move, trials.tolerance
    else:
        why = f"slope {slope:.3f}, bias {bias:+.2g} {trials.scale_name} over {want.size} truths; no nuisance moves it."
        status: Status = "pass" if power >= 0.5 else "undecided"
        return Finding("estimand", "algebra", status, slope, SLOPE_BOUNDS[0], power, why)
    mend = f"Learn {trials.parameter.name} as the catalogue states it: {trials.parameter.estimand}"
    return Finding("estimand", "algebra", "fail", value, bound, power, why, mend)


def _fit(want: NDArray[np.float64], got: NDArray[np.float64]) -> tuple[float, float, float]:
    slope = float(np.polyfit(want, got.mean(axis=1), 1)[0])
    error = got - want[:, None]
    se = float(error.std(ddof=1) / np.sqrt(error.size))
    return slope, float(error.mean()), max(se, 1e-300)


def _estimand_faults(
    want: NDArray[np.float64], got: NDArray[np.float64], shifts: dict[str, NDArray[np.float64]], trials: Trials
) -> dict[str, bool]:
    slope, bias, se = _fit(want, got)
    return {
        "slope": not SLOPE_BOUNDS[0] <= slope <= SLOPE_BOUNDS[1],
        "bias": material(bias, se, trials.tolerance),
        "nuisance": any(material(float(s.mean()), _se(s), trials.tolerance) for s in shifts.values()),
    }


def _se(x: NDArray[np.float64]) -> float:
    return max(float(x.std(ddof=1) / np.sqrt(x.size)), 1e-300)


def material(difference: float, se: float, tolerance: float) -> bool:
    """Whether a difference is both beyond chance and large enough to matter."""
    return abs(difference) > max(STANDARD_ERRORS * se, tolerance)


def chance_to_see(se: float, tolerance: float) -> float:
    """Probability that a harmful shift counts as material, when it is measured with this standard error."""
    bound, shift = max(STANDARD_ERRORS * se, tolerance), HARMFUL * tolerance
    return float(stats.norm.sf((bound - shift) / se) + stats.norm.cdf((-bound - shift) / se))


def policy(learner: Learner, trials: Trials) -> Finding:
    """Does it measure the market or ourselves?"""
    if not trials.design.policies:
        why = f"the evidence of {trials.parameter.name} are not our fills, so how we quote cannot move it."
        return Finding("policy", "algebra", "not applicable", why=why)
    first = _policy_once(learner, trials, 0)
    return first if first.status != "fail" else _confirmed(first, _policy_once(learner, trials, 1))


def _policy_once(learner: Learner, trials: Trials, round_: int) -> Finding:
    theta = trials.typical_truth
    seeds = range(round_ * 100 + 20, round_ * 100 + 20 + POLICY_SEEDS)
    world = trials.design.policy_world
    got = {
        name: np.array([_means(learner, trials, theta, replicate=s, policy=p, **world) for s in seeds])
        for name, p in trials.design.policies.items()
    }
    return judge_policy(got, trials)


def judge_policy(got: dict[str, NDArray[np.float64]], trials: Trials) -> Finding:
    """Judge posterior means of one truth under several policies (policy -> means over seeds, parameter's scale)."""
    (low, high), gap, se = _widest(got)
    power = chance_to_see(se, trials.tolerance)
    if material(gap, se, trials.tolerance):
        sigmas = f"{gap / se:.0f} standard errors"
        why = f"one truth, two policies: '{high}' reads {gap:+.3g} {trials.scale_name} above '{low}' ({sigmas})."
        mend = "Count the exposure of orders that did not fill, at their depth, and start the clock at the fill."
        return Finding("policy", "algebra", "fail", gap, trials.tolerance, power, why, mend)
    why = f"{len(got)} quoting policies agree within {gap:.2g} {trials.scale_name} (standard error {se:.1g})."
    return Finding("policy", "algebra", "pass" if power >= 0.5 else "undecided", gap, trials.tolerance, power, why)


def _widest(got: dict[str, NDArray[np.float64]]) -> tuple[tuple[str, str], float, float]:
    means = {k: float(v.mean()) for k, v in got.items()}
    low, high = min(means, key=lambda k: means[k]), max(means, key=lambda k: means[k])
    # The same seeds were played under every policy, so nuisances cancel in the differences.
    return (low, high), means[high] - means[low], _se(got[high] - got[low])
