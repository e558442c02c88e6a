"""Recovery: over fifty worlds of eight assets, intervals that state 90 % hold the truth nine times of ten.

Asked of whoever supposes what the world does: of learners and of models without window effects where windows are alike,
of the full reference where windows differ as its priors say. Everywhere else the direction of the miss is asked for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.recovery import (
    ALIKE,
    ASSETS,
    KINDS,
    LEVEL,
    REFERENCE,
    REPORTED,
    clopper_pearson,
    is_asked,
    over_worlds,
    played,
    recover,
    report,
    wandering,
)
from mmresearch.models.priors import AlphaPriors, KappaPriors
from mmresearch.tape.evidence import evidence

WORLDS, SECONDS = 50, 3600.0
PARAMETERS = [name for names in REPORTED.values() for name in names]


@pytest.fixture(scope="module")
def found():
    return recover(WORLDS, SECONDS, jobs=2)


@pytest.fixture(scope="module")
def table(found) -> pd.DataFrame:
    print(report(found))
    return found.coverage().set_index(["kind", "method", "parameter"])


def _asked(kind: str) -> list[tuple[str, str]]:
    learners = [("KappaExposure", "kappa"), ("KappaExposure", "A"), ("AlphaTouch", "alpha_touch"),
                ("AlphaTouchLabelError", "alpha_touch"), ("SpreadFloor", "spread_floor_bps")]  # fmt: skip
    models = [(method, name) for method in (REFERENCE, ALIKE) for name in PARAMETERS]
    return [(method, name) for method, name in (*models, *learners) if is_asked(kind, method, name)]


@pytest.mark.long
@pytest.mark.parametrize(("method", "parameter"), _asked("plain"))
def test_where_windows_are_alike_ninety_per_cent_is_ninety_per_cent(table, method, parameter):
    row = table.loc["plain", method, parameter]
    assert row["of"] == WORLDS * ASSETS
    assert row["low"] <= LEVEL <= row["high"]
    assert row["world_low"] <= LEVEL <= row["world_high"]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "parameter"), [(kind, name) for kind in KINDS[1:] for _, name in _asked(kind)])
def test_where_windows_differ_the_reference_holds_ninety_per_cent(table, kind, parameter):
    row = table.loc[kind, REFERENCE, parameter]
    assert row["of"] == WORLDS * ASSETS
    assert row["low"] <= LEVEL <= row["high"]
    assert row["world_low"] <= LEVEL <= row["world_high"]


@pytest.mark.long
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_allowing_for_windows_that_differ_costs_width_not_coverage(table, parameter):
    full, alike = (table.loc["plain", method, parameter] for method in (REFERENCE, ALIKE))
    assert full["high"] >= LEVEL
    assert full["width"] > alike["width"]


@pytest.mark.long
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_learners_that_suppose_windows_alike_cover_less_where_they_differ(table, parameter):
    learner = {"alpha_touch": "AlphaTouchLabelError", "spread_floor_bps": "SpreadFloor"}.get(parameter, "KappaExposure")
    assert table.loc["wandering", learner, parameter]["high"] < LEVEL


@pytest.mark.long
def test_every_fit_is_admitted(found):
    assert found.fits["admitted"].all()
    assert len(found.fits) == WORLDS * 10


def test_the_binomial_interval_is_the_exact_one():
    # Textbook values: no success in ten leaves at most 1 - .025^(1/10).
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert clopper_pearson(360, 400) == pytest.approx((0.8664, 0.9276), abs=5e-4)


def test_worlds_as_units_know_less_when_assets_err_together():
    rng = np.random.default_rng(3)
    apart = rng.binomial(8, 0.9, 50) / 8
    together = (rng.uniform(size=50) < 0.9).astype(float)
    widths = [np.diff(over_worlds(shares))[0] for shares in (apart, together)]
    assert widths[1] > 2 * widths[0]
    assert over_worlds(np.array([1.0])) == (0.0, 1.0)


def test_worlds_that_wander_do_so_by_the_priors_of_the_reference():
    drawn = [wandering(seed) for seed in range(4000)]
    kappa, alpha = KappaPriors(), AlphaPriors()
    square = np.mean([(s.kappa_wander**2, s.burst**2) for s in drawn], axis=0)
    assert square == pytest.approx([kappa.wander_kappa_scale**2, kappa.burst_scale**2], rel=0.1)
    assert np.mean([s.icc for s in drawn]) == pytest.approx(alpha.rho_a / (alpha.rho_a + alpha.rho_b), rel=0.1)
    assert wandering(7) == wandering(7)


@pytest.mark.long
def test_what_wanders_scatters_as_the_models_suppose():
    """With truths known: labels by the beta-binomial, costs with window effects of rho/(1 - rho) of their variance."""
    labels, costs = [], []
    for seed in range(20_001, 20_401, 2):
        truths, tapes = played("wandering", seed, SECONDS)
        given, rho = evidence(tapes), wandering(seed).icc
        for count, move in zip(given.alpha_touch, given.spread_floor_bps, strict=True):
            true, n = truths[count.asset], count.total
            theta = count.false_positive + true["alpha_touch"] * (1 - count.false_positive)
            variance = n * theta * (1 - theta) * (1 + (n - 1) * rho)
            labels.append((count.informed - n * theta).sum() / np.sqrt(variance.sum()))
            s2 = move.m2.sum() / np.maximum(n - 1, 0).sum()
            error = n * (move.mean_bps + move.fee_bps - true["spread_floor_bps"])
            costs.append(error.sum() / np.sqrt((s2 * (n + n**2 * rho / (1 - rho))).sum()))
    for z in (labels, costs):
        assert np.std(z) == pytest.approx(1.0, abs=4 / np.sqrt(2 * len(z)))
        assert np.mean(z) == pytest.approx(0.0, abs=0.15)


@pytest.mark.long
def test_the_result_does_not_depend_on_the_number_of_processes():
    one, two = (recover(1, 900.0, jobs=jobs, kinds=KINDS) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one.intervals, two.intervals)
    pd.testing.assert_frame_equal(one.fits.drop(columns="seconds"), two.fits.drop(columns="seconds"))
