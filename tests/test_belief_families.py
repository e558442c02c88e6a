"""Laws of the five families: equal to quadrature, equal to an independent library, and updates that compose."""

from __future__ import annotations

import dataclasses
import pickle
import timeit

import mpmath
import numpy as np
import pytest
from conjugate import models as other
from conjugate.distributions import Beta as OtherBeta
from conjugate.distributions import Gamma as OtherGamma
from conjugate.distributions import InverseGamma as OtherInverseGamma
from conjugate.distributions import Normal as OtherNormal
from conjugate.distributions import NormalInverseGamma as OtherNIG
from conjugate.models import binomial_beta, normal, poisson_gamma
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.contract import Belief
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma

REL = 1e-10
FAMILIES = [
    Beta(2.0, 6.0),
    Beta(120.0, 1.7),
    Gamma(4.0, 0.002),
    Gamma(0.6, 3.0),
    Normal(5.0, 4.0),
    NormalInverseGamma(5.0, 9.0, 2.5, 36.0),
    InverseGamma(10.0, 9e-8),
    LogNormal(0.65, 0.0862),
]
positive = st.floats(0.05, 500.0)
counts = st.floats(0.0, 1e4)


def support(family) -> list[float]:
    """Break points for quadrature: the ends of the support and quantiles between."""
    p = [1e-12, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-6, 1 - 1e-12]
    inner = [float(x) for x in np.unique(family.ppf(np.array(p)))]
    if isinstance(family, Beta):
        return [0.0, *inner, 1.0]
    lower = [mpmath.ninf] if isinstance(family, Normal | NormalInverseGamma) else [0.0]
    return [*lower, *inner, mpmath.inf]


