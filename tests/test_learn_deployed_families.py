"""Laws of the deployed families: sound algebra stays sound, known faults show their printed digits."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from mmresearch.audit.exactness import belief_faults
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.belief.lognormal import LogNormal
from mmresearch.learn.contract import run
from mmresearch.learn.deployed.families import SUPPORT, DeployedState, deployed_state
from mmresearch.learn.deployed.intervals import ClippedNormal, NormalIntervals
from mmresearch.learn.deployed.signals import DeployedHazard
from mmresearch.tape.columns import QUOTE_COLUMNS, empty_table
from mmresearch.tape.schema import Tape

POSITIVE = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20)
SAMPLE = {
    "Beta": lambda s: s.observe_successes(3, 4),
    "Gamma": lambda s: s.observe_exponential([0.5, 2.0]),
    "Normal": lambda s: s.observe_normal([1.0, 7.0], 2.0),
    "InverseGamma": lambda s: s.observe_squares([1e-8, 3e-8]),
    "LogNormal": lambda s: s.observe_ratios([3.0, 2.0]),
}


# ------------------------------------------------------------------ priors


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_prior_is_the_catalogues_in_every_preset(name):
    for preset in ("default", *CATALOGUE[name].presets):
        state = deployed_state(name, preset)
        assert state.belief() == prior(name, preset)
        assert (state.n, state.sum_x, state.sum_x2) == (0, 0.0, 0.0)
        assert state.mean() == pytest.approx(state.prior_mean)


@pytest.mark.parametrize(
    ("family", "mean", "firmness", "p1", "p2", "strength"),
    [
        ("Beta", 0.25, 8, 2.0, 6.0, 8.0),
        ("Beta", 0.0, 8, 0.008, 7.992, 8.0),
        ("Gamma", 2000.0, 4, 4.0, 0.002, 4.0),
        ("Gamma", 0.0, 4, 4.0, 4000.0, 4.0),
        ("Normal", 5.0, 4.0, 5.0, 4.0, 0.25),
        ("Normal", 5.0, 0.0, 5.0, 1e-10, 1e10),
        ("InverseGamma", 1e-8, 20, 10.0, 9e-8, 20.0),
        ("InverseGamma", 1e-8, 2, 2.0, 1e-8, 2.0),
        ("LogNormal", 2.0, 0.3, math.log(2) - 0.5 * math.log(1.09), math.log(1.09), math.log(1.09) ** -0.5),
    ],
)
def test_typed_in_numbers_become_priors(family, mean, firmness, p1, p2, strength):
    state = DeployedState.from_mean("x", family, mean, firmness)
    assert (state.p1, state.p2, state.prior_strength) == pytest.approx((p1, p2, strength))


# ------------------------------------------------------------------ algebra that is right


@given(st.floats(0.01, 0.99), st.floats(0.5, 100), st.integers(0, 50), st.integers(0, 50))
def test_beta_is_conjugate(mean, strength, successes, failures):
    state = DeployedState.from_mean("x", "Beta", mean, strength).observe_successes(successes, failures)
    assert state.belief().mean() == pytest.approx((mean * strength + successes) / (strength + successes + failures))
    assert state.n == successes + failures


@given(POSITIVE, st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_gamma_is_conjugate_to_exponential_observations(values, mean):
    state = DeployedState.from_mean("x", "Gamma", mean, 3.0).observe_exponential(values)

    def density(t: float) -> float:
        n, total = len(values), sum(values)
        peak = (2 + n) / (3 / mean + total)
        return math.exp((2 + n) * math.log(t / peak) - (3 / mean + total) * (t - peak))

    peak = (2 + len(values)) / (3 / mean + sum(values))
    spread = [peak * x for x in (1e-9, 0.1, 0.5, 1, 2, 4, 40)]
    parts = [[integrate.quad(f, a, b)[0] for a, b in pairwise(spread)] for f in
             (density, lambda t: t * density(t))]  # fmt: skip
    assert state.mean() == pytest.approx(sum(parts[1]) / sum(parts[0]), rel=1e-6)
    assert (state.n, state.sum_x) == (len(values), pytest.approx(sum(values)))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20), st.floats(0.1, 50))
def test_normal_equals_the_belief_with_known_variance(values, variance):
    state = deployed_state("spread_floor_bps").observe_normal(values, variance)
    right = prior("spread_floor_bps").update(len(values), float(np.mean(values)), variance)
    assert (state.p1, state.p2) == pytest.approx((right.location, right.variance), rel=1e-9, abs=1e-9)
    assert (state.sum_x, state.sum_x2) == pytest.approx((sum(values), sum(v * v for v in values)), abs=1e-9)


@given(POSITIVE)
def test_inverse_gamma_equals_the_belief(values):
    state = deployed_state("kalman_q").observe_squares(values)
    right = prior("kalman_q").update(len(values), sum(values))
    assert (state.p1, state.p2) == pytest.approx((right.shape, right.scale))
    assert (state.n, state.sum_x2) == (len(values), pytest.approx(sum(values)))


def test_a_count_in_an_exposure_is_one_observation_however_large():
    state = deployed_state("kappa").observe_count(360, 2.88)
    assert (state.p1, state.p2, state.n, state.sum_x) == (364, pytest.approx(2.882), 1, 360)


@given(POSITIVE)
def test_one_by_one_is_all_at_once(values):
    for start, add in (
        (deployed_state("gamma_base"), DeployedState.observe_exponential),
        (deployed_state("toxic_hour_gamma_mult"), DeployedState.observe_ratios),
        (deployed_state("kalman_r"), DeployedState.observe_squares),
        (deployed_state("spread_floor_bps"), lambda s, x: s.observe_normal(x, 4.0)),
    ):
        step = start
        for x in values:
            step = add(step, x)
        once = add(start, values)
        assert (step.p1, step.p2, step.n) == pytest.approx((once.p1, once.p2, once.n), rel=1e-9)


def test_numbers_that_are_not_positive_are_dropped():
    gamma, ratio = deployed_state("gamma_base"), deployed_state("toxic_hour_gamma_mult")
    assert gamma.observe_exponential([0.0, -1.0]) == gamma
    assert ratio.observe_ratios([0.0, -1.0]) == ratio


def test_a_family_takes_its_own_observations_only():
    with pytest.raises(ValueError, match="kappa is a Gamma; only a Beta"):
        deployed_state("kappa").observe_successes(1, 0)


# ------------------------------------------------------------------ faults, by the digits


@pytest.mark.parametrize(
    ("pnl", "n", "mean"),
    [(5e-4, 1, 0.200), (5e-4, 20, 1.149), (5e-4, 100, 5.14), (5e-4, 1000, 48.9),
     (10, 1, 0.133), (10, 20, 0.105), (10, 100, 0.101), (10, 1000, 0.100)],
)  # fmt: skip
def test_gamma_base_answers_with_the_unit_of_profit(pnl, n, mean):
    state = deployed_state("gamma_base").observe_exponential(np.full(n, pnl))
    assert state.mean() == pytest.approx(mean, rel=0, abs=0.5 * 10 ** -(3 if mean < 2 else 2 if mean < 10 else 1))


@pytest.mark.parametrize(
    ("n", "mean", "right_mean", "right_cv"),
    [(1, 2.21, 2.64, 0.166), (5, 2.61, 2.90, 0.086), (20, 2.93, 2.97, 0.044), (100, 3.09, 2.99, 0.020)],
)
def test_lognormal_weighs_the_prior_wrongly_and_never_narrows(n, mean, right_mean, right_cv):
    start = deployed_state("toxic_hour_gamma_mult")
    state = start.observe_ratios(np.full(n, 3.0))
    assert round(state.mean(), 2) == mean
    assert round(state.cv(), 3) == 0.300
    assert state.p2 == start.p2
    right = LogNormal(start.p1, start.p2).update(n, math.log(3.0), 0.2**2)
    assert round(right.mean(), 2) == right_mean
    assert round(right.std() / right.mean(), 3) == right_cv


@pytest.mark.parametrize(
    ("name", "deployed", "exact", "digit"),
    [
        ("kappa", (40, 3960), (545, 4384), 0.5),
        ("bocpd_hazard_rate", (0, 0.0118), (0.0001, 0.0148), 5e-5),
        ("max_drawdown", (0, 0.143), (0.0013, 0.176), 5e-4),
    ],
)
def test_intervals_are_normal_on_skewed_beliefs(name, deployed, exact, digit):
    state = deployed_state(name)
    assert state.interval_95() == pytest.approx(deployed, rel=0, abs=digit)
    assert state.belief().interval(0.95) == pytest.approx(exact, rel=0, abs=digit)


def test_the_weight_of_data_is_right_for_a_beta_only():
    floor = deployed_state("spread_floor_bps").observe_normal([9.0], 4.0)
    assert floor.data_weight() == pytest.approx(0.80)
    true_weight = (floor.mean() - 5.0) / (9.0 - 5.0)
    assert true_weight == pytest.approx(0.50)
    alpha = deployed_state("alpha_touch").observe_successes(9, 1)
    assert alpha.data_weight() == pytest.approx((alpha.mean() - 0.25) / (0.9 - 0.25))
    assert alpha.effective_size() == 18


def test_variance_of_an_inverse_gamma_falls_back_on_the_prior_mean():
    state = DeployedState.from_mean("x", "InverseGamma", 3.0, 4)
    assert state.var() == 9.0  # shape 2: there is no variance
    after = state.observe_squares([2.0])
    assert after.var() == pytest.approx(4.0**2 / (1.5**2 * 0.5))  # scale 4, shape 2.5


def test_a_variance_of_log_prices_near_zero_has_no_cv():
    small = DeployedState.from_mean("x", "InverseGamma", 1e-9, 20).observe_squares(np.full(2000, 5e-11))
    assert small.mean() < 1e-10
    assert small.cv() == math.inf
    assert not small.calibrated(10, 10.0)


def test_calibrated_reads_point_estimates_only():
    state = deployed_state("alpha_touch").observe_successes(12, 38)
    assert state.calibrated(50, 0.5)
    assert not state.calibrated(51, 0.5)
    assert not state.calibrated(50, state.cv())


@pytest.mark.parametrize("name", CATALOGUE)
def test_reset_returns_to_the_prior(name):
    start = deployed_state(name)
    after = SAMPLE[start.family](start)
    assert after != start
    back = after.reset()
    assert (back.n, back.sum_x, back.sum_x2) == (0, 0.0, 0.0)
    assert (back.p1, back.p2, back.prior_mean) == pytest.approx((start.p1, start.p2, start.prior_mean), rel=1e-12)


# ------------------------------------------------------------------ intervals as a belief


@pytest.mark.parametrize("name", ["kappa", "bocpd_hazard_rate", "max_drawdown", "spread_floor_bps"])
def test_the_clipped_normal_has_the_deployed_interval(name):
    state = deployed_state(name)
    belief = ClippedNormal(state.mean(), state.std(), *SUPPORT[state.family])
    assert belief.interval(0.95) == pytest.approx(state.interval_95(), rel=0, abs=1e-4 * state.std())
    x = np.linspace(state.mean() - state.std() / 2, state.mean() + state.std(), 7)
    np.testing.assert_allclose(belief.ppf(belief.cdf(x)), x, rtol=1e-9)
    assert float(np.min(belief.rvs(1000, 1))) >= SUPPORT[state.family][0]


def test_the_audit_sees_the_interval_of_a_skewed_belief_and_clears_the_family():
    sound, faulty = DeployedHazard(), NormalIntervals(DeployedHazard())
    nothing = Tape("X", 0.0, 1.0, empty_table(QUOTE_COLUMNS))
    assert faulty.name == "DeployedHazardNormalIntervals"
    assert (faulty.parameter, faulty.reads) == (sound.parameter, sound.reads) == ("bocpd_hazard_rate", "trades")
    assert max(belief_faults(sound.posterior(run(sound, nothing)), np.random.default_rng(1)).values()) < 1
    found = belief_faults(faulty.posterior(run(faulty, nothing)), np.random.default_rng(1))
    assert found["mean is not the integral of ppf"] > 5
