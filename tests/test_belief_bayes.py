"""Bayes' rule holds pointwise in every family: posterior = prior x likelihood / marginal likelihood."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma

REL = 1e-10
positive = st.floats(0.05, 500.0)
counts = st.floats(0.0, 1e4)
thetas = st.floats(0.01, 0.99)


def obeys_bayes(prior, after, terms):
    """Log posterior - log prior - log likelihood + log marginal = 0, to 1e-10 of the largest term."""
    log_prior, log_likelihood, log_marginal = terms
    size = max(1.0, abs(log_prior), abs(log_likelihood), abs(log_marginal))
    assert after == pytest.approx(log_prior + log_likelihood - log_marginal, abs=REL * size), prior


@given(positive, positive, counts, counts, thetas)
def test_beta_obeys_bayes(a, b, k, m, theta):
    prior = Beta(a, b)
    terms = (prior.logpdf(theta), prior.log_likelihood(theta, k, m), prior.log_marginal(k, m))
    obeys_bayes(prior, prior.update(k, m).logpdf(theta), terms)


@given(positive, positive, counts, counts, st.floats(1e-3, 1e3))
def test_gamma_obeys_bayes(shape, rate, n, exposure, theta):
    prior = Gamma(shape, rate)
    terms = (prior.logpdf(theta), prior.log_likelihood(theta, n, exposure), prior.log_marginal(n, exposure))
    obeys_bayes(prior, prior.update(n, exposure).logpdf(theta), terms)


@given(positive, positive, counts, counts, st.floats(1e-3, 1e3))
def test_inverse_gamma_obeys_bayes(shape, scale, n, squares, theta):
    prior = InverseGamma(shape, scale)
    terms = (prior.logpdf(theta), prior.log_likelihood(theta, n, squares), prior.log_marginal(n, squares))
    obeys_bayes(prior, prior.update(n, squares).logpdf(theta), terms)


@given(st.floats(-50, 50), positive, st.floats(0.5, 1e4), st.floats(-50, 50), counts, positive, st.floats(-60, 60))
def test_normal_obeys_bayes(m, v, n, mean, m2, s2, theta):
    prior = Normal(m, v)
    terms = (
        prior.logpdf(theta),
        prior.log_likelihood(theta, n, mean, m2, s2),
        prior.log_marginal(n, mean, m2, s2),
    )
    obeys_bayes(prior, prior.update(n, mean, s2).logpdf(theta), terms)


@given(st.floats(-3, 3), positive, st.floats(0.5, 1e4), st.floats(-3, 3), counts, positive, st.floats(0.01, 100))
def test_lognormal_obeys_bayes(mu, v, n, mean, m2, s2, theta):
    prior = LogNormal(mu, v)
    terms = (
        prior.logpdf(theta),
        prior.log_likelihood(theta, n, mean, m2, s2),
        prior.log_marginal(n, mean, m2, s2),
    )
    obeys_bayes(prior, prior.update(n, mean, s2).logpdf(theta), terms)


@given(
    st.floats(-50, 50), positive, positive, positive,
    st.floats(0.5, 1e4), st.floats(-50, 50), counts, st.floats(-60, 60), st.floats(1e-2, 1e3),
)  # fmt: skip
def test_normal_inverse_gamma_obeys_bayes_jointly(m, count, shape, scale, n, mean, m2, theta, variance):
    prior = NormalInverseGamma(m, count, shape, scale)
    terms = (
        prior.joint_logpdf(theta, variance),
        prior.log_likelihood(theta, variance, n, mean, m2),
        prior.log_marginal(n, mean, m2),
    )
    obeys_bayes(prior, prior.update(n, mean, m2).joint_logpdf(theta, variance), terms)


def test_the_joint_density_integrates_to_the_marginals():
    belief = NormalInverseGamma(5.0, 9.0, 2.5, 36.0)
    with mpmath.workdps(15):
        over_variance = mpmath.quad(
            lambda v: mpmath.e ** float(belief.joint_logpdf(6.0, float(v))), [1e-6, 1, 5, 20, 50, 200, 1e4, 1e7]
        )
    assert float(over_variance) == pytest.approx(float(np.exp(belief.logpdf(6.0))), rel=1e-9)
