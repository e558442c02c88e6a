"""Nested versions: every combination of assumptions is a model in both backends, and each assumption is what it says.

Switches are compared with oracles that share nothing with the models but the evidence: laws of scipy, and the rich
model where what it allows for is nothing.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from numpyro.handlers import seed, substitute, trace
from numpyro.infer.util import initialize_model
from perturbed_priors import slightly_off
from scipy import special, stats
from test_models_density import small_evidence
from test_models_features import small_features
from test_models_series import small_series

import mmresearch as mm
import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.learn import HazardRate
from mmresearch.models.centring import LOGIT_SPREAD, label_weights, markout_weights, spreads
from mmresearch.models.data import label_data, markout_data
from mmresearch.models.fit import FitError, fit
from mmresearch.models.inputs import family_of, fittable, model_of
from mmresearch.models.nested import nested_versions, options_with, steps, versions
from mmresearch.models.options import options_of, parsed, parsed_for
from mmresearch.models.priors import AlphaPriors, FloorPriors, KappaPriors, Population, WalkPriors
from mmresearch.models.series import ChangeCounts, series_evidence
from mmresearch.models.series_priors import FlowPriors, HazardPriors, LeadPriors, LevelPriors, RegimePriors

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)


def changes_seen(series):
    """With runs that go on."""
    counts = (ChangeCounts("A", 7.0, 900.0, 1.0, 250.0), ChangeCounts("B", 0.0, 400.0, 1.0, 400.0), series.changes[2])
    return dataclasses.replace(series, changes=counts)


def of(kind: str):
    """Small evidence that a model reads: three assets, some of them with little."""
    made = {"fills": small_evidence, "walks": lambda: small_evidence(walks=True), "features": small_features,
            "series": lambda: changes_seen(small_series())}  # fmt: skip
    return made[kind]()


def told(name: str) -> dict:
    return {"hours": (1, 2)} if name == "toxic_hour_gamma_mult" else {}


#: Models with the parameter whose steps they take, and the kind of evidence; kappa has two.
READS = [(name, family_of(name)) for name in fittable()] + [("kappa", "walks")]
#: Recursions and tables take PyTensor or JAX some seconds to compile; of the others that are many, the simplest version
#: is compared at once.
RECURSIONS = ("hawkes", "local_level", "regime_sticky_diagonal", "cascade_oi_threshold", "toxic_hour_gamma_mult")
MANY = ("kappa", "spread_floor_bps", "alpha_touch")


def in_both(name: str, kind: str, options: dict, priors=None, form: str = "auto", gradients: bool = False) -> float:
    """Build one model twice, and return the spread of the gaps between its log densities at some points, in nats."""
    model, given = model_of(name), of(kind)
    more = {"parameterisation": form, **told(name), **options}
    one = getattr(in_pymc, model)(given, **more)
    logp, slope_one = one.compile_logp(jacobian=True, mode="FAST_COMPILE"), None
    names = {rv.name: one.rvs_to_values[rv].name for rv in one.free_RVs}
    gaps = []
    with jax.enable_x64(True):
        info = initialize_model(
            jax.random.PRNGKey(0), getattr(in_numpyro, model)(given, priors=priors, **more), validate_grad=False
        )
        shapes = {k: np.shape(v) for k, v in info.param_info.z.items()}
        assert set(shapes) == set(names)
        rng = np.random.default_rng(3)
        for _ in range(3):
            point = {k: rng.normal(0.0, 0.4, s) for k, s in shapes.items()}
            theirs = {names[k]: v for k, v in point.items()}
            gaps.append(float(logp(theirs)) + float(info.potential_fn({k: jnp.asarray(v) for k, v in point.items()})))
        if gradients:
            slope_one = one.compile_dlogp(jacobian=True, mode="FAST_COMPILE")(theirs)
            slope_two = jax.grad(info.potential_fn)({k: jnp.asarray(v) for k, v in point.items()})
            back = {v: k for k, v in names.items()}
            ours = np.concatenate([-np.asarray(slope_two[back[v.name]]).ravel() for v in one.value_vars])
            np.testing.assert_allclose(slope_one, ours, rtol=1e-8, atol=1e-8 * np.abs(ours).max())
    return float(np.ptp(gaps))


# The densities of the default models did not move ------------------------------------------------------------------

#: Model, options, evidence, and the difference of its log density between two points, before its options were split
#: and its hyperpriors written as populations; that of regimes since returns are known to the rounding of quotes.
BEFORE = [
    ("alpha_touch", {}, "fills", -6.968321202241285),
    ("alpha_touch", {"overdispersion": False}, "fills", 19.806525223400186),
    ("spread_floor_bps", {}, "fills", 16.9811164844445),
    ("spread_floor_bps", {"window_effect": False}, "fills", -431.6151713153487),
    ("spread_floor_bps", {"noise": "student_t"}, "fills", -6.501941175664058),
    ("kappa", {}, "fills", -136.70471326921597),
    ("kappa", {"window_effect": False, "overdispersion": False}, "fills", 1342.6468707807198),
    ("kappa", {}, "walks", 14.565326970715546),
    ("kappa", {"window_effect": False}, "walks", 14.004377377043284),
    ("hawkes", {}, "series", -46.20277338424074),
    ("local_level", {}, "series", -1.261741357574195),
    ("bocpd_hazard_rate", {}, "series", 371.9980864978784),
    ("bocpd_hazard_rate", {"runs": "marginalised"}, "series", -0.21357896680748922),
    ("microprice_decay", {}, "series", 4.516723841554821),
    ("regime_sticky_diagonal", {}, "series", 15.562203685602782),
]


@pytest.mark.parametrize(("model", "options", "kind", "difference"), BEFORE)
def test_the_densities_of_the_default_models_did_not_move(model, options, kind, difference):
    found = []
    with jax.enable_x64(True):
        info = initialize_model(
            jax.random.PRNGKey(0), getattr(in_numpyro, model)(of(kind), **options), validate_grad=False
        )
        z = info.param_info.z
        for number in (1, 2):
            rng = np.random.default_rng(number)
            point = {k: jnp.asarray(rng.normal(0.0, 0.4, np.shape(z[k]))) for k in sorted(z)}
            found.append(-float(info.potential_fn(point)))
    assert found[1] - found[0] == pytest.approx(difference, abs=1e-7)


# Steps and versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", fittable())
def test_the_full_version_is_the_default_model_and_the_simple_one_another(name):
    """In both backends the defaults of the options are the full values, and every simple value can be told."""
    for backend in (in_pymc, in_numpyro):
        defaults = inspect.signature(getattr(backend, model_of(name))).parameters
        for step in steps(name):
            assert defaults[step.option].default == step.full != step.simple
    found = versions(name)
    assert 2 <= len(found) == len(steps(name)) + 1 <= 6
    assert found[0] == ("simplest", {s.option: s.simple for s in steps(name)})
    assert found[-1][1] == {}
    for (_, before), (label, after) in itertools.pairwise(found):
        (dropped,) = set(before) - set(after)
        assert label == f"+ {next(s.assumption for s in steps(name) if s.option == dropped)}"
    assert "pooling" in {s.assumption for s in steps(name)}


def test_versions_in_another_order_and_as_a_table():
    order = ("pooling", "unknown variance", "overdispersion")
    found = dict(versions("spread_floor_bps", order))
    assert found["+ pooling"] == {"scale_bps": 2.0, "window_effect": False}
    assert found["+ unknown variance"] == {"window_effect": False}
    assert options_with("spread_floor_bps", ["overdispersion"]) == {"scale_bps": 2.0, "pooling": False}
    expected = pd.DataFrame(
        {"version": ["simplest", *(f"+ {a}" for a in order)], "scale_bps": [2.0, 2.0, None, None],
         "window_effect": [False, False, False, True], "pooling": [False, True, True, True]},
        index=pd.RangeIndex(4, name="step"), dtype=object,
    )  # fmt: skip
    pd.testing.assert_frame_equal(mm.nested_versions("spread_floor_bps", order), expected, check_index_type=False)
    assert len(nested_versions("kappa")) == 4


def test_orders_and_names_that_are_none_are_refused():
    with pytest.raises(FitError, match="an order of alpha_touch holds each of label error, overdispersion, pooling"):
        versions("alpha_touch", ("pooling", "label error"))
    with pytest.raises(FitError, match="alpha_touch has no step drift; there are label error"):
        options_with("alpha_touch", ["drift"])
    with pytest.raises(FitError, match="'gamma_base' has no reference model"):
        steps("gamma_base")


def combinations(name: str) -> list[dict]:
    given_up = [s.assumption for s in steps(name)]
    chosen = itertools.chain.from_iterable(itertools.combinations(given_up, r) for r in range(len(given_up) + 1))
    return [options_with(name, c) for c in chosen]


def combined():
    """Each version once, but for the full ones, which have tests of their own."""
    seen = set()
    for name, kind in READS:
        for options in combinations(name):
            if not options or (key := (model_of(name), kind, str(options))) in seen:
                continue
            seen.add(key)
            slow = model_of(name) in RECURSIONS or (name in MANY and len(options) < len(steps(name)))
            yield pytest.param(name, kind, options, marks=pytest.mark.long if slow else ())


@pytest.mark.parametrize(("name", "kind", "options"), list(combined()))
def test_every_combination_of_assumptions_is_one_density_in_both_backends(name, kind, options):
    assert in_both(name, kind, options, gradients=True) < 1e-6


# Assets that are not pooled ----------------------------------------------------------------------------------------

ALONE = [
    ("alpha_touch", "fills", AlphaPriors()),
    ("spread_floor_bps", "fills", FloorPriors()),
    ("kappa", "fills", KappaPriors()),
    ("kappa", "walks", WalkPriors()),
    ("hawkes", "series", FlowPriors()),
    ("local_level", "series", LevelPriors()),
    ("bocpd_hazard_rate", "series", HazardPriors()),
    ("microprice_decay", "series", LeadPriors()),
    ("regime_sticky_diagonal", "series", RegimePriors()),
]
#: Population -> the site of its effect, and what the site adds to it given the other sites.
SITES = {
    "alpha": ("logit_alpha", lambda at: 0.0),
    "adverse": ("adverse_bps", lambda at: 0.0),
    "kappa": ("log_kappa", lambda at: 0.0),
    "p": ("logit_p", lambda at: 0.0),
    "q": ("log_q", lambda at: 0.0),
    "r": ("log_r", lambda at: 0.0),
    "h": ("log_h", lambda at: 0.0),
    "n": ("logit_n", lambda at: 0.0),
    "beta": ("log_beta", lambda at: 0.0),
    "stay": ("logit_stay", lambda at: 0.0),
    "s": ("log_s", lambda at: 0.0),
    "rate": ("log_rate", lambda at: 0.0),
    "mu": ("log_flow", lambda at: np.log1p(np.exp(at["logit_n"]))),
    "v": ("log_diffusion", lambda at: np.log(2.0) + at["log_rate"]),
}


@pytest.mark.parametrize(("model", "kind", "priors"), ALONE)
def test_an_asset_that_is_not_pooled_has_the_prior_of_one_that_is_alone(model, kind, priors):
    """A Normal about the location; its variance is that of the mean and, at the median, that between assets."""
    built = getattr(in_numpyro, model)(of(kind), parameterisation="centred", pooling=False)
    with jax.enable_x64(True):
        sites = trace(seed(built, 1)).get_trace()
    at = {k: np.asarray(s["value"]) for k, s in sites.items()}
    assert not any(k.split("_")[0] in ("m", "tau", "mu", "corr") for k in sites)
    laws = {f.name: v for f in dataclasses.fields(priors) if isinstance(v := getattr(priors, f.name), Population)}
    for letter, law in laws.items():
        if letter == "A":
            reference = np.array([c.fills.sum() and (c.fills * c.depth_bps).sum() / c.fills.sum()
                                  for c in of(kind).kappa])  # fmt: skip
            site, shift = "log_rate", -reference * np.exp(at["log_kappa"])
        else:
            site, shift = SITES[letter][0], SITES[letter][1](at)
        sd = np.sqrt(law.scale**2 + law.tau_median**2)
        expected = stats.norm(law.location + shift, sd).logpdf(at[site])
        with jax.enable_x64(True):
            found = np.asarray(sites[site]["fn"].log_prob(at[site]))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert laws


@pytest.mark.parametrize(("model", "kind", "priors"), ALONE[:2])
def test_a_constant_off_by_one_per_cent_shows_without_pooling_too(model, kind, priors):
    """But for the log sd of the sd between assets, which is not there."""
    for field, off in slightly_off(priors):
        spread = in_both(model, kind, {"pooling": False}, priors=off)
        assert (spread > 1e-5) is (not field.endswith(("tau_log_sd", "_floor"))), field


def test_weights_follow_the_prior_that_an_asset_has():
    """Those of a pooled effect know a small spread; a wide prior of its own leaves all to the data."""
    law, data = AlphaPriors().alpha, label_data(of("fills"))
    assert spreads(True, law) == ()
    assert spreads(False, law) == (law.alone_sd,)
    pooled, alone = label_weights(data), label_weights(data, *spreads(False, law))
    np.testing.assert_allclose(alone / (1 - alone) * LOGIT_SPREAD**2, pooled / (1 - pooled) * law.alone_sd**2)
    assert (markout_weights(markout_data(of("fills")), 5.0)[0] > markout_weights(markout_data(of("fills")))[0]).all()


# Each switch: the rich model contains the simple one, and is another -------------------------------------------------


def log_likelihood(model: str, given, options: dict, held: dict) -> float:
    """Of the evidence, with the latent sites held at values."""
    built = getattr(in_numpyro, model)(given, parameterisation="centred", **options)
    with jax.enable_x64(True):
        held = {k: jnp.asarray(v) for k, v in held.items()}
        sites = trace(seed(substitute(built, data=held), 0)).get_trace().values()
        return sum(float(np.sum(s["fn"].log_prob(s["value"]))) for s in sites if s["type"] == "sample"
                   and s["is_observed"])  # fmt: skip


def equal_depths():
    """Fills whose orders rest at the same depths in every window: only then may windows be added up without loss."""
    given = of("fills")
    return dataclasses.replace(
        given, kappa=tuple(dataclasses.replace(c, depth_bps=np.tile(c.depth_bps[0], (4, 1))) for c in given.kappa)
    )


ALPHA = [{"logit_alpha": np.array(x), "rho": 0.1} for x in ([-1.0, -0.5, 0.2], [0.3, -1.5, -0.4])]
FLOOR = [{"adverse_bps": np.array(x), "log_s": np.full(3, np.log(2.0)), "c": 0.3} for x in ([2.0, 3.0, 4.0], [1, 5, 3])]
WAVES = np.random.default_rng(1).normal(size=(3, 4))
FILLS = [{"log_kappa": np.log(k), "log_rate": np.array([-1.0, -1.5, -2.0]), "w_kappa": WAVES, "wander_kappa": 0.4,
          "burst": 0.5} for k in ([0.2, 0.3, 0.1], [0.1, 0.2, 0.4])]  # fmt: skip
WALKS = [one | {"logit_p": np.array([-1.0, -2.0, -1.5]), "log_rate": np.log([0.1, 0.08, 0.05]) + i, "rho": 0.1}
         for i, one in enumerate(FILLS)]  # fmt: skip
FLOW = [{"log_flow": np.log(x), "logit_n": np.zeros(3), "log_beta": np.zeros(3)} for x in ([0.5, 1, 2], [1, 0.3, 1])]
LEVEL = [{"log_r": np.log(x), "log_q": np.zeros(3)} for x in ([0.5, 1, 2], [1, 0.3, 1])]
HAZARD = [{"log_h": np.log(x)} for x in ([0.005, 0.01, 0.02], [0.01, 0.003, 0.02])]
BIAS = [{"bias": np.array(x), "log_s": np.full(3, 0.3)} for x in ([2.0, 1.0, 0.0], [1.0, 3.0, 0.0])]
HOURS = [{"cost_bps": np.array(x), "extra_bps": np.ones(3), "log_s": np.ones(3), "log_s_ratio": np.zeros(3),
          "c_hour": 0.5} for x in ([3.0, 2.0, 1.0], [4.0, 1.0, 2.0])]  # fmt: skip
TINY = {"rho_floor": 1e-9}
#: Model, evidence, options of both versions, that of the simple one, two points, and where the rich one is the simple
#: one: values of its sites, or evidence. Nats to which they then agree: where bursts are nothing, gamma functions of
#: 1e9 leave five digits.
LIMITS = {
    "labels without error": ("alpha_touch", of("fills"), {}, {"label_error": False}, ALPHA, None, 1e-9),
    "labels apart": ("alpha_touch", of("fills"), {"priors": AlphaPriors(**TINY)}, {"overdispersion": False},
                     ALPHA, {"rho": 0.0}, 1e-4),
    "windows alike": ("spread_floor_bps", of("fills"), {}, {"window_effect": False}, FLOOR, {"c": 0.0}, 1e-9),
    "a known scale": ("spread_floor_bps", of("fills"), {}, {"scale_bps": 2.0},
                      [x | {"log_s": np.ones(3)} for x in FLOOR], {"log_s": np.full(3, np.log(2.0))}, 1e-9),
    "one kappa": ("kappa", of("fills"), {}, {"window_effect": False}, FILLS, {"wander_kappa": 0.0}, 1e-8),
    "one kappa of Poisson fills": ("kappa", equal_depths(), {"overdispersion": False}, {"window_effect": False}, FILLS,
                                   {"wander_kappa": 0.0}, 1e-8),
    "fills apart": ("kappa", of("fills"), {"priors": KappaPriors(burst_floor=1e-9)}, {"overdispersion": False}, FILLS,
                    {"burst": 0.0}, 1e-3),
    "one kappa of walks": ("kappa", of("walks"), {}, {"window_effect": False}, WALKS, {"wander_kappa": 0.0}, 1e-8),
    "orders apart": ("kappa", of("walks"), {"priors": WalkPriors(burst_floor=1e-9, **TINY)}, {"overdispersion": False},
                     WALKS, {"burst": 0.0, "rho": 0.0}, 1e-3),
    "no excitation": ("hawkes", of("series"), {}, {"excitation": False}, FLOW, {"logit_n": np.full(3, -40.0)}, 1e-8),
    "no drift": ("local_level", of("series"), {}, {"drift": False}, LEVEL, {"log_q": np.full(3, -60.0)}, 1e-8),
    "no run goes on": ("bocpd_hazard_rate", of("series"), {}, {"censoring": False}, HAZARD, None, 1e-9),
    "unit scale": ("predictive_bias_sensitivity", of("features"), {}, {"unit_scale": True}, BIAS,
                   {"log_s": np.zeros(3)}, 1e-9),
    "hours alike": ("toxic_hour_gamma_mult", of("features"), {"hours": (1, 2)}, {"hour_effects": False}, HOURS,
                    {"c_hour": 0.0}, 1e-9),
}  # fmt: skip


def without_the_limit(case: str):
    """Evidence in which there is nothing that the assumption is about."""
    given = LIMITS[case][1]
    if case == "labels without error":
        clean = tuple(dataclasses.replace(c, false_positive=0.0) for c in given.alpha_touch)
        return dataclasses.replace(given, alpha_touch=clean)
    if case == "no run goes on":
        ended = tuple(dataclasses.replace(c, exposure_s=c.exposure_s - c.last_run_s, last_run_s=0.0)
                      for c in given.changes)  # fmt: skip
        return dataclasses.replace(given, changes=ended)
    return given


@pytest.mark.parametrize("case", LIMITS)
def test_the_rich_model_contains_the_simple_one_and_is_another(case):
    """Differences of log likelihood between two points, in nats."""
    model, given, both, simple, points, limit, within = LIMITS[case]

    def change(evidence, options, more):
        return np.diff([log_likelihood(model, evidence, both | options, x | more) for x in points])[0]

    poor = change(given, simple, {})
    assert change(without_the_limit(case), {}, limit or {}) == pytest.approx(poor, abs=within)
    assert abs(change(given, {}, {}) - poor) > 0.01


def test_labels_at_their_word_are_binomial_and_known_scales_normal():
    """Laws of scipy, event for event."""
    given = of("fills")
    options = {"label_error": False, "overdispersion": False, "pooling": False}
    ours = np.diff([log_likelihood("alpha_touch", given, options, x) for x in ALPHA])
    exact = [sum(stats.binom(c.total, special.expit(a)).logpmf(c.informed).sum()
                 for c, a in zip(given.alpha_touch, x["logit_alpha"], strict=True)) for x in ALPHA]  # fmt: skip
    np.testing.assert_allclose(ours, np.diff(exact), rtol=1e-9)
    options = {"scale_bps": 3.0, "window_effect": False, "pooling": False}
    ours = np.diff([log_likelihood("spread_floor_bps", given, options, x) for x in FLOOR])
    exact = [sum(stats.norm(a, 3.0).logpdf(m.values_bps).sum()
                 for m, a in zip(given.spread_floor_bps, x["adverse_bps"], strict=True)) for x in FLOOR]  # fmt: skip
    np.testing.assert_allclose(ours, np.diff(exact), rtol=1e-9)


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
def test_known_scales_and_dropped_runs_that_cannot_be_are_refused(backend):
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="scale_bps must be a positive number of bps, or None"):
            backend.spread_floor_bps(of("fills"), scale_bps=wrong)
    with pytest.raises(ValueError, match="where runs are marginalised none is known to be the last"):
        backend.bocpd_hazard_rate(of("series"), censoring=False, runs="marginalised")


def test_the_last_run_is_what_the_detector_watched_after_the_last_changepoint():
    """Second by second on the bundled tapes: the learner sees as much up to the changepoint as is left."""
    tape = mm.example(features=True)[0]
    counts = series_evidence(tape).changes[0]
    signals = tape.signals.dropna(subset="changepoint")
    last = signals.loc[signals["changepoint"] > 0.5, "ts"].max()
    until = dataclasses.replace(tape, signals=tape.signals[tape.signals["ts"] <= last])
    learner = HazardRate()
    complete = learner.update(learner.init(), until)
    assert 0 < counts.last_run_s < counts.exposure_s
    assert counts.watched_s(False) == pytest.approx(complete.exposure_s)
    assert complete.changes == counts.changes
    assert counts.watched_s(True) == counts.exposure_s


# Options by name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", fittable())
def test_both_backends_have_the_same_options(name):
    one, two = (options_of(model_of(name), backend) for backend in ("pymc", "numpyro"))
    assert {k: p.default for k, p in one.items()} == {k: p.default for k, p in two.items()}
    assert {s.option for s in steps(name)} <= set(one)


def test_words_become_options():
    assert parsed("spread_floor_bps", ["pooling=False", "scale_bps=2", "noise=student_t"]) == {
        "pooling": False, "scale_bps": 2.0, "noise": "student_t",
    }  # fmt: skip
    assert parsed("spread_floor_bps", ["scale_bps=none"]) == {"scale_bps": None}
    assert parsed("toxic_hour_gamma_mult", ["hours=1,2", "hour_effects=true"]) == {
        "hours": (1, 2), "hour_effects": True,
    }  # fmt: skip
    assert parsed_for(["kappa", "alpha_touch"], ["pooling=false"]) == {"pooling": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["noise=cauchy"], "option noise of spread_floor_bps is normal or student_t, got 'cauchy'"),
        (["pooling=1"], "option pooling of spread_floor_bps is true or false, got '1'"),
        (["scale_bps=true"], "option scale_bps of spread_floor_bps is a number or none, got 'true'"),
        (["pool=false"], "has no option 'pool'; there are noise, scale_bps, window_effect, pooling"),
        (["priors=1"], "has no option 'priors'"),
        (["pooling"], "an option is given as NAME=VALUE, got 'pooling'"),
        (["pooling=true", "pooling=false"], "option pooling is given twice"),
    ],
)
def test_words_that_are_no_options_are_refused(words, said):
    with pytest.raises(FitError, match=said):
        parsed("spread_floor_bps", words)


# Posteriors --------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("name", ["alpha_touch", "spread_floor_bps", "bocpd_hazard_rate", "hawkes_mu"])
def test_every_step_moves_the_posterior(name):
    """Mean or log sd of some asset by ten standard errors of its draws."""
    draws = {}
    for label, options in versions(name):
        posterior = fit(name, of(family_of(name)), "numpyro", chains=2, draws=2000, seed=1, progress=False, **options)
        draws[label] = posterior.posterior["posterior"][name].to_numpy().reshape(-1, 3)
    for (_, before), (label, after) in itertools.pairwise(draws.items()):
        sd, n = before.std(axis=0), before.shape[0] / 10
        shift = np.abs(after.mean(axis=0) - before.mean(axis=0)) / sd
        wider = np.abs(np.log(after.std(axis=0) / sd))
        assert max(shift.max(), wider.max()) > 10 / np.sqrt(n), label
