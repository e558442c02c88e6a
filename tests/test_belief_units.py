"""Laws of the conversions: there and back is where one was, and steps compose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.belief import units

sizes = st.floats(1e-9, 1e9)
steps = st.floats(0.01, 1000.0)


@given(sizes)
@pytest.mark.parametrize(
    ("there", "back"),
    [
        (units.bps, units.fraction),
        (units.kappa_per_bp, units.kappa_per_fraction),
        (units.sigma_bps_per_sqrt_s, units.sigma_fraction_per_sqrt_s),
    ],
)
def test_there_and_back(there, back, x):
    assert back(there(x)) == pytest.approx(x, rel=1e-15)
    assert there(back(x)) == pytest.approx(x, rel=1e-15)


def test_known_values():
    assert units.kappa_per_bp(2000.0) == pytest.approx(0.2)
    assert units.bps(0.0005) == pytest.approx(5.0)
    assert units.sigma_bps_per_sqrt_s(2e-4) == pytest.approx(2.0)
    np.testing.assert_allclose(units.fraction(np.array([1.0, 2.0])), [1e-4, 2e-4])


@given(st.floats(1e-6, 10.0), st.floats(0.01, 10.0))
def test_kappa_times_distance_has_no_unit(kappa_per_bp, distance_bps):
    assert units.kappa_per_fraction(kappa_per_bp) * units.fraction(distance_bps) == pytest.approx(
        kappa_per_bp * distance_bps
    )


@given(st.floats(1e-6, 0.9), steps)
def test_hazards_survive_the_step_and_return(hazard, step_s):
    rate = units.hazard_per_second(hazard, step_s)
    assert units.hazard_per_step(rate, step_s) == pytest.approx(hazard, rel=1e-12)


@given(st.floats(1e-5, 0.5), st.floats(0.1, 5.0))
def test_surviving_two_steps_is_surviving_a_double_step(rate, step_s):
    once, twice = units.hazard_per_step(rate, step_s), units.hazard_per_step(rate, 2 * step_s)
    assert 1 - twice == pytest.approx((1 - once) ** 2, rel=1e-12)


@given(st.floats(0.5, 1.0), st.floats(0.1, 20.0))
def test_staying_returns_and_agrees_with_the_hazard(stay, step_s):
    per_second = units.stay_per_second(stay, step_s)
    assert units.stay_per_step(per_second, step_s) == pytest.approx(stay, rel=1e-12)
    hazard = units.hazard_per_second(1 - stay, step_s) if stay < 1 else 0.0
    assert per_second == pytest.approx(np.exp(-hazard), rel=1e-12)


@given(sizes, steps)
def test_volatility_is_the_root_of_variance(sd, step_s):
    sigma = units.sigma_per_sqrt_s(sd, step_s)
    assert units.sd_per_step(sigma, step_s) == pytest.approx(sd, rel=1e-14)
    assert sigma**2 == pytest.approx(units.variance_per_second(sd**2, step_s), rel=1e-14)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: units.stay_per_second(0.9, 0.0), "positive time"),
        (lambda: units.stay_per_second(1.1, 1.0), "probability of staying"),
        (lambda: units.stay_per_step(0.0, 1.0), "probability of staying"),
        (lambda: units.hazard_per_second(1.0, 1.0), "hazard per step"),
        (lambda: units.hazard_per_step(-1.0, 1.0), "at least 0"),
        (lambda: units.sigma_per_sqrt_s(1.0, -1.0), "positive time"),
    ],
)
def test_impossible_numbers_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
