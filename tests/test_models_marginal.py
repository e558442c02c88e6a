"""Fits without a sampler are what a sampler finds: against nested quadrature, against NUTS, and in the long run."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

import mmresearch as mm
from mmresearch.models.data import EvidenceError
from mmresearch.models.fit import fit
from mmresearch.models.marginal.fits import effect_quantiles, marginal_fit, marginal_fits
from mmresearch.models.marginal.quadrature import Population
from mmresearch.models.series import series_evidence

RATES = Population(float(np.log(0.004)), 1.5, float(np.log(0.7)), 0.6)
DATA = {
    "poisson": ((7.0, 0.0, 41.0), (900.0, 400.0, 9000.0)),
    "binomial": ((7.0, 0.0, 41.0), (30.0, 12.0, 100.0), (0.02, 0.02, 0.1)),
    "scale": ((9.0, 2.0, 100.0), (20.0, 0.5, 900.0)),
    "normal": ((-1.0, 2.0, 0.5), (0.4, 1.5, 0.1)),
}
POPULATIONS = {
    "poisson": RATES,
    "binomial": Population(-1.1, 1.5, float(np.log(0.6)), 0.6),
    "scale": Population(0.5, 1.5, float(np.log(0.6)), 0.6),
    "normal": Population(0.0, 2.0, float(np.log(0.8)), 0.6),
}


def plain_log_density(name, x, *data):
    if name == "poisson":
        k, exposure = data
        return stats.poisson.logpmf(k, np.exp(x) * exposure)
    if name == "binomial":
        k, n, phi = data
        p = 1 / (1 + np.exp(-x))
        return stats.binom.logpmf(k, n, phi + (1 - phi) * p)
    if name == "scale":
        n, ss = data
        return -n * x - ss / (2 * np.exp(2 * x)) - n / 2 * np.log(2 * np.pi)
    y, se = data
    return stats.norm.logpdf(y, x, se)


def brute_force(name, data, p):
    """ln p(data), moments of m, ln tau and of every effect, on plain and very fine grids."""
    x = np.linspace(p.m_mean - 22, p.m_mean + 16, 9001)
    likes = np.array([np.exp(plain_log_density(name, x, *one)) for one in zip(*data, strict=True)])
    log_tau = np.linspace(p.tau_log_median - 3.6, p.tau_log_median + 3.0, 61)
    m = np.linspace(p.m_mean - 6 * p.m_sd, p.m_mean + 6 * p.m_sd, 121)
    joint = np.empty((61, 121))
    effects = np.empty((2, 61, 121, len(likes)))
    for a, t in enumerate(log_tau):
        prior = stats.norm.pdf(x[:, None], m, np.exp(t)) * (x[1] - x[0])
        g, g1, g2 = (likes * x**j @ prior for j in range(3))
        joint[a] = stats.norm.pdf(m, p.m_mean, p.m_sd) * stats.norm.pdf(t, p.tau_log_median, p.tau_log_sd) * g.prod(0)
        # far from the data a density is below the smallest number, and its mean does not matter
        seen = np.where(g > 0, g, 1.0)
        effects[:, a] = (g1 / seen).T, (g2 / seen).T
    total = integrate.trapezoid(integrate.trapezoid(joint, m), log_tau)

    def mean(values):
        return integrate.trapezoid(integrate.trapezoid(joint * values, m), log_tau) / total

    ones = np.ones_like(joint)
    pairs = [(mean(ones * m), mean(ones * m**2)), (mean((ones.T * log_tau).T), mean((ones.T * log_tau**2).T))]
    pairs += [(mean(effects[0, ..., i]), mean(effects[1, ..., i])) for i in range(len(likes))]
    return np.log(total), [(a, np.sqrt(b - a * a)) for a, b in pairs]


@pytest.mark.parametrize("name", list(DATA))
def test_moments_are_those_of_nested_quadrature(name):
    data, p = DATA[name], POPULATIONS[name]
    found = marginal_fits(name, tuple(np.array([d]) for d in data), p)
    log_evidence, pairs = brute_force(name, data, p)
    ours = [(found.m_mean[0], found.m_sd[0]), (found.log_tau_mean[0], found.log_tau_sd[0])]
    ours += list(zip(found.effect_mean[0], found.effect_sd[0], strict=True))
    assert found.log_evidence[0] == pytest.approx(log_evidence, abs=2e-3)
    for (mean, sd), (true_mean, true_sd) in zip(ours, pairs, strict=True):
        assert abs(mean - true_mean) < 2e-3 * true_sd
        assert sd == pytest.approx(true_sd, rel=2e-3)


def test_a_fit_does_not_depend_on_its_neighbours_or_threads():
    rng = np.random.default_rng(5)
    k, exposure = rng.poisson(6.0, (19, 4)), rng.uniform(100, 3000, (19, 4))
    whole = marginal_fits("poisson", (k, exposure), RATES, threads=1)
    again = marginal_fits("poisson", (k, exposure), RATES, threads=3)
    alone = marginal_fits("poisson", (k[11:12], exposure[11:12]), RATES)
    for a, b, c in zip(whole, again, alone, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a[11], c[0], rtol=1e-12)


def test_an_asset_without_data_is_one_of_the_population():
    found = marginal_fits("poisson", (np.array([[30.0, 33.0, 0.0]]), np.array([[6000.0, 9000.0, 0.0]])), RATES)
    assert found.effect_mean[0, 2] == pytest.approx(found.m_mean[0], abs=1e-6)
    assert found.effect_sd[0, 2] > 2 * found.effect_sd[0, 0]
    alone = marginal_fits("poisson", (np.array([[30.0, 33.0]]), np.array([[6000.0, 9000.0]])), RATES)
    assert found.log_evidence[0] == pytest.approx(alone.log_evidence[0], abs=1e-6)


def test_much_data_leave_the_estimate_of_the_asset_itself():
    k, exposure = np.array([[40_000.0, 90_000.0]]), np.array([[1e7, 1e7]])
    found = marginal_fits("poisson", (k, exposure), RATES)
    np.testing.assert_allclose(found.mean, k / exposure, rtol=1e-3)
    np.testing.assert_allclose(found.sd, np.sqrt(k) / exposure, rtol=1e-3)


@pytest.mark.parametrize("name", ["poisson", "binomial"])
def test_quantiles_are_those_of_the_mixture(name):
    """Checked against draws of the hierarchy weighed by the likelihood of all assets: brute force by importance."""
    data, p = DATA[name], POPULATIONS[name]
    found = effect_quantiles(name, data, p, [0.05, 0.5, 0.95])
    rng, size = np.random.default_rng(7), 400_000
    m = rng.normal(p.m_mean, p.m_sd, size)
    tau = np.exp(rng.normal(p.tau_log_median, p.tau_log_sd, size))
    x = m + tau * rng.normal(size=(len(data[0]), size))
    log_w = sum(plain_log_density(name, x[i], *one) for i, one in enumerate(zip(*data, strict=True)))
    w = np.exp(log_w - log_w.max())
    effective = w.sum() ** 2 / (w**2).sum()
    values = {"poisson": np.exp, "binomial": lambda v: 1 / (1 + np.exp(-v))}[name](x)
    below = ((values[:, None] < found[..., None]) * w).sum(axis=-1) / w.sum()
    assert effective > 1000
    np.testing.assert_allclose(below, [[0.05, 0.5, 0.95]] * 3, atol=4 * np.sqrt(0.25 / effective))


@pytest.mark.long
def test_in_the_long_run_states_are_as_likely_as_stated():
    """Truths drawn from the hyperpriors: posterior probabilities of what lies below a truth are uniform (SBC)."""
    rng, fits, assets = np.random.default_rng(11), 300, 5
    m = rng.normal(RATES.m_mean, RATES.m_sd, fits)
    log_tau = rng.normal(RATES.tau_log_median, RATES.tau_log_sd, fits)
    rate = np.exp(m[:, None] + np.exp(log_tau)[:, None] * rng.normal(size=(fits, assets)))
    exposure = 10 ** rng.uniform(2, 4.5, (fits, assets))
    k = rng.poisson(rate * exposure)
    found = marginal_fits("poisson", (k, exposure), RATES)
    at = np.linspace(0.02, 0.98, 49)
    u = []
    for i in range(fits):
        q = effect_quantiles("poisson", (k[i], exposure[i]), RATES, at)
        u += [float(np.interp(np.log(r), np.log(a), at)) for r, a in zip(rate[i], q, strict=True)]
    shares = [(np.array(u) < level).mean() for level in (0.1, 0.25, 0.5, 0.75, 0.9)]
    # truths of a fit go together, so that 1500 count as 300 at worst
    np.testing.assert_allclose(shares, (0.1, 0.25, 0.5, 0.75, 0.9), atol=4 * np.sqrt(0.25 / fits))
    for truth, mean, sd in ((m, found.m_mean, found.m_sd), (log_tau, found.log_tau_mean, found.log_tau_sd)):
        z = (truth - mean) / sd
        assert abs(z.mean()) < 4 / np.sqrt(fits)
        assert z.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * fits))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning")
@pytest.mark.parametrize("parameter", ["alpha_touch", "bocpd_hazard_rate"])
def test_a_sampler_finds_the_same(parameter):
    if parameter == "alpha_touch":
        evidence, told = mm.evidence(mm.example()), {"overdispersion": False}
    else:
        evidence, told = series_evidence(mm.example(features=True)), {}
    found = marginal_fit(parameter, evidence)
    drawn = fit(parameter, evidence, "pymc", draws=4000, seed=2, progress=False, **told)
    assert drawn.gate.passed
    draws = drawn.posterior["posterior"][parameter].transpose("asset", "chain", "draw").to_numpy()
    values = draws.reshape(len(evidence.assets), -1)
    below = (values[..., None] < found.quantile([0.05, 0.5, 0.95])[:, None]).mean(axis=1)
    np.testing.assert_allclose(below, [[0.05, 0.5, 0.95]] * len(below), atol=4 * np.sqrt(0.25 / drawn.gate.min_ess))
    # a rate of an asset without data has no finite mean, its logarithm has
    values = np.log(values) if parameter == "bocpd_hazard_rate" else np.log(values / (1 - values))
    error = values.std(axis=1) / np.sqrt(drawn.gate.min_ess)
    assert (abs(values.mean(axis=1) - found.moments.effect_mean[0]) < 4 * error).all()
    np.testing.assert_allclose(values.std(axis=1), found.moments.effect_sd[0], rtol=4 / np.sqrt(2 * drawn.gate.min_ess))


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(EvidenceError, match="kappa has no marginal fit"):
        marginal_fit("kappa", mm.evidence(mm.example()))
    with pytest.raises(EvidenceError, match="poisson reads k, exposure, got 1"):
        marginal_fits("poisson", (np.ones((1, 2)),), RATES)
    with pytest.raises(EvidenceError, match="shape"):
        marginal_fits("poisson", (np.ones(2), np.ones(2)), RATES)
    with pytest.raises(EvidenceError, match="exposure of fit 0, asset 1 is nan"):
        marginal_fits("poisson", (np.ones((1, 2)), np.array([[1.0, np.nan]])), RATES)
    with pytest.raises(EvidenceError, match="no likelihood 'gamma'"):
        marginal_fits("gamma", (np.ones((1, 2)),), RATES)
    with pytest.raises(ValueError, match="inside"):
        marginal_fit("bocpd_hazard_rate", series_evidence(mm.example(features=True))).quantile([0.0])
