"""Criticism has power and is fair: right models pass; what breaks an assumption is found by the check made for it.

Posteriors are exact (conjugate, or on a grid) or points about a truth, so no sampler runs but in one test.
"""

import dataclasses

import numpy as np
import pytest
import series_tapes as made
import xarray as xr
from scipy import stats

import mmresearch as mm
from mmresearch.models.criticism.criticism import findings, options_of
from mmresearch.models.criticism.left_out import left_out
from mmresearch.models.criticism.pointwise import rows
from mmresearch.models.criticism.residuals import residuals
from mmresearch.models.data import EvidenceError
from mmresearch.models.features import FeatureEvidence, Foretold, HourCosts, Moves
from mmresearch.models.fit import Fit, fit
from mmresearch.models.gate import Gate
from mmresearch.models.series import ChangeCounts, EventTimes, Quoted, SeriesEvidence
from mmresearch.tape.evidence import DepthCounts, Evidence, LabelCounts, MarkoutMoments

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)
DRAWS = 400


def posterior(assets, **variables):
    """Draws of shape (S,) or (S, assets) as those of a fit of two chains."""
    found = {}
    for name, values in variables.items():
        values = np.asarray(values, dtype=float)
        dims = ("chain", "draw", "asset")[: values.ndim + 1]
        found[name] = (dims, values.reshape(2, -1, *values.shape[1:]))
    data = xr.Dataset(found, coords={"asset": list(assets)})
    return xr.DataTree.from_dict({"posterior": data})


def fitted(parameter, tree, options=""):
    gate = Gate.__new__(Gate)
    return Fit(parameter, "pymc", "exact", "auto", tree, gate, 0.0, 0, {}, 1, options)


def strange(found):
    return set(found.table.loc[found.table["surprising"], "check"])


# Labels ------------------------------------------------------------------------------------------------------------


def labels(rng, icc=0.0, assets="AB", windows=40, per_window=30):
    counts = []
    for i, asset in enumerate(assets):
        mean = 0.25 + 0.1 * i
        theta = np.full(windows, mean)
        if icc:
            strength = (1 - icc) / icc
            theta = rng.beta(mean * strength, (1 - mean) * strength, windows)
        total = rng.integers(5, 2 * per_window, windows)
        counts.append(LabelCounts(asset, rng.binomial(total, theta).astype(float), total.astype(float)))
    return Evidence(tuple(counts), (), ())


def binomial_posterior(rng, evidence):
    """Exact, under a flat prior."""
    a = [(c.informed.sum() + 1, c.total.sum() - c.informed.sum() + 1) for c in evidence.alpha_touch]
    return posterior(evidence.assets, alpha_touch=np.stack([rng.beta(*one, DRAWS) for one in a], axis=1))


def test_clustered_labels_are_found():
    rng = np.random.default_rng(1)
    evidence = labels(rng, icc=0.08)
    found = findings(fitted("alpha_touch", binomial_posterior(rng, evidence)), evidence)
    assert "labels: dispersion" in strange(found)
    line = found.table[found.table["check"] == "labels: dispersion"].iloc[0]
    assert line["value"] > line["high"]
    assert line["why"].startswith("Values scatter more than the model says")


