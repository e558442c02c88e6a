"""Priors by mean and firmness are what they say, and the guards are those of the deployed system."""

from __future__ import annotations

import numpy as np
import pytest

from mmresearch.belief.families import FAMILIES, FIRMNESS, family_from_mean, lognormal_from_mean_cv


@pytest.mark.parametrize(
    ("n", "mean", "cv"), [(1, 2.64, 0.166), (5, 2.90, 0.086), (20, 2.97, 0.044), (100, 2.99, 0.020)]
)
def test_lognormal_learns_a_ratio(n, mean, cv):
    belief = lognormal_from_mean_cv(2.0, 0.3).update(n, np.log(3.0), 0.04)
    assert belief.mean() == pytest.approx(mean, abs=0.006)
    assert belief.std() / belief.mean() == pytest.approx(cv, abs=6e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_priors_by_mean_have_that_mean_and_firmness(name):
    firmness = {"strength": 30.0, "variance": 0.01, "cv": 0.25}[FIRMNESS[name]]
    belief = family_from_mean(name, 0.4, firmness)
    assert type(belief) is FAMILIES[name]
    assert belief.mean() == pytest.approx(0.4, rel=1e-12)
    variance = {
        "Beta": 0.4 * 0.6 / 31, "Gamma": 0.4**2 / 30, "Normal": 0.01, "InverseGamma": 0.4**2 / 13, "LogNormal": 0.01,
    }  # fmt: skip
    assert belief.var() == pytest.approx(variance[name], rel=1e-12)


def test_guards_of_the_deployed_priors():
    assert family_from_mean("Beta", 0.0, 10).mean() == pytest.approx(0.001)
    assert family_from_mean("Beta", 1.0, 10).mean() == pytest.approx(0.999)
    assert family_from_mean("Gamma", 1e-9, 2).mean() == pytest.approx(0.001)
    assert family_from_mean("Normal", 1.0, 0.0).var() == pytest.approx(1e-10)
    assert family_from_mean("InverseGamma", 1.0, 1.0).shape == 2.0
    assert family_from_mean("InverseGamma", 0.0, 20).mean() == pytest.approx(1e-10)
    assert family_from_mean("LogNormal", 2.0, 0.0).variance == pytest.approx(np.log1p(1e-4))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: family_from_mean("Cauchy", 0, 1), "no family 'Cauchy'; there are Beta"),
        (lambda: lognormal_from_mean_cv(-1, 0.3), "its mean must be positive"),
    ],
)
def test_impossible_priors_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
