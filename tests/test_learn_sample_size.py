"""Laws of sample sizes: the deployed numbers, what dependence does to them, and Bayes' answers against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.planning.dependence import (
    cluster_design_effect,
    integrated_autocorrelation,
    intraclass_correlation,
)
from mmresearch.learn.planning.expected_width import STRATA, expected_width
from mmresearch.learn.planning.sample_size import (
    fills_needed,
    historical_rule,
    information_ratio_fills,
    mean_fills,
    proportion_fills,
)
from mmresearch.learn.readiness.forgetting import weight_cap
from mmresearch.sim.truth import Stress, Truth
from mmresearch.sim.worlds import simulate
from mmresearch.tape.markouts import markouts

BELIEFS = {
    "Beta": Beta(2.0, 6.0),
    "Gamma": Gamma(4.0, 4 / 2000),
    "NormalInverseGamma": NormalInverseGamma(5.0, 9.0, 2.0, 36.0),
}


# Textbook formulas ---------------------------------------------------------------------------------------------------


def test_the_deployed_numbers():
    assert (proportion_fills(0.25, 0.1), mean_fills(0.5, 0.2), information_ratio_fills(0.2)) == (73, 25, 385)
    assert proportion_fills(0.001, 0.4) == 10
    assert information_ratio_fills(5.0) == 50


def test_so_many_fills_give_the_interval_and_one_fewer_does_not():
    n = proportion_fills(0.25, 0.1)
    half = [stats.norm.ppf(0.975) * math.sqrt(0.25 * 0.75 / k) for k in (n, n - 1)]
    assert half[0] <= 0.1 < half[1]


def test_a_mean_of_that_many_is_within_the_margin_as_often_as_said():
    n = mean_fills(0.5, 0.2)
    means = np.random.default_rng(0).normal(1.0, 0.5, (20_000, n)).mean(axis=1)
    assert np.mean(np.abs(means - 1.0) < 0.2) == pytest.approx(0.95, abs=0.01)


def test_an_information_ratio_of_that_many_is_as_wide_as_said():
    """With a ratio that is not zero its sd is estimated too, and 385 fills are too few."""
    width, ratio = 0.4, 1.5
    n = information_ratio_fills(width, ratio)
    x = np.random.default_rng(0).normal(ratio, 1.0, (20_000, n))
    spread = (x.mean(axis=1) / x.std(axis=1, ddof=1)).std()
    assert 2 * 1.96 * spread == pytest.approx(width, rel=0.03)
    assert n > 2 * information_ratio_fills(width)


def test_the_historical_rule_gives_half_the_precision_that_it_promises():
    rule = historical_rule()
    assert (rule.fills, rule.fills_needed, rule.width_promised) == (100, 385, 0.2)
    assert rule.width_given == pytest.approx(0.392, abs=5e-4)
    x = np.random.default_rng(0).normal(0.0, 1.0, (20_000, 100))
    assert 2 * 1.96 * (x.mean(axis=1) / x.std(axis=1)).std() == pytest.approx(rule.width_given, rel=0.03)
    clustered = historical_rule(design_effect=1.8)
    assert clustered.fills_needed == math.ceil(1.8 * 384.146)
    assert clustered.width_given == pytest.approx(0.392 * math.sqrt(1.8), rel=1e-3)


def test_a_cv_below_one_half_does_not_make_an_interval_narrow():
    """What the rule of cv and count lets pass at 100 fills: a probability of .25 known to +/- .085, wanted to .05."""
    belief = Beta(2.0 + 25, 6.0 + 75)
    assert belief.std() / belief.mean() < 0.5
    assert (belief.ppf(0.975) - belief.ppf(0.025)) / 2 == pytest.approx(0.081, abs=2e-3)
    assert proportion_fills(0.25, 0.05) == 289


@pytest.mark.parametrize("formula", [proportion_fills, mean_fills, information_ratio_fills])
def test_dependent_fills_count_for_less(formula):
    assert formula(design_effect=2.5, at_least=1) == pytest.approx(2.5 * formula(at_least=1), abs=2.5)
    with pytest.raises(ValueError, match="design effect for planning is at least 1"):
        formula(design_effect=0.5)


# Dependence ----------------------------------------------------------------------------------------------------------


def clustered(rng, sizes, icc, p=0.3):
    """Labels whose chance is drawn anew for each cluster from a Beta with that intraclass correlation."""
    s = 1 / icc - 1
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return (rng.random(groups.size) < rng.beta(p * s, (1 - p) * s, len(sizes))[groups]).astype(float), groups


@pytest.mark.parametrize("sizes", [np.full(60, 10), np.array([2, 4, 6, 40] * 15)], ids=["equal", "unequal"])
def test_the_design_effect_is_the_variance_of_a_clustered_mean(sizes):
    rng = np.random.default_rng(0)
    means = np.array([clustered(rng, sizes, 0.2)[0].mean() for _ in range(4000)])
    independent = 0.3 * 0.7 / sizes.sum()
    assert means.var() / independent == pytest.approx(cluster_design_effect(sizes, 0.2), rel=0.08)


def test_unequal_clusters_are_worse_than_their_mean_size_says():
    assert cluster_design_effect(np.full(4, 13), 0.2) == pytest.approx(1 + 12 * 0.2)
    assert cluster_design_effect([2, 4, 6, 40], 0.2) == pytest.approx(1 + (1656 / 52 - 1) * 0.2)
    assert cluster_design_effect([1, 1, 1], 0.7) == 1.0
    assert cluster_design_effect([100], -1.0) == 0.0


@pytest.mark.parametrize("icc", [0.05, 0.2, 0.5])
def test_the_intraclass_correlation_is_recovered(icc):
    labels, groups = clustered(np.random.default_rng(1), np.array([2, 4, 6, 40] * 200), icc)
    shuffled = np.random.default_rng(2).permutation(labels.size)
    assert intraclass_correlation(labels, groups) == pytest.approx(icc, abs=0.04)
    assert intraclass_correlation(labels[shuffled], groups[shuffled]) == pytest.approx(
        intraclass_correlation(labels, groups)
    )
    assert intraclass_correlation(labels[shuffled], groups) == pytest.approx(0.0, abs=0.01)


def test_the_intraclass_correlation_by_hand():
    """Two clusters of two: MSB = 4 (means 1 and 3 about 2), MSW = 1."""
    x, g = [0.0, 2.0, 2.0, 4.0], ["a", "a", "b", "b"]
    within, between = (1 + 1 + 1 + 1) / 2, 2 * (1 + 1) / 1
    assert intraclass_correlation(x, g) == pytest.approx((between - within) / (between + within))
    assert intraclass_correlation([0.0, 1.0, 0.0, 1.0], g) < 0


def test_clusters_of_a_simulated_tape_are_seen():
    """Informed fills that come in windows of 300 s: their correlation is found, and counts."""
    truth = Truth("X", kappa=1500.0, A=0.8, alpha_touch=0.3, adverse_sd_bps=0.5, sigma_bps_per_sqrt_s=0.3)
    tape = simulate(truth, 6 * 3600.0, seed=1, stress=Stress(icc=0.2))
    moves = markouts(tape.quotes, tape.fills, (0.5,))[:, 0]
    known = np.isfinite(moves)
    windows = (tape.fills["ts"].to_numpy()[known] // 300.0).astype(int)
    icc = intraclass_correlation(moves[known] > 5.0, windows)
    assert icc == pytest.approx(0.2, abs=0.07)
    effect = cluster_design_effect(np.unique(windows, return_counts=True)[1], icc)
    assert effect > 2


@pytest.mark.parametrize("phi", [-0.4, 0.0, 0.5, 0.8])
def test_autocorrelation_of_an_autoregression(phi):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=100_000)
    x = np.empty_like(noise)
    x[0] = noise[0]
    for i in range(1, x.size):
        x[i] = phi * x[i - 1] + noise[i]
    assert integrated_autocorrelation(x) == pytest.approx((1 + phi) / (1 - phi), rel=0.1)


def test_autocorrelations_are_sums_over_pairs_of_the_series():
    """Against the definition, lag by lag: the transform must not wrap the end of a series round to its start."""
    x = np.cumsum(np.random.default_rng(3).normal(size=41))
    centred = x - x.mean()
    rho = np.array([centred[: 41 - k] @ centred[k:] for k in range(40)]) / (centred @ centred)
    pairs = rho[::2] + rho[1::2]
    end = int(np.argmax(pairs <= 0))
    assert 2 < end < 20
    assert integrated_autocorrelation(x) == pytest.approx(2 * pairs[:end].sum() - 1)


def test_labels_that_alternate_leave_no_variance_but_never_a_negative_one():
    assert 0 < integrated_autocorrelation(np.arange(100) % 2) < 0.02


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cluster_design_effect([], 0.1), "must be positive"),
        (lambda: cluster_design_effect([3], 1.5), "lies in"),
        (lambda: intraclass_correlation([1.0, 0.0], [1, 2]), "2 events in 2 clusters"),
        (lambda: intraclass_correlation([1.0, 0.0, 1.0], [1, 1, 1]), "3 events in 1 clusters"),
        (lambda: intraclass_correlation([], []), "0 events in 0 clusters"),
        (lambda: intraclass_correlation([1.0, 1.0, 1.0], [1, 1, 2]), "all labels are equal"),
        (lambda: intraclass_correlation([1.0, 1.0, 1.0], [1, 1]), "of one length"),
        (lambda: integrated_autocorrelation([1.0] * 9), "constant series"),
        (lambda: integrated_autocorrelation([1.0, 2.0]), "at least 8"),
        (lambda: proportion_fills(1.0), r"p must lie in \(0, 1\)"),
        (lambda: mean_fills(-1.0), "must be positive"),
        (lambda: mean_fills(level=1.0), "strictly between 0 and 1"),
        (lambda: information_ratio_fills(0.0), "must be positive"),
        (lambda: historical_rule(0), "at least one fill"),
        (lambda: expected_width(BELIEFS["Beta"], -1), "cannot be -1"),
        (lambda: expected_width(BELIEFS["Beta"], 1, level=0.0), "strictly between"),
        (lambda: expected_width(Normal(0.0, 1.0), 1), "no exact answer for a Normal"),
        (lambda: fills_needed(BELIEFS["Beta"], 0.0), "must be positive"),
        (lambda: fills_needed(BELIEFS["Beta"], 0.1, half_life_s=10.0), "give rate_per_s"),
    ],
)
def test_bad_input_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# Bayes ---------------------------------------------------------------------------------------------------------------


def simulated_widths(name: str, n: int, size: int = 4000) -> np.ndarray:
    """Widths after n events that were drawn from the belief's own predictive."""
    rng, belief = np.random.default_rng(n), BELIEFS[name]
    widths = np.empty(size)
    for i in range(size):
        if name == "Beta":
            k = rng.binomial(n, rng.beta(belief.a, belief.b))
            after = belief.update(float(k), float(n - k))
        elif name == "Gamma":
            after = belief.update(float(n), float(rng.gamma(n, 1 / rng.gamma(belief.shape, 1 / belief.rate))))
        else:
            variance = belief.scale / rng.gamma(belief.shape)
            mean = rng.normal(belief.location, math.sqrt(variance / belief.count))
            x = rng.normal(mean, math.sqrt(variance), n)
            after = belief.update(float(n), float(x.mean()), float(((x - x.mean()) ** 2).sum()))
        low, high = after.interval(0.9)
        widths[i] = high - low
    return widths


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("name", BELIEFS)
def test_expected_widths_are_those_of_simulated_futures(name, n):
    widths = simulated_widths(name, n)
    assert expected_width(BELIEFS[name], n) == pytest.approx(
        widths.mean(), abs=4 * widths.std() / math.sqrt(widths.size)
    )
    low, high = BELIEFS[name].interval(0.9)
    assert expected_width(BELIEFS[name], 0) == pytest.approx(high - low)


