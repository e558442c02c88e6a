"""Laws of the Hawkes learners: the table is the likelihood, marginals are quadrature, intervals hold the truth."""

import numpy as np
import pandas as pd
import pytest
import series_tapes as make
from scipy import integrate, special, stats

from mmresearch.learn.contract import run
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hawkes_joint import HawkesPrior
from mmresearch.learn.sound.hawkes_table import BETA, GAIN

DATASETS = 100


def slow_log_likelihood(ts, seconds, mu, branching, beta):
    """Every pair of events, and the integral of the intensity, as they are defined."""
    total = -mu * seconds
    for i, t in enumerate(ts):
        total += np.log(mu + branching * beta * np.exp(-beta * (t - ts[:i])).sum())
        total -= branching * (1.0 - np.exp(-beta * (seconds - t)))
    return total


TS = make.cluster(np.random.default_rng(3), 0.5, 0.5, 0.8, 150.0)


@pytest.mark.parametrize(
    ("mu", "branching", "beta"), [(0.3, 0.4, 0.7), (1.0, 0.1, 3.0), (0.05, 0.9, 0.02), (0.4, 0.5, 40.0)]
)
def test_the_table_is_the_likelihood_of_every_pair(mu, branching, beta):
    likelihood = run(HawkesMu(), make.flow(TS, 150.0), 9.0).likelihood()
    got = float(likelihood(np.log(mu), np.array(branching), np.log(beta)))
    assert len(TS) > 80
    assert got == pytest.approx(slow_log_likelihood(TS, 150.0, mu, branching, beta), abs=5e-3)


def test_the_table_is_exact_at_its_nodes():
    likelihood = run(HawkesMu(), make.flow(TS, 150.0)).likelihood()
    beta, gain = BETA[38], GAIN[44]
    want = slow_log_likelihood(TS, 150.0, 0.4, 0.4 * gain, beta)
    assert float(likelihood(np.log(0.4), np.array(0.4 * gain), np.log(beta))) == pytest.approx(want, abs=1e-9)


def test_splines_between_nodes_stay_within_a_twentieth_of_a_nat_for_thousands_of_events():
    ts = make.cluster(np.random.default_rng(4), 1.0, 0.5, 1.0, 1500.0)
    likelihood = run(HawkesMu(), make.flow(ts, 1500.0)).likelihood()
    for mu, branching, beta in ((1.0, 0.5, 1.0), (0.9, 0.55, 1.11), (1.1, 0.45, 0.93)):
        got = float(likelihood(np.log(mu), np.array(branching), np.log(beta)))
        assert len(ts) > 2500
        assert got == pytest.approx(slow_log_likelihood(ts, 1500.0, mu, branching, beta), abs=0.05)


def test_marginals_are_quadrature_over_three_dimensions():
    ts = TS[:40]
    end = float(ts[-1]) + 1.0
    prior = HawkesPrior(5.0, 10.0, 3.0, 7.0, 4.0, 5.0)
    mu, logit = np.linspace(0.02, 1.8, 40), np.linspace(-5, 4, 40)
    n, log_beta = special.expit(logit), np.linspace(np.log(0.03), np.log(6.0), 40)
    age = [t - ts[:i] for i, t in enumerate(ts)]
    height = np.empty((40, 40, 40))
    for k, b in enumerate(np.exp(log_beta)):
        excited = np.array([b * np.exp(-b * a).sum() for a in age])
        logs = np.log(mu[:, None, None] + n[:, None] * excited).sum(axis=-1)
        height[:, :, k] = logs - mu[:, None] * end - n * (1 - np.exp(-b * (end - ts))).sum()
    height += stats.gamma.logpdf(mu, 5, scale=0.1)[:, None, None] + stats.gamma.logpdf(np.exp(log_beta), 4, scale=0.2)
    height += log_beta + (stats.beta.logpdf(n, 3, 7) + np.log(n * (1 - n)))[:, None]
    mass = np.exp(height - height.max())
    alpha = np.broadcast_to(n[:, None] * np.exp(log_beta), mass.shape)
    value = {HawkesMu: mu[:, None, None] + 0 * mass, HawkesAlpha: alpha, HawkesBeta: np.exp(log_beta) + 0 * mass}
    total = _integral(mass, mu, logit, log_beta)
    for kind, v in value.items():
        mean = _integral(mass * v, mu, logit, log_beta) / total
        sd = np.sqrt(_integral(mass * (v - mean) ** 2, mu, logit, log_beta) / total)
        learner = kind(prior=prior)
        belief = learner.posterior(run(learner, make.flow(ts, end)))
        assert (belief.mean(), belief.std()) == pytest.approx((mean, sd), rel=5e-3)


def _integral(mass, *axes):
    for x in reversed(axes):
        mass = integrate.simpson(mass, x=x, axis=-1)
    return float(mass)


def test_trades_of_one_moment_are_one_event():
    ts = np.repeat(np.array([1.0, 2.0, 5.0]), [3, 1, 2])
    state = run(HawkesMu(), make.flow(ts, 10.0))
    assert (state.n, state.seconds) == (3.0, 10.0)


def test_closed_hours_are_no_exposure():
    tape = make.flow(np.array([1.0, 2.0, 95.0]), 100.0)
    shut = pd.DataFrame({"start": [0.0, 90.0], "end": [10.0, 100.0]})
    assert run(HawkesMu(), type(tape)(**{**vars(tape), "sessions": shut}), 7.0).seconds == pytest.approx(20.0)


def test_time_counted_in_other_units_divides_the_rates():
    ts = make.cluster(np.random.default_rng(5), 0.5, 0.4, 1.0, 4000.0)
    for kind in (HawkesMu, HawkesAlpha):
        learner = kind()
        base = learner.posterior(run(learner, make.flow(ts, 4000.0)))
        slow = learner.posterior(run(learner, make.flow(ts, 4000.0).scaled(time=3.0)))
        slope = np.log(slow.mean() / base.mean()) / np.log(3.0)
        assert slope == pytest.approx(-1.0, abs=0.03)


def drawn(rng, prior):
    """Draw mu, branching and decay; the branching kept from one, so that a burst ends."""
    mu = rng.gamma(prior.mu_shape, 1 / prior.mu_rate)
    branching = min(rng.beta(prior.branching_a, prior.branching_b), 0.95)
    return mu, branching, np.clip(rng.gamma(prior.beta_shape, 1 / prior.beta_rate), 1e-3, 1e3)


TRUTHS = {HawkesMu: lambda m, n, b: m, HawkesAlpha: lambda m, n, b: n * b, HawkesBeta: lambda m, n, b: b}


@pytest.mark.parametrize("kind", TRUTHS)
def test_intervals_hold_the_truth(kind):
    """Truths and nuisances from the learner's own prior."""
    rng, u = np.random.default_rng(6), []
    for _ in range(DATASETS):
        three = drawn(rng, kind().prior)
        tape = make.flow(make.cluster(rng, *three, 100.0), 100.0)
        u.append(float(kind().posterior(run(kind(), tape)).cdf(TRUTHS[kind](*three))))
    assert 0.84 <= np.mean(np.abs(np.array(u) - 0.5) <= 0.45) <= 0.96
    assert stats.kstest(u, "uniform").pvalue > 0.01