def density(family):
    """Density written out in mpmath, from its definition, sharing nothing with the implementation."""
    e, ln = mpmath.e, mpmath.log
    if isinstance(family, Beta):
        a, b = mpmath.mpf(family.a), mpmath.mpf(family.b)
        return lambda x: x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)
    if isinstance(family, Gamma):
        s, r = mpmath.mpf(family.shape), mpmath.mpf(family.rate)
        return lambda x: r**s * x ** (s - 1) * e ** (-r * x) / mpmath.gamma(s)
    if isinstance(family, Normal):
        m, v = mpmath.mpf(family.location), mpmath.mpf(family.variance)
        return lambda x: e ** (-((x - m) ** 2) / (2 * v)) / mpmath.sqrt(2 * mpmath.pi * v)
    if isinstance(family, NormalInverseGamma):
        nu = 2 * mpmath.mpf(family.shape)
        s2 = mpmath.mpf(family.scale) / (family.shape * family.count)
        c = mpmath.gamma((nu + 1) / 2) / mpmath.gamma(nu / 2) / mpmath.sqrt(nu * mpmath.pi * s2)
        return lambda x: c * (1 + (x - family.location) ** 2 / (nu * s2)) ** (-(nu + 1) / 2)
    if isinstance(family, InverseGamma):
        a, b = mpmath.mpf(family.shape), mpmath.mpf(family.scale)
        return lambda x: b**a / mpmath.gamma(a) * x ** (-a - 1) * e ** (-b / x) if x > 0 else mpmath.mpf(0)
    m, v = mpmath.mpf(family.mu), mpmath.mpf(family.variance)
    root = mpmath.sqrt(2 * mpmath.pi * v)
    return lambda x: e ** (-((ln(x) - m) ** 2) / (2 * v)) / (x * root) if x > 0 else mpmath.mpf(0)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_moments_cdf_and_density_equal_quadrature(family):
    f, points = density(family), support(family)
    with mpmath.workdps(30):
        assert float(mpmath.quad(f, points)) == pytest.approx(1.0, rel=REL)
        mean = mpmath.quad(lambda x: x * f(x), points)
        assert float(mean) == pytest.approx(family.mean(), rel=REL)
        spread = mpmath.quad(lambda x: (x - mean) ** 2 * f(x), points)
        # A Student-t's square integrand decays slowly, and quadrature of it is the weaker of the two.
        loose = 1e-6 if isinstance(family, NormalInverseGamma) else REL
        assert float(spread) == pytest.approx(family.var(), rel=loose)
        x = float(family.ppf(0.9))
        assert float(mpmath.quad(f, [*[p for p in points if p < x], x])) == pytest.approx(0.9, rel=REL)
        assert float(mpmath.log(f(mpmath.mpf(x)))) == pytest.approx(float(family.logpdf(x)), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_quantile_inverts_cdf_and_draws_follow_it(family):
    p = np.linspace(0.001, 0.999, 99)
    np.testing.assert_allclose(family.cdf(family.ppf(p)), p, rtol=1e-9)
    low, high = family.interval(0.9)
    assert float(family.cdf(low)) == pytest.approx(0.05, rel=1e-9)
    assert float(family.cdf(high)) == pytest.approx(0.95, rel=1e-9)
    draws = family.rvs(4000, random_state=7)
    assert stats.kstest(family.cdf(draws), "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(draws, family.rvs(4000, random_state=7))


@given(positive, positive, counts, counts)
def test_beta_update_equals_other_library(a, b, k, m):
    mine = Beta(a, b).update(k, m)
    other = binomial_beta(n=k + m, x=k, prior=OtherBeta(a, b))
    assert mine.a == pytest.approx(other.alpha, rel=REL)
    assert mine.b == pytest.approx(other.beta, rel=1e-9)


@given(positive, positive, counts, counts)
def test_gamma_update_equals_other_library(shape, rate, n, exposure):
    mine = Gamma(shape, rate).update(n, exposure)
    theirs = poisson_gamma(x_total=n, n=exposure, prior=OtherGamma(shape, rate))
    assert (mine.shape, mine.rate) == pytest.approx((theirs.alpha, theirs.beta), rel=REL)
    # Its exponential_gamma adds the sum to the shape and the count to the rate: see the predictives below.
    exchanged = other.exponential_gamma(x_total=exposure, n=n, prior=OtherGamma(rate, shape))
    assert (mine.shape, mine.rate) == pytest.approx((exchanged.beta, exchanged.alpha), rel=REL)


@given(
    st.floats(-50, 50), positive, st.floats(1.5, 50), positive, st.lists(st.floats(-100, 100), min_size=1, max_size=20)
)
def test_normal_inverse_gamma_equals_other_library(m, count, shape, scale, data):
    x = np.array(data)
    mine = NormalInverseGamma(m, count, shape, scale).update(x.size, x.mean(), ((x - x.mean()) ** 2).sum())
    prior = OtherNIG(mu=m, nu=count, alpha=shape, beta=scale)
    other = normal(x_total=x.sum(), x2_total=(x**2).sum(), n=x.size, prior=prior)
    assert mine.location == pytest.approx(other.mu, rel=1e-9, abs=1e-9)
    # Their scale subtracts squares that nearly cancel; ours does not.
    size = scale + (x**2).sum() + count * m**2
    assert mine.scale == pytest.approx(float(other.beta), abs=1e-10 * size)
    assert (mine.count, mine.shape) == pytest.approx((other.nu, other.alpha), rel=REL)


def test_log_marginals_equal_quadrature():
    x = np.array([0.4, 1.7, 2.2, 0.9])
    n, m2 = x.size, float(((x - x.mean()) ** 2).sum())
    cases = [
        (Beta(2.0, 6.0), lambda t: t**3 * (1 - t) ** 5, Beta(2.0, 6.0).log_marginal(3, 5)),
        (Gamma(4.0, 2.0), lambda t: t**n * mpmath.e ** (-t * x.sum()), Gamma(4.0, 2.0).log_marginal(n, x.sum())),
        (
            Gamma(4.0, 2.0),
            lambda t: mpmath.e ** (-t * 2.5) * (t * 2.5) ** 6 / mpmath.factorial(6),
            Gamma(4.0, 2.0).log_marginal_count(6, 2.5),
        ),
        (Normal(1.0, 4.0), lambda t: _normal(x, t, 0.49), Normal(1.0, 4.0).log_marginal(n, x.mean(), m2, 0.49)),
        (InverseGamma(3.0, 2.0), lambda v: _normal(x, 0.0, v), InverseGamma(3.0, 2.0).log_marginal(n, (x**2).sum())),
    ]
    for family, likelihood, claimed in cases:
        f = density(family)
        with mpmath.workdps(30):
            total = mpmath.quad(lambda t, f=f, g=likelihood: f(t) * g(t) if f(t) else mpmath.mpf(0), support(family))
            assert float(mpmath.log(total)) == pytest.approx(claimed, rel=1e-9), family


def _normal(x, mean, variance):
    if variance == 0:
        return mpmath.mpf(0)
    total = mpmath.mpf(1)
    for v in x:
        total *= mpmath.e ** (-((float(v) - mean) ** 2) / (2 * variance)) / mpmath.sqrt(2 * mpmath.pi * variance)
    return total


def test_normal_inverse_gamma_marginal_is_the_chain_of_predictives():
    x = np.array([4.0, -1.0, 7.5, 3.2, 3.3])
    prior = belief = NormalInverseGamma(5.0, 0.5, 2.0, 8.0)
    chain = 0.0
    for v in x:
        chain += float(belief.predictive().logpdf(v))
        belief = belief.update(1, v, 0.0)
    whole = prior.log_marginal(x.size, x.mean(), ((x - x.mean()) ** 2).sum())
    assert whole == pytest.approx(chain, rel=REL)


@pytest.mark.parametrize(
    ("belief", "steps", "log_predictive"),
    [
        (Beta(2.0, 6.0), [(1, 0), (0, 1), (1, 0)], lambda b, e: b.predictive().logpmf(e[0])),
        (Gamma(4.0, 2.0), [(1, 0.3), (1, 1.9), (1, 0.2)], lambda b, e: b.predictive_exponential().logpdf(e[1])),
        (InverseGamma(3.0, 2.0), [(1, 0.25), (1, 4.0)], lambda b, e: b.predictive().logpdf(np.sqrt(e[1]))),
    ],
)
def test_marginal_is_the_chain_of_predictives(belief, steps, log_predictive):
    prior, chain = belief, 0.0
    for step in steps:
        chain += float(log_predictive(belief, step))
        belief = belief.update(*step)
    assert prior.log_marginal(*np.sum(steps, axis=0)) == pytest.approx(chain, rel=REL)


def test_predictives_equal_quadrature():
    gamma, normal_, log = Gamma(4.0, 2.0), Normal(1.0, 4.0), LogNormal(0.7, 0.2)
    with mpmath.workdps(25):
        f = density(gamma)
        count = mpmath.quad(lambda t: f(t) * mpmath.e ** (-3 * t) * (3 * t) ** 5 / 120, support(gamma))
        assert float(gamma.predictive(3.0).pmf(5)) == pytest.approx(float(count), rel=1e-9)
    assert normal_.predictive(9.0).std() == pytest.approx(np.sqrt(13.0), rel=REL)
    assert log.predictive(0.3).mean() == pytest.approx(np.exp(0.7 + 0.25), rel=REL)


@given(positive, positive, st.tuples(counts, counts), st.tuples(counts, counts))
def test_updates_compose(a, b, first, second):
    both = tuple(x + y for x, y in zip(first, second, strict=True))
    for family in (Beta(a, b), Gamma(a, b), InverseGamma(a, b)):
        twice, once = family.update(*first).update(*second), family.update(*both)
        assert np.allclose(list(vars(twice).values()), list(vars(once).values()), rtol=1e-12)


@settings(max_examples=50)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 10_000))
def test_normal_updates_compose(n1, n2, seed):
    x = np.random.default_rng(seed).normal(3.0, 2.0, n1 + n2)

    def moments(v):
        return v.size, float(v.mean()), float(((v - v.mean()) ** 2).sum())

    nig = NormalInverseGamma(1.0, 2.0, 3.0, 4.0)
    twice, once = nig.update(*moments(x[:n1])).update(*moments(x[n1:])), nig.update(*moments(x))
    assert np.allclose(list(vars(twice).values()), list(vars(once).values()), rtol=1e-10)
    known = Normal(1.0, 2.0)
    a = known.update(n1, x[:n1].mean(), 4.0).update(n2, x[n1:].mean(), 4.0)
    b = known.update(n1 + n2, x.mean(), 4.0)
    assert np.allclose([a.location, a.variance], [b.location, b.variance], rtol=1e-12)