@pytest.mark.parametrize("name", BELIEFS)
def test_widths_fall_with_every_event(name):
    widths = [expected_width(BELIEFS[name], n) for n in (0, 1, 2, 3, 10, 100, 1000)]
    assert np.all(np.diff(widths) < 0)


def test_strata_agree_with_the_whole_sum():
    belief, n = BELIEFS["Beta"], STRATA + 500
    k = np.arange(n + 1)
    weight = stats.betabinom.pmf(k, n, belief.a, belief.b)
    whole = weight @ np.diff(stats.beta.ppf([[0.05], [0.95]], belief.a + k, belief.b + n - k), axis=0)[0]
    assert expected_width(belief, n) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize(("name", "width"), [("Beta", 0.15), ("Gamma", 500.0), ("NormalInverseGamma", 1.5)])
def test_the_answer_is_the_first_that_is_narrow_enough(name, width):
    belief = BELIEFS[name]
    answer = fills_needed(belief, width)
    by_scan = next(n for n in range(10_000) if expected_width(belief, n) <= width)
    assert answer.fills == by_scan > 10
    assert answer.width_then <= width < expected_width(belief, answer.fills - 1)
    assert answer.width_now == expected_width(belief, 0)
    assert f"{by_scan} more fills" in answer.reason


def test_what_is_known_needs_nothing_more():
    answer = fills_needed(Beta(200.0, 600.0), 0.1, rate_per_s=1.0)
    assert (answer.fills, answer.seconds) == (0, 0.0)