def test_right_models_are_rarely_suspected():
    """At most one table in twenty with a surprising row; 60 worlds of two assets and three checks."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        evidence = labels(rng)
        alarms += bool(strange(findings(fitted("alpha_touch", binomial_posterior(rng, evidence)), evidence)))
    assert alarms <= stats.binom(60, 0.05).ppf(0.99)


def test_residuals_of_counts_are_normal_at_the_truth():
    rng = np.random.default_rng(2)
    evidence = labels(rng, icc=0.05, windows=2000)
    strength = np.full(DRAWS, 0.05)
    tree = posterior("AB", alpha_touch=np.tile([0.25, 0.35], (DRAWS, 1)), rho=strength)
    for one in rows("alpha_touch", tree, evidence):
        z = residuals(one.parts[0], rng)[0]
        assert stats.kstest(z, "norm").pvalue > 0.001


def test_leaving_a_window_out_is_what_it_says():
    """Against the exact law of a window given the others: beta-binomial."""
    rng = np.random.default_rng(3)
    evidence = labels(rng, windows=8, per_window=15)
    a = [(c.informed.sum() + 1, c.total.sum() - c.informed.sum() + 1) for c in evidence.alpha_touch]
    tree = posterior("AB", alpha_touch=np.stack([rng.beta(*one, 20_000) for one in a], axis=1))
    for one, counts in zip(rows("alpha_touch", tree, evidence, draws=20_000), evidence.alpha_touch, strict=True):
        k, n = counts.informed, counts.total
        exact = stats.betabinom(n, 1 + k.sum() - k, 1 + (n - k).sum() - (n - k)).logpmf(k)
        found = left_out(one)
        np.testing.assert_allclose(found.elpd, exact, atol=0.03)
        assert found.penalty > 0.3
        assert found.khat.max() < 0.7


# Moves -------------------------------------------------------------------------------------------------------------


def second_moves(values):
    """Moves of two assets, and the exact posterior of their sds under a flat prior of the log."""
    rng = np.random.default_rng(5)
    moves = tuple(Moves(a, float(x.size), float(x @ x), x) for a, x in zip("AB", values, strict=True))
    nothing = tuple(Foretold(a) for a in "AB")
    hours = tuple(HourCosts(a, *np.zeros((3, 24))) for a in "AB")
    evidence = FeatureEvidence(moves, moves, nothing, nothing, hours, ())
    sd = [np.sqrt(x @ x / rng.chisquare(x.size, DRAWS)) for x in values]
    return evidence, posterior("AB", sigma_bps_per_sqrt_s=np.stack(sd, axis=1))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        ("normal", set()),
        ("heavy", {"moves: kurtosis", "moves: PIT"}),
        ("clustered", {"moves: clustering"}),
        ("bouncing", {"moves: autocorrelation"}),
    ],
)
def test_moves(world, expected):
    rng = np.random.default_rng(6)
    z = rng.standard_normal((2, 800))
    values = {
        "normal": 2 * z,
        "heavy": rng.standard_t(3, (2, 800)),
        "clustered": z * np.where(np.arange(800) // 100 % 2, 1.6, 1.0),
        "bouncing": z[:, :] - 0.6 * np.roll(z, 1, axis=1),
    }[world]
    evidence, tree = second_moves(values)
    found = strange(findings(fitted("sigma_bps_per_sqrt_s", tree), evidence))
    assert expected <= found
    assert found or not expected
    if not expected:
        assert not found


def test_the_mend_of_heavy_tails_is_accepted():
    """Student-t moves under a Student-t of their own degrees of freedom."""
    rng = np.random.default_rng(6)
    evidence, tree = second_moves(rng.standard_t(5, (2, 800)))
    sd = tree["posterior"]["sigma_bps_per_sqrt_s"].to_numpy().reshape(DRAWS, 2)
    mended = posterior("AB", sigma_bps_per_sqrt_s=sd, nu_minus_two=np.full(DRAWS, 3.0))
    assert strange(findings(fitted("sigma_bps_per_sqrt_s", tree), evidence))
    assert not strange(findings(fitted("sigma_bps_per_sqrt_s", mended), evidence))


def test_windows_that_differ_in_cost_are_found():
    rng = np.random.default_rng(8)
    window = np.repeat(np.arange(40), 25)

    def given(c):
        x = 3 + 4 * (rng.standard_normal(1000) + c * rng.standard_normal(40)[window])
        mean = np.bincount(window, x) / 25
        m2 = np.bincount(window, (x - mean[window]) ** 2)
        moments = MarkoutMoments("A", np.full(40, 25.0), mean, m2, 1.5, x, window)
        evidence = Evidence((LabelCounts("A", np.ones(1), np.ones(1)),), (moments,), ())
        s = np.sqrt(x.var() * 1000 / rng.chisquare(999, DRAWS))
        at = x.mean() + s / np.sqrt(1000) * rng.standard_normal(DRAWS)
        tree = posterior("A", spread_floor_bps=1.5 + at[:, None], move_scale_bps=s[:, None])
        return strange(findings(fitted("spread_floor_bps", tree), evidence))

    assert not given(0.0)
    assert "window means: dispersion" in given(0.5)


# Fills -------------------------------------------------------------------------------------------------------------


def depths(rng, wander, windows=30):
    """Fills at six depths; kappa .2 per bp, wandering between windows."""
    depth = np.tile([1.0, 2.5, 5.0, 8.0, 12.0, 18.0], (windows, 1))
    k = 0.2 * np.exp(wander * rng.standard_normal(windows))[:, None]
    exposure = rng.uniform(20, 60, depth.shape)
    fills = rng.poisson(exposure * 1.5 * np.exp(-k * depth)).astype(float)
    return Evidence((LabelCounts("A", np.ones(1), np.ones(1)),), (), (DepthCounts("A", exposure, depth, fills),))


def grid_posterior(rng, evidence):
    """Posterior of kappa on a grid under flat priors, A given it Gamma."""
    (counts,) = evidence.kappa
    k = np.linspace(0.05, 0.35, 2001)
    reach = (counts.exposure_s[..., None] * np.exp(-counts.depth_bps[..., None] * k)).sum(axis=(0, 1))
    n, travelled = counts.fills.sum(), (counts.fills * counts.depth_bps).sum()
    log_p = -k * travelled - n * np.log(reach)
    pick = rng.choice(k.size, DRAWS, p=np.exp(log_p - log_p.max()) / np.exp(log_p - log_p.max()).sum())
    a = rng.gamma(n, 1 / reach[pick])
    return posterior("A", kappa=1e4 * k[pick][:, None], A=a[:, None])


@pytest.mark.parametrize(("wander", "expected"), [(0.0, False), (0.4, True)])
def test_windows_whose_kappa_wanders_are_found(wander, expected):
    rng = np.random.default_rng(9)
    evidence = depths(rng, wander)
    found = strange(findings(fitted("kappa", grid_posterior(rng, evidence), "window_effect=False"), evidence))
    assert ("dispersion of depth between windows" in found) is expected
    assert bool(found) is expected


def test_orders_that_fill_too_often_far_away_are_found():
    """A floor under the intensity: the deepest tenth fills more than e^{-kappa d} has it."""
    rng = np.random.default_rng(10)
    evidence = depths(rng, 0.0)
    (counts,) = evidence.kappa
    extra = np.where(counts.depth_bps > 15, rng.poisson(0.1 * counts.exposure_s), 0)
    thick = dataclasses.replace(evidence, kappa=(dataclasses.replace(counts, fills=counts.fills + extra),))
    found = strange(findings(fitted("kappa", grid_posterior(rng, thick)), thick))
    assert "fills in the deepest tenth of exposure" in found


# Series ------------------------------------------------------------------------------------------------------------


def of_times(ts, end):
    return SeriesEvidence((EventTimes("A", ts, end, end),), (), (), ())


def kernel(mu, n, beta):
    names = dict(zip(("hawkes_mu", "branching", "hawkes_beta"), (mu, n, beta), strict=True))
    return posterior("A", **{k: np.full((DRAWS, 1), v) for k, v in names.items()})


@pytest.mark.parametrize(
    ("truth", "assumed", "expected"),
    [
        ((1.0, 0.0, 1.0), (1.0, 0.0, 1.0), False),
        ((0.5, 0.5, 1.0), (0.5, 0.5, 1.0), False),
        ((1.0, 0.0, 1.0), (0.5, 0.5, 1.0), True),
        ((0.5, 0.5, 1.0), (1.0, 0.0, 1.0), True),
    ],
    ids=["poisson", "hawkes", "poisson under a kernel", "hawkes under none"],
)
def test_kernels_of_flow(truth, assumed, expected):
    rng = np.random.default_rng(11)
    ts = made.cluster(rng, *truth, 1500)
    found = findings(fitted("hawkes_mu", kernel(*assumed)), of_times(ts, 1500.0))
    assert ("waiting times: rescaled counts" in strange(found)) is expected
    assert bool(strange(found)) is expected


@pytest.mark.parametrize(("jumps", "expected"), [(False, False), (True, True)])
def test_a_level_that_jumps_is_found(jumps, expected):
    rng = np.random.default_rng(12)
    gap = np.append(np.inf, rng.exponential(1.0, 999))
    steps = np.sqrt(np.append(0.0, gap[1:])) * rng.standard_normal(1000)
    steps += jumps * 8.0 * (rng.random(1000) < 0.01)
    y = np.cumsum(steps) + np.sqrt(0.5) * rng.standard_normal(1000)
    evidence = dataclasses.replace(of_times(np.zeros(0), 1.0), level=(Quoted("A", gap, y),))
    tree = posterior("A", kalman_q=np.full((DRAWS, 1), 1e-8), kalman_r=np.full((DRAWS, 1), 0.5e-8))
    found = strange(findings(fitted("kalman_q", tree), evidence))
    assert ("innovations: kurtosis" in found) is expected
    assert bool(found) is expected


def test_one_count_an_asset_has_no_check_but_a_score():
    evidence = dataclasses.replace(of_times(np.zeros(0), 1.0), changes=(ChangeCounts("A", 7.0, 1000.0, 1.0),))
    tree = posterior("A", bocpd_hazard_rate=np.random.default_rng(0).gamma(8, 1 / 1000, (DRAWS, 1)))
    found = findings(fitted("bocpd_hazard_rate", tree), evidence)
    assert found.table.empty
    assert found.loo["rows"].tolist() == [1]


# A fit -------------------------------------------------------------------------------------------------------------


def test_options_come_back_from_a_fit():
    told = fitted("kappa", None, "runs='marginalised', window_effect=False")
    assert options_of(told, {}) == {"runs": "marginalised", "window_effect": False}
    other = fitted("kappa", None, "segments=SegmentPriors(k=4.0)")
    with pytest.raises(EvidenceError, match="pass segments= again"):
        options_of(other, {})
    assert options_of(other, {"segments": 1}) == {"segments": 1}


def test_a_sampled_fit_of_its_own_world_passes():
    rng = np.random.default_rng(13)
    evidence = labels(rng, icc=0.05)
    sampled = fit("alpha_touch", evidence, quick=True, progress=False)
    found = mm.criticise(sampled, evidence, seed=1)
    assert not found.table["surprising"].any()
    assert set(found.loo["asset"]) == {"A", "B"}
    assert (found.loo["worst_khat"] < 0.7).all()
    assert found.unit == "labels of a window"
    again = mm.criticise(sampled, evidence, seed=1)
    assert again.table.equals(found.table)
