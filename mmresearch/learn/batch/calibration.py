"""Batch calibration by the right learners: whole tapes in, one row for each asset and learner out.

    belief = prior + evidence(tape),     share of prior = pseudo-observations of the prior / those of the posterior

A learner's state is evidence, and evidence adds, so the batch is the stream fed at once: there is no second estimator.
Pseudo-observations are those of the conjugate family of the parameter's support with the same mean m and sd s:

    real line   1/s^2        positive   m^2/s^2        [0, 1]   m (1 - m)/s^2 - 1

which is exact for a Normal, a Gamma and a Beta, and a matching of moments for the rest. A tape without own fills is
shown with hypothetical orders, and the column `events` says so. Numbers are in the unit of the parameter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmresearch.belief.catalogue import parameter
from mmresearch.belief.contract import Belief
from mmresearch.learn.batch.counts import count_events
from mmresearch.learn.batch.events import shown_from, source_of
from mmresearch.learn.bundled import SOUND
from mmresearch.learn.contract import Learner, name_of, run
from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import market_orders

#: Columns of the table, in order.
COLUMNS = (
    "asset", "parameter", "learner", "unit", "events", "n", "mean", "sd", "p05", "p50", "p95",
    "prior_mean", "prior_sd", "share_of_prior",
)  # fmt: skip

Progress = Callable[[int, int, str], None]


def calibrate(
    tapes: Tape | Iterable[Tape],
    learners: Sequence[Learner] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Teach learners whole tapes and say what they came to believe.

    Parameters
    ----------
    tapes : Tape or iterable of Tape
        One tape per asset.
    learners : sequence of Learner, optional
        Whom to teach; every sound bundled learner if not given.
    progress : callable, optional
        Called after each row with rows done, rows in all, and "asset: learner".
    seed : int
        Of the depths of hypothetical orders, where a tape has no own fills.

    Returns
    -------
    DataFrame
        One row per asset and learner (a parameter with two learners has two): `COLUMNS`. ``events`` names what the
        learner saw, ``n`` counts what of it speaks about the parameter: see `mmresearch.learn.batch.counts`.
    """
    given = [tapes] if isinstance(tapes, Tape) else list(tapes)
    taught = [make() for make in SOUND.values()] if learners is None else list(learners)
    rows: list[dict[str, Any]] = []
    for tape in given:
        for learner in taught:
            rows.append(calibrated_row(learner, tape, seed))
            if progress is not None:
                progress(len(rows), len(given) * len(taught), f"{tape.asset}: {name_of(learner)}")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def calibrated_row(learner: Learner, tape: Tape, seed: int = 0) -> dict[str, Any]:
    """Teach one learner one tape and return its row; see `calibrate`.

    Parameters
    ----------
    learner : Learner
        Whom to teach.
    tape : Tape
        What happened to one asset.
    seed : int
        Of the depths of hypothetical orders.
    """
    seen, events = shown(learner, tape, seed)
    prior, belief = learner.posterior(learner.init()), learner.posterior(run(learner, seen))
    row = parameter(learner.parameter)
    low, middle, high = (float(q) for q in np.asarray(belief.ppf(np.array([0.05, 0.5, 0.95])), dtype=float))
    return {
        "asset": tape.asset,
        "parameter": row.name,
        "learner": name_of(learner),
        "unit": row.unit,
        "events": events,
        "n": count_events(learner, seen),
        "mean": float(belief.mean()),
        "sd": float(belief.std()),
        "p05": low,
        "p50": middle,
        "p95": high,
        "prior_mean": float(prior.mean()),
        "prior_sd": float(prior.std()),
        "share_of_prior": share_of_prior(prior, belief, row.support),
    }


def shown(learner: Learner, tape: Tape, seed: int = 0) -> tuple[Tape, str]:
    """Return the tape as a learner should see it, and the name of its events.

    Parameters
    ----------
    learner : Learner
        Whom to show it; see `mmresearch.learn.batch.events`.
    tape : Tape
        With own fills: it is left as it is.
    seed : int
        Of the depths of rotating orders.

    Returns
    -------
    tape : Tape
    events : {"trades", "own fills", "rotating", "at touch", "none"}
        "none" where there is neither an own fill nor a market order that could have filled one.
    """
    source = source_of(learner, tape)
    proxied = source in ("rotating", "at touch")
    if proxied and not market_orders(tape.trades, tape.quotes, tape.meta.tick).visible.any():
        return tape, "none"
    return shown_from(tape, source, seed), source


def share_of_prior(prior: Belief, posterior: Belief, support: tuple[float, float]) -> float:
    """Return the share of the posterior's pseudo-observations that the prior brought; at most one.

    Parameters
    ----------
    prior, posterior : Belief
        About one parameter.
    support : tuple of float
        Where the parameter can lie.
    """
    before, after = (_pseudo_observations(float(b.mean()), float(b.std()), support) for b in (prior, posterior))
    return min(before / after, 1.0) if after > 0 and math.isfinite(before) else 1.0


def _pseudo_observations(mean: float, sd: float, support: tuple[float, float]) -> float:
    """Weight of a belief, on the scale of the conjugate family of its support; see the module."""
    if not sd > 0:
        return math.inf
    if support == (0.0, 1.0):
        return mean * (1 - mean) / sd**2 - 1
    return (mean / sd) ** 2 if support[0] >= 0 else sd**-2