def test_relative_widths_of_a_rate_depend_on_the_count_alone():
    slow, fast = (fills_needed(Gamma(4.0, r), 0.2, relative=True).fills for r in (1.0, 1e-3))
    assert slow == fast
    # 90 % of a normal is 3.29 sd wide, and the relative sd of a count is n^-1/2.
    assert slow == pytest.approx((3.29 / 0.2) ** 2 - 4, rel=0.01)


def test_the_prior_knows_something_that_the_formula_does_not():
    """At the formula's own level the exact answer needs fewer fills, by about the strength of the prior."""
    answer = fills_needed(Beta(25.0, 75.0), 0.1, level=0.95)
    assert proportion_fills(0.25, 0.05) - 100 == pytest.approx(answer.fills, rel=0.05)


def test_rates_dependence_and_memory_enter_the_time():
    belief = BELIEFS["Gamma"]
    plain = fills_needed(belief, 0.2, relative=True, rate_per_s=1 / 30)
    assert plain.seconds == 30 * plain.fills
    harder = fills_needed(belief, 0.2, relative=True, rate_per_s=1 / 30, design_effect=1.7)
    assert harder.fills == math.ceil(1.7 * plain.fills)
    four_hours = fills_needed(belief, 0.2, relative=True, rate_per_s=1 / 30, half_life_s=14400.0)
    gathered = weight_cap(14400.0, 1 / 30) * (1 - 0.5 ** (four_hours.seconds / 14400.0))
    assert gathered == pytest.approx(four_hours.fills)
    assert four_hours.seconds > plain.seconds
    assert fills_needed(belief, 0.2, relative=True).seconds != plain.seconds  # NaN: no rate was given


def test_a_short_memory_never_knows():
    answer = fills_needed(BELIEFS["Gamma"], 0.2, relative=True, rate_per_s=1 / 30, half_life_s=3600.0)
    assert answer.seconds == math.inf
    assert "a half-life of 3600 s remembers 173 at this rate: never" in answer.reason
