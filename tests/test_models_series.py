"""Models of series: both backends state one law, and it is the one that slow and plain sums give.

The oracles are written here with numpy and scipy alone: every pair of events, joint Gaussians, run after run.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import series_tapes as made
from numpyro.infer.util import initialize_model, log_density
from perturbed_priors import slightly_off
from scipy import optimize, special, stats

import mmresearch as mm
import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.learn import HawkesMu, HazardRate, KalmanQ, MicropriceDecay
from mmresearch.learn.sound.decay import RATE
from mmresearch.learn.sound.hawkes_table import BETA, GAIN
from mmresearch.learn.sound.levels import LOG_DET, RATIO, SQUARES
from mmresearch.models.data import EvidenceError
from mmresearch.models.numpyro.flow import hawkes_log_likelihood
from mmresearch.models.numpyro.levels import level_log_likelihood
from mmresearch.models.priors import KappaPriors
from mmresearch.models.pymc import kernels
from mmresearch.models.series import (
    ChangeCounts,
    EventTimes,
    Quoted,
    RegimeSeries,
    SeriesEvidence,
    event_times,
    following,
    series_evidence,
)
from mmresearch.models.series_priors import FlowPriors, HazardPriors, LeadPriors, LevelPriors, RegimePriors

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)

NOTHING = np.zeros(0)
#: Flows of the Nile at Aswan, 1871 to 1970, in 10^8 m^3: Cobb 1978, public domain.
NILE = np.array(
    [
        "1120",
        "1160",
        "963",
        "1210",
        "1160",
        "1160",
        "813",
        "1230",
        "1370",
        "1140",
        "995",
        "935",
        "1110",
        "994",
        "1020",
        "960",
        "1180",
        "799",
        "958",
        "1140",
        "1100",
        "1210",
        "1150",
        "1250",
        "1260",
        "1220",
        "1030",
        "1100",
        "774",
        "840",
        "874",
        "694",
        "940",
        "833",
        "701",
        "916",
        "692",
        "1020",
        "1050",
        "969",
        "831",
        "726",
        "456",
        "824",
        "702",
        "1120",
        "1100",
        "832",
        "764",
        "821",
        "768",
        "845",
        "864",
        "862",
        "698",
        "845",
        "744",
        "796",
        "1040",
        "759",
        "781",
        "865",
        "845",
        "944",
        "984",
        "897",
        "822",
        "1010",
        "771",
        "676",
        "649",
        "846",
        "812",
        "742",
        "801",
        "1040",
        "860",
        "874",
        "848",
        "890",
        "744",
        "749",
        "838",
        "1050",
        "918",
        "986",
        "797",
        "923",
        "975",
        "815",
        "1020",
        "906",
        "901",
        "1170",
        "912",
        "746",
        "919",
        "718",
        "714",
        "740",
    ],
    dtype=float,
)


def quoted(rng, name: str, n: int, sd: float) -> Quoted:
    """A short series with one pause in it."""
    gap = rng.exponential(1.0, n) + 0.05
    gap[[0, n // 2]] = np.inf
    return Quoted(name, gap, sd * rng.normal(size=n).cumsum() / 3)


def seconds(rng, name: str, n: int) -> RegimeSeries:
    """Returns and spreads of two regimes, with a jump, a second left out, and a new start in the middle."""
    if not n:
        return RegimeSeries(name, NOTHING, NOTHING, NOTHING, np.nan, np.nan, np.nan, np.nan)
    gap = np.ones(n)
    gap[[0, n // 2, 2, n // 2 + 2]] = np.inf, np.inf, 2.0, 3.0
    lively = np.cumsum(rng.random(n) < 0.2) % 2
    returns = rng.normal(size=n) * np.exp(lively)
    returns[3] = 20.0
    return RegimeSeries(name, gap, returns, 0.3 * lively + 0.1 * rng.normal(size=n), 1.5, 6.0, 0.02, 0.3)


def small_series() -> SeriesEvidence:
    """Three assets of different lengths; the last has no trade, no report and a mid that never moves."""
    rng = np.random.default_rng(7)
    events = [made.cluster(rng, 0.5, 0.4, 1.0, seconds) for seconds in (60.0, 100.0)]
    return SeriesEvidence(
        events=(EventTimes("A", events[0], 60.0, 60.0), EventTimes("B", events[1], 100.0, 80.0),
                EventTimes("C", NOTHING, 50.0, 50.0)),
        level=tuple(quoted(rng, name, n, 1.0) for name, n in zip("ABC", (23, 40, 9), strict=True)),
        lead=tuple(quoted(rng, name, n, 0.3) for name, n in zip("ABC", (31, 12, 20), strict=True)),
        changes=(ChangeCounts("A", 7.0, 900.0, 1.0), ChangeCounts("B", 0.0, 400.0, 1.0),
                 ChangeCounts("C", 0.0, 0.0, np.inf)),
        regimes=tuple(seconds(rng, name, n) for name, n in zip("ABC", (21, 14, 0), strict=True)),
    )  # fmt: skip


# The density contract ----------------------------------------------------------------------------------------------

CASES = {
    "hawkes": FlowPriors,
    "local_level": LevelPriors,
    "bocpd_hazard_rate": HazardPriors,
    "microprice_decay": LeadPriors,
    "regime_sticky_diagonal": RegimePriors,
}


@functools.cache
def compiled(name: str, form: str, **options):
    model = getattr(in_pymc, name)(small_series(), parameterisation=form, **options)
    return model, model.compile_logp(jacobian=True, mode="FAST_COMPILE")


class Pair:
    """Both log densities of one model on unconstrained space."""

    def __init__(self, name: str, form: str = "auto", priors=None, **options):
        self.model, self.logp = compiled(name, form, **options)
        with jax.enable_x64(True):
            built = getattr(in_numpyro, name)(small_series(), parameterisation=form, priors=priors, **options)
            info = initialize_model(jax.random.PRNGKey(0), built)
            self.slope = jax.jit(jax.value_and_grad(info.potential_fn))
            self.shapes = {k: np.shape(v) for k, v in info.param_info.z.items()}
        self.names = {rv.name: self.model.rvs_to_values[rv].name for rv in self.model.free_RVs}

    def points(self, n: int) -> list[dict[str, np.ndarray]]:
        rng = np.random.default_rng(3)
        return [{k: rng.normal(0.0, 0.5, s) for k, s in self.shapes.items()} for _ in range(n)]

    def in_numpyro(self, point):
        with jax.enable_x64(True):
            value, slope = self.slope({k: jnp.asarray(v) for k, v in point.items()})
        return -float(value), {k: -np.asarray(v) for k, v in slope.items()}

    def in_pymc(self, point):
        return {self.names[k]: v for k, v in point.items()}

    def spread(self, n: int = 5) -> float:
        gaps = [float(self.logp(self.in_pymc(p))) - self.in_numpyro(p)[0] for p in self.points(n)]
        return float(np.ptp(gaps))


#: Gradients of recursions take JAX some seconds to compile; their values are compared in the next test too.
SLOW = ("hawkes", "local_level", "regime_sticky_diagonal")


@pytest.mark.parametrize("form", ["auto", "centred", "noncentred"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long if n in SLOW else ()) for n in CASES])
def test_backends_have_the_same_densities_and_gradients_in_every_form(name, form):
    agree(Pair(name, form))


def agree(pair: Pair) -> None:
    """Densities differ by a constant, gradients by rounding."""
    assert set(pair.names) == set(pair.shapes)
    assert pair.spread() < 1e-6
    point = pair.points(1)[0]
    theirs = pair.model.compile_dlogp(jacobian=True, mode="FAST_COMPILE")(pair.in_pymc(point))
    back = {v: k for k, v in pair.names.items()}
    _, slope = pair.in_numpyro(point)
    ours = np.concatenate([slope[back[v.name]].ravel() for v in pair.model.value_vars])
    np.testing.assert_allclose(theirs, ours, rtol=1e-8, atol=1e-8 * np.abs(ours).max())


#: By the transform in the name of a variable.
CONSTRAINED = {"log": np.exp, "logodds": special.expit}


@functools.cache
def on_constrained_points(name: str):
    """The PyMC density without Jacobian at three points, and the points as NumPyro names them."""
    model, _ = compiled(name, "auto")
    logp, rng = model.compile_logp(jacobian=False, mode="FAST_COMPILE"), np.random.default_rng(3)
    points, values = [], []
    for _ in range(3):
        free = {v.name: rng.normal(0.0, 0.5, np.shape(model.initial_point()[v.name])) for v in model.value_vars}
        values.append(float(logp(free)))
        names = {model.rvs_to_values[rv].name: rv.name for rv in model.free_RVs}
        points.append({names[k]: CONSTRAINED.get(k.split("_")[-3], lambda x: x)(x) if k.endswith("__") else x
                       for k, x in free.items()})  # fmt: skip
    return points, np.array(values)


@pytest.mark.parametrize("name", CASES)
def test_a_constant_off_by_one_per_cent_breaks_the_contract(name):
    kind, (points, values) = CASES[name], on_constrained_points(name)

    def spread(priors):
        model = getattr(in_numpyro, name)(small_series(), priors=priors)
        with jax.enable_x64(True):
            return np.ptp([float(log_density(model, (), {}, p)[0]) for p in points] - values)

    assert spread(kind()) < 1e-6
    for field, off in slightly_off(kind()):
        assert spread(off) > 1e-5, field


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_modelled_is_refused(backend, name):
    model, series = getattr(backend, name), small_series()
    empty = SeriesEvidence(
        tuple(dataclasses.replace(e, ts=NOTHING) for e in series.events),
        *(tuple(Quoted(s.asset, NOTHING, NOTHING) for s in series.level) for _ in range(2)),
        tuple(ChangeCounts(c.asset, 0.0, 0.0, np.inf) for c in series.changes),
        tuple(seconds(None, c.asset, 0) for c in series.changes),
    )
    with pytest.raises(EvidenceError, match="no asset has"):
        model(empty)
    with pytest.raises(EvidenceError, match="reads series"):
        model(object())
    with pytest.raises(TypeError, match=f"takes {CASES[name].__name__}, got KappaPriors"):
        model(series, priors=KappaPriors())


# Hawkes ------------------------------------------------------------------------------------------------------------


def every_pair(e: EventTimes, mu: float, n: float, beta: float) -> float:
    """Hawkes log likelihood in quadratic time."""
    rate = [mu + n * beta * np.exp(-beta * (t - e.ts[e.ts < t])).sum() for t in e.ts]
    return np.log(rate).sum() - mu * e.open_s - n * (1 - np.exp(-beta * (e.end_s - e.ts))).sum()


@pytest.mark.parametrize(("mu", "n", "beta"), [(0.5, 0.4, 1.0), (0.05, 0.95, 0.02), (2.0, 0.01, 300.0)])
def test_hawkes_is_the_sum_over_every_pair_of_events(mu, n, beta):
    events = small_series().events
    slow = np.array([every_pair(e, mu, n, beta) for e in events])
    with jax.enable_x64(True):
        fast = hawkes_log_likelihood(events)(*(jnp.full(3, np.log(x)) for x in (mu, n, beta)))
    np.testing.assert_allclose(fast, slow, rtol=1e-11)
    ts, start = np.concatenate([e.ts for e in events]), np.cumsum([0, *(e.ts.size for e in events)])
    bounds = [np.array([getattr(e, k) for e in events]) for k in ("open_s", "end_s")]
    value, *_ = kernels.hawkes(*(np.full(3, x) for x in (mu, n, beta)), ts, start, *bounds)
    assert value == pytest.approx(slow.sum(), rel=1e-11)


def test_the_likelihood_of_ten_thousand_events_peaks_at_the_truth():
    """Within four standard errors, from its curvature."""
    truth = np.log([0.4, 0.6, 1.5])
    ts = made.cluster(np.random.default_rng(1), *np.exp(truth), 10_000.0)
    with jax.enable_x64(True):
        one = hawkes_log_likelihood((EventTimes("A", ts, 10_000.0, 10_000.0),))
        down = jax.jit(jax.value_and_grad(lambda x: -one(x[:1], x[1:2], x[2:]).sum()))
        found = optimize.minimize(down, truth + 0.3, jac=True, method="BFGS", options={"gtol": 0.05})
    assert (np.abs(found.x - truth) < 4 * np.sqrt(np.diag(found.hess_inv))).all()
    assert (np.sqrt(np.diag(found.hess_inv)) < 0.1).all()


# Local level -------------------------------------------------------------------------------------------------------


def stretches(s: Quoted):
    """Index ranges between new starts."""
    begins = np.flatnonzero(np.isinf(s.gap_s))
    return [slice(a, b) for a, b in zip(begins, [*begins[1:], s.gap_s.size], strict=True)]


def joint_level(s: Quoted, q: float, r: float) -> float:
    """Differences of neighbours are Gaussian, and neighbouring differences share one error."""
    total = 0.0
    for part in stretches(s):
        moves, gap = np.diff(s.value_bps[part]), s.gap_s[part][1:]
        if moves.size:
            shared = np.eye(moves.size, k=1) + np.eye(moves.size, k=-1)
            total += stats.multivariate_normal(cov=np.diag(q * gap + 2 * r) - r * shared).logpdf(moves)
    return total


@pytest.mark.parametrize(("q", "r"), [(1.0, 0.25), (1e-4, 10.0), (30.0, 1e-3)])
def test_the_level_is_integrated_out_as_the_joint_gaussian_does(q, r):
    series = small_series().level
    slow = np.array([joint_level(s, q, r) for s in series])
    with jax.enable_x64(True):
        fast = level_log_likelihood(series)(jnp.full(3, np.log(q)), jnp.full(3, np.log(r)))
    np.testing.assert_allclose(fast, slow, rtol=1e-9)
    gap, y = (np.concatenate([getattr(s, k) for s in series]) for k in ("gap_s", "value_bps"))
    value, *_ = kernels.local_level(
        np.full(3, q), np.full(3, r), gap, y, np.cumsum([0, *(s.gap_s.size for s in series)])
    )
    assert value == pytest.approx(slow.sum(), rel=1e-9)


def test_the_nile_has_the_variances_of_the_textbook():
    """Durbin and Koopman 2012, section 2.10: 15099 and 1469.1."""
    gap = np.append(np.inf, np.ones(99))

    def down(x):
        value, d_q, d_r = kernels.local_level(np.exp(x[:1]), np.exp(x[1:]), gap, NILE, np.array([0, 100]))
        return -float(value), -np.array([d_q[0], d_r[0]]) * np.exp(x)

    found = optimize.minimize(down, np.log([500.0, 5000.0]), jac=True, method="BFGS")
    np.testing.assert_allclose(np.exp(found.x), [1469.1, 15099.0], rtol=1e-3)


# Lead and changes --------------------------------------------------------------------------------------------------


def likelihood_in_pymc(name: str, site: str, evidence: SeriesEvidence, values: dict) -> float:
    model = getattr(in_pymc, name)(evidence, parameterisation="centred")
    point = {model.rvs_to_values[model[k]].name: v for k, v in values.items()}
    free = {v.name: point.get(v.name, 0.0) for v in model.value_vars}
    return float(model.compile_logp(vars=[model[site]], sum=True, mode="FAST_COMPILE")(free))


def joint_lead(s: Quoted, phi: float, v: float) -> float:
    """The stationary Gaussian of each stretch, given its first value."""
    total = 0.0
    for part in stretches(s):
        t = np.append(0.0, s.gap_s[part][1:].cumsum())
        cov = v * phi ** np.abs(t[:, None] - t)
        total += stats.multivariate_normal(cov=cov).logpdf(s.value_bps[part])
        total -= stats.norm(scale=np.sqrt(v)).logpdf(s.value_bps[part][0])
    return total


@pytest.mark.parametrize(("phi", "v"), [(0.95, 0.3), (0.999, 2.0), (0.1, 0.05)])
def test_the_lead_is_the_joint_gaussian_of_an_ornstein_uhlenbeck_process(phi, v):
    series = small_series()
    rate = -np.log(phi)
    held = {"log_rate": np.full(3, np.log(rate)), "log_diffusion": np.full(3, np.log(2 * rate * v))}
    slow = sum(joint_lead(s, phi, v) for s in series.lead)
    assert likelihood_in_pymc("microprice_decay", "lead", series, held) == pytest.approx(slow, rel=1e-9)


def test_changes_are_the_runs_between_them_the_last_one_censored():
    rng, rates = np.random.default_rng(2), np.array([0.002, 0.01, 0.05])
    runs = [rng.exponential(100.0, 6) for _ in range(2)]
    counts = tuple(ChangeCounts(n, 5.0, float(run.sum()), 1.0) for n, run in zip("AB", runs, strict=True))
    series = dataclasses.replace(small_series(), changes=(*counts, small_series().changes[2]))

    def by_run(h):
        law = [stats.expon(scale=1 / x) for x in h]
        return sum(one.logpdf(run[:-1]).sum() + one.logsf(run[-1]) for one, run in zip(law, runs, strict=False))

    value = [
        likelihood_in_pymc("bocpd_hazard_rate", "changes", series, {"log_h": np.log(h)}) for h in (rates, 3 * rates)
    ]
    assert value[1] - value[0] == pytest.approx(by_run(3 * rates) - by_run(rates), rel=1e-9)


# What the learner saw ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tapes():
    return mm.example(features=True)


@pytest.fixture(scope="module")
def bundled(tapes):
    return series_evidence(tapes)


def learned(learner, tape):
    return learner.update(learner.init(), tape)


def test_events_are_those_of_the_learner(tapes, bundled):
    """Its table holds the likelihood exactly at its nodes, of the decay and of the gain."""
    state, e = learned(HawkesMu(), tapes[0]), bundled.events[0]
    assert (e.ts.size, e.open_s) == (state.n, state.seconds)
    node, n = int(np.searchsorted(BETA, 0.3)), 0.3
    two = n / GAIN[[40, 46]]
    with jax.enable_x64(True):
        ours = [float(hawkes_log_likelihood((e,))(*(jnp.log(jnp.array([x])) for x in (m, n, BETA[node])))[0])
                for m in two]  # fmt: skip
    theirs = [float(state.likelihood()(np.log(m), np.array(n), np.log(BETA[node]))) for m in two]
    assert ours[1] - ours[0] == pytest.approx(theirs[1] - theirs[0], abs=1e-6)


def test_levels_are_those_of_the_learner(tapes, bundled):
    for tape, s in [(tapes[0], bundled.level[0])]:
        state, node, r = learned(KalmanQ(), tape), 250, 0.3
        assert s.steps == state.n
        with jax.enable_x64(True):
            ours = float(level_log_likelihood((s,))(jnp.log(jnp.array([r * RATIO[node]])), jnp.log(jnp.array([r])))[0])
        squares = state.filters[SQUARES, node] * 1e8 / r  # from log price to bps
        theirs = -0.5 * (state.filters[LOG_DET, node] + squares + state.n * np.log(2 * np.pi * r))
        assert ours == pytest.approx(theirs, rel=1e-8)


def test_leads_and_changes_are_those_of_the_learner(tapes, bundled):
    for tape, s, c in zip(tapes, bundled.lead, bundled.changes, strict=True):
        state, node = learned(MicropriceDecay(), tape), 160
        _, gap, before, now = following((s,))
        left = -np.expm1(-2 * RATE[node] * gap)
        squares = ((now - np.exp(-RATE[node] * gap) * before) ** 2 / left).sum()
        np.testing.assert_allclose([np.log(left).sum(), squares], state.sums[:, node], rtol=1e-9)
        hazard = learned(HazardRate(), tape)
        assert (c.changes, c.exposure_s) == (hazard.changes, hazard.exposure_s)


def test_a_long_series_is_cut_and_events_end_where_it_is():
    ts = np.arange(1.0, 31.0)
    tape = made.flow(ts, 100)
    cut, whole = event_times(tape, 10), event_times(tape, 30)
    assert (cut.ts.size, cut.end_s, cut.open_s) == (10, 10.0, 10.0)
    assert (whole.ts.size, whole.end_s) == (30, 100.0)
    level = series_evidence(made.walk(np.random.default_rng(0), 1.0, 50, 1), 20).level[0]
    assert (level.gap_s.size, level.steps) == (20, 19)


def test_pauses_start_the_series_anew():
    ts = np.concatenate([np.arange(5.0), 100 + np.arange(5.0)])
    table = made.quotes(ts, np.log(100) + 1e-4 * np.arange(10), bid_sz=np.arange(1.0, 11.0))
    level = series_evidence(made.tape(table, 110)).level[0]
    # The first quote of a tape may have stood for long, so the learners leave it out.
    np.testing.assert_array_equal(np.flatnonzero(np.isinf(level.gap_s)), [0, 4])


def test_tapes_without_names_of_their_own_are_refused(tapes):
    for wrong, points in (([], 10), ([tapes[0], tapes[0]], 10), (tapes, 1)):
        with pytest.raises(EvidenceError, match="different names and at least 2 points"):
            series_evidence(wrong, points)


def test_a_tape_without_trades_or_signals_has_empty_entries():
    silent = made.tape(made.quotes(np.zeros(1), np.full(1, np.log(100))), 30, pd.DataFrame(
        {k: np.zeros(0) for k in ("ts", "price", "size", "side")}))  # fmt: skip
    found = series_evidence(silent)
    assert found.assets == ("X",)
    assert (found.events[0].ts.size, found.events[0].open_s) == (0, 30.0)
    assert (found.level[0].steps, found.changes[0].exposure_s) == (0, 0.0)