def test_huge_and_empty_evidence_is_safe():
    assert Beta(2, 6).update(0, 0) == Beta(2, 6)
    sure = Beta(2, 6).update(2.5e8, 7.5e8)
    assert sure.std() == pytest.approx(np.sqrt(0.25 * 0.75 / 1e9), rel=1e-6)
    assert sure.interval(0.9)[0] < 0.25 < sure.interval(0.9)[1]
    far = NormalInverseGamma(0.0, 1.0, 2.0, 1.0).update(1e9, 1e6, 4e9)
    assert far.variance_marginal().mean() == pytest.approx(4.0 + 1e12 / 1e9, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Beta(0, 1), "a must be finite and positive"),
        (lambda: Gamma(1, np.nan), "rate must be finite and positive"),
        (lambda: Normal(0, -1), "variance must be finite and positive"),
        (lambda: Beta(1, 1).update(-1, 0), "successes must be finite and not negative"),
        (lambda: Gamma(1, 1).update(1, np.inf), "exposure must be finite and not negative"),
        (lambda: Beta(1, 1).interval(1.0), "level must lie strictly between"),
    ],
)
def test_impossible_numbers_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


# --- An independent library. Its Poisson predictive is right for a unit exposure only, and its exponential functions
# read and write the Gamma with shape and rate exchanged, so they are given it exchanged.
@given(positive, positive)
def test_predictives_equal_other_library(a, b):
    k, x = np.arange(6), np.array([0.1, 1.0, 7.5])
    theirs = other.binomial_beta_predictive(n=5, distribution=OtherBeta(a, b)).dist
    np.testing.assert_allclose(Beta(a, b).predictive(5).pmf(k), theirs.pmf(k), rtol=REL)
    theirs = other.poisson_gamma_predictive(distribution=OtherGamma(a, b)).dist
    np.testing.assert_allclose(Gamma(a, b).predictive().pmf(k), theirs.pmf(k), rtol=REL)
    theirs = other.exponential_gamma_predictive(distribution=OtherGamma(b, a)).dist
    np.testing.assert_allclose(Gamma(a, b).predictive_exponential().logpdf(x), theirs.logpdf(x), rtol=REL)
    theirs = other.normal_known_variance_predictive(var=b, distribution=OtherNormal(1.0, a**0.5)).dist
    np.testing.assert_allclose(Normal(1.0, a).predictive(b).pdf(x), theirs.pdf(x), rtol=REL)
    theirs = other.normal_known_mean_predictive(mu=0.5, distribution=OtherInverseGamma(a, b)).dist
    np.testing.assert_allclose(InverseGamma(a, b).predictive(0.5).pdf(x), theirs.pdf(x), rtol=REL)
    theirs = other.normal_predictive(distribution=OtherNIG(mu=0.5, nu=a, alpha=b, beta=a)).dist
    np.testing.assert_allclose(NormalInverseGamma(0.5, a, b, a).predictive().pdf(x), theirs.pdf(x), rtol=REL)


