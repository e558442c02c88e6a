"""Projection: draws of a family give it back, draws of anything else the likeliest member, and the loss is KL."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import integrate, special

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.belief.projection import LEAST_SHAPE, ProjectionError, divergence, project, project_mean_and_variance

GRID = (np.arange(40_000) + 0.5) / 40_000
MEMBERS = [
    Gamma(4.0, 0.002), Gamma(0.6, 30.0), Gamma(900.0, 1e9), Beta(2.0, 6.0), Beta(999.0, 1.0), Beta(0.7, 0.4),
    Normal(5.0, 4.0), Normal(-3.0, 1e-6), LogNormal(0.6, 0.09), LogNormal(-18.0, 1.5), InverseGamma(10.0, 9e-8),
    InverseGamma(2.5, 3.0),
]  # fmt: skip


@pytest.mark.parametrize("member", MEMBERS, ids=str)
def test_draws_of_a_family_give_it_back(member):
    found = project(type(member).__name__, member.ppf(GRID))
    for field in fields(member):
        # The grid stops short of the tails by a part in eighty thousand.
        np.testing.assert_allclose(getattr(found, field.name), getattr(member, field.name), rtol=2e-3, atol=1e-12)


FOREIGN = {
    "Gamma": np.exp(np.random.default_rng(1).normal(7.0, 0.8, 3000)),
    "InverseGamma": np.exp(np.random.default_rng(2).normal(-18.0, 0.4, 3000)),
    "LogNormal": np.random.default_rng(3).gamma(2.0, 3.0, 3000),
    "Beta": special.expit(np.random.default_rng(4).normal(-1.0, 1.2, 3000)),
    "Normal": np.random.default_rng(5).standard_t(5, 3000),
}


@pytest.mark.parametrize("family", list(FOREIGN))
@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_no_member_nearby_is_likelier(family, factor):
    draws = FOREIGN[family]
    best = project(family, draws)
    for field in fields(best):
        worse = replace(best, **{field.name: getattr(best, field.name) * factor})
        assert worse.logpdf(draws).mean() < best.logpdf(draws).mean(), field.name


def test_expected_sufficient_statistics_agree():
    x = FOREIGN["Gamma"]
    g = project("Gamma", x)
    np.testing.assert_allclose([g.mean(), special.digamma(g.shape) - np.log(g.rate)], [x.mean(), np.log(x).mean()])
    p = FOREIGN["Beta"]
    b = project("Beta", p)
    found = special.digamma([b.a, b.b]) - special.digamma(b.a + b.b)
    np.testing.assert_allclose(found, [np.log(p).mean(), np.log1p(-p).mean()], rtol=1e-9)


def test_an_inverse_gamma_keeps_a_mean_and_the_best_scale_for_it():
    draws = np.exp(np.random.default_rng(6).normal(0.0, 2.0, 4000))
    found = project("InverseGamma", draws)
    assert found.shape == LEAST_SHAPE
    for factor in (0.99, 1.01):
        for worse in (replace(found, scale=found.scale * factor), replace(found, shape=found.shape * 1.01)):
            assert worse.logpdf(draws).mean() < found.logpdf(draws).mean()


def test_joint_draws_of_mean_and_variance_give_their_law_back():
    rng, truth = np.random.default_rng(7), NormalInverseGamma(5.0, 3.0, 6.0, 80.0)
    variance = truth.scale / rng.gamma(truth.shape, size=200_000)
    mean = truth.location + np.sqrt(variance / truth.count) * rng.standard_normal(200_000)
    found = project_mean_and_variance(mean, variance)
    for field in fields(truth):
        np.testing.assert_allclose(getattr(found, field.name), getattr(truth, field.name), rtol=0.02)


def test_no_joint_member_nearby_is_likelier():
    rng = np.random.default_rng(8)
    mean, variance = rng.normal(4.0, 2.0, 5000), np.exp(rng.normal(3.0, 0.7, 5000))
    best = project_mean_and_variance(mean, variance)
    for field in fields(best):
        for factor in (0.98, 1.02):
            worse = replace(best, **{field.name: getattr(best, field.name) * factor})
            assert worse.joint_logpdf(mean, variance).mean() < best.joint_logpdf(mean, variance).mean(), field.name


def test_divergence_of_two_normals_is_the_closed_form():
    p, q = Normal(1.0, 2.0), Normal(0.0, 5.0)
    draws = p.rvs(200_000, 9)
    value, error = divergence(draws, p.logpdf(draws), q)
    exact = 0.5 * (2.0 / 5.0 + 1.0 / 5.0 - 1.0 + np.log(5.0 / 2.0))
    assert abs(value - exact) < 4 * error
    assert error < 0.01 * exact + 0.002


def test_divergence_from_itself_is_nothing():
    draws = Gamma(3.0, 2.0).rvs(1000, 10)
    assert divergence(draws, Gamma(3.0, 2.0).logpdf(draws), Gamma(3.0, 2.0)) == (0.0, 0.0)


def test_projection_loses_less_than_matching_mean_and_sd():
    """By quadrature: a log-normal law projected onto Gammas."""
    p = LogNormal(0.0, 0.64)
    matched = Gamma(p.mean() ** 2 / p.var(), p.mean() / p.var())
    lost = []
    for q in (project("Gamma", p.ppf(GRID)), matched):
        lost.append(integrate.quad(lambda u, q=q: float(p.logpdf(p.ppf(u)) - q.logpdf(p.ppf(u))), 1e-9, 1 - 1e-9)[0])
    assert lost[0] < 0.8 * lost[1]


@pytest.mark.parametrize(
    ("family", "draws", "said"),
    [
        ("Cauchy", [1.0, 2.0], "there is no family 'Cauchy'"),
        ("Gamma", [1.0, -2.0], "cannot hold draws from -2 to 1"),
        ("Beta", [0.5, 1.0], "cannot hold draws from 0.5 to 1"),
        ("Normal", [1.0, np.nan], "finite draws that differ"),
        ("Normal", [1.0, 1.0], "finite draws that differ"),
        ("LogNormal", [1.0], "got 1 of them"),
    ],
)
def test_draws_that_no_member_is_nearest_to_are_refused(family, draws, said):
    with pytest.raises(ProjectionError, match=said):
        project(family, draws)


def test_joint_draws_must_belong_together():
    with pytest.raises(ProjectionError, match="got 2 means and 1 variances"):
        project_mean_and_variance([1.0, 2.0], [1.0])