@given(st.floats(-5, 5), positive, positive, st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_normal_updates_equal_other_library(m, v, s2, data):
    x = np.array(data)
    mine = Normal(m, v).update(x.size, x.mean(), s2)
    theirs = other.normal_known_variance(x_total=x.sum(), n=x.size, var=s2, prior=OtherNormal(m, v**0.5))
    assert mine.location == pytest.approx(theirs.mu, rel=REL, abs=1e-12)
    assert mine.variance == pytest.approx(theirs.sigma**2, rel=REL)
    squares = float((x**2).sum())
    spread = InverseGamma(v, s2).update(x.size, squares)
    theirs = other.normal_known_mean(
        x_total=x.sum(), x2_total=squares, n=x.size, mu=0.0, prior=OtherInverseGamma(v, s2)
    )
    assert (spread.shape, spread.scale) == pytest.approx((theirs.alpha, theirs.beta), rel=REL)


def test_lognormal_with_unknown_variance_is_the_normal_one_on_logs():
    x = np.array([1.2, 2.9, 2.2, 4.1])
    y = np.log(x)
    mine = NormalInverseGamma(0.5, 2.0, 3.0, 1.0).update(y.size, y.mean(), ((y - y.mean()) ** 2).sum())
    prior = OtherNIG(mu=0.5, nu=2.0, alpha=3.0, beta=1.0)
    theirs = other.log_normal(ln_x_total=y.sum(), ln_x2_total=(y**2).sum(), n=y.size, prior=prior)
    assert (mine.location, mine.count, mine.shape, mine.scale) == pytest.approx(
        (theirs.mu, theirs.nu, theirs.alpha, theirs.beta), rel=REL
    )


# --- Many counts, few counts, none.
@pytest.mark.parametrize(
    "family",
    [Beta(1e9, 3e9), Gamma(1e9, 5e5), InverseGamma(1e9, 2e9), NormalInverseGamma(5.0, 1e9, 1e9, 4e9), Beta(0.01, 0.02)],
    ids=repr,
)
def test_density_keeps_its_digits_at_extreme_counts(family):
    f = density(family)
    for x in (float(v) for v in family.ppf(np.array([1e-6, 0.3, 0.999]))):
        with mpmath.workdps(60):
            exact = float(mpmath.log(f(mpmath.mpf(x))))
        assert float(family.logpdf(x)) == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize(
    ("family", "evidence", "predictive"),
    [
        (Beta(1e9, 3e9), (1.0, 0.0), np.log(0.25)),
        (Gamma(1e9, 5e5), (0.0, 1.0), -1e9 * np.log1p(1 / 5e5)),
        (Gamma(1e9, 5e5), (1.0, 0.0), np.log(2e3)),
        (InverseGamma(1e9, 2e9), (1.0, 0.0), -0.5 * np.log(2 * np.pi * 2.0) - 1 / 8e9),
    ],
)
def test_one_event_after_a_billion_keeps_its_digits(family, evidence, predictive):
    assert family.log_marginal(*evidence) == pytest.approx(predictive, rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_no_evidence_changes_nothing(family):
    evidence = {Beta: (0, 0), Gamma: (0, 0), InverseGamma: (0, 0), NormalInverseGamma: (0, np.nan, 0)}
    assert family.update(*evidence.get(type(family), (0, np.nan, 4.0))) == family
    if not isinstance(family, Normal | LogNormal):
        assert family.log_marginal(*evidence[type(family)]) == 0.0
    else:
        assert family.log_marginal(0, np.nan, 0, 4.0) == 0.0


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_beliefs_are_values(family):
    again = pickle.loads(pickle.dumps(family))
    assert again == family
    assert hash(again) == hash(family)
    assert isinstance(family, Belief)
    with pytest.raises(dataclasses.FrozenInstanceError):
        family.location = 1.0


def test_edges_of_the_supports():
    assert Beta(1, 3).logpdf(0.0) == pytest.approx(np.log(3))
    assert Beta(2, 3).logpdf([0.0, 1.0, -0.1, 1.1]).tolist() == [-np.inf] * 4
    assert Beta(0.5, 0.5).logpdf([0.0, 1.0]).tolist() == [np.inf, np.inf]
    assert Gamma(1, 2).logpdf(0.0) == pytest.approx(np.log(2))
    assert Gamma(4, 2).logpdf([-1.0, 0.0, np.inf]).tolist() == [-np.inf] * 3
    assert InverseGamma(4, 2).logpdf([-1.0, 0.0]).tolist() == [-np.inf] * 2
    assert InverseGamma(4, 2).cdf([-1.0, 0.0, np.inf]).tolist() == [0.0, 0.0, 1.0]
    assert LogNormal(0, 1).cdf([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert InverseGamma(1.0, 2.0).mean() == np.inf
    assert InverseGamma(2.0, 2.0).var() == np.inf
    assert np.isnan(NormalInverseGamma(0, 1, 0.5, 1).mean())
    assert NormalInverseGamma(0, 1, 1.0, 1).std() == np.inf


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Normal(0, 1).update(1, np.nan, 1), "mean must be finite where n is positive"),
        (lambda: Normal(0, 1).update(1, 0, 0), "observation_variance must be finite and positive"),
        (lambda: Normal(np.nan, 1), "location must be finite"),
        (lambda: NormalInverseGamma(0, 1, 1, 1).update(0, 0, 1), "m2 is 1 although n is 0"),
        (lambda: InverseGamma(1, 1).update(1, -1), "sum_of_squares must be finite and not negative"),
    ],
)
def test_impossible_evidence_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_an_update_takes_microseconds():
    beta, gamma = Beta(2.0, 6.0), Gamma(4.0, 0.002)
    quickest = min(
        timeit.repeat(lambda: (beta.update(1.0, 0.0).mean(), gamma.update(1.0, 0.3).mean()), number=500, repeat=9)
    )
    assert quickest / 1000 < 20e-6
