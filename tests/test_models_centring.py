"""Weights of the asset effects: one where data are sharp, zero where they are dull, and the same law at any weight."""

import inspect
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pymc as pm
import pytest

from mmresearch.models import centring
from mmresearch.models.centring import depth_weights, fixed, label_weights, markout_weights, walk_weights
from mmresearch.models.data import DepthData, LabelData, MarkoutData, WalkData
from mmresearch.models.numpyro.effects import effect as numpyro_effect
from mmresearch.models.pymc.effects import effect as pymc_effect

pytestmark = pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning")

NAMES = ("NONE", "LITTLE", "SOME", "MUCH")
#: Events a window; and windows, many where there are many events, since windows wander.
EVENTS, WINDOWS = np.array([0, 2, 20, 2000]), np.array([1, 1, 6, 60])
ROWS = np.repeat(np.arange(4), WINDOWS)


def labels() -> LabelData:
    total = EVENTS[ROWS]
    return LabelData(NAMES, ROWS, total // 4, total, np.zeros(4))


def markouts() -> MarkoutData:
    n = EVENTS[ROWS].astype(float)
    dof = np.bincount(ROWS, np.maximum(n - 1, 0), minlength=4)
    mean = np.array([0.0, 3.0, 4.0, 5.0])[ROWS]
    nothing = np.zeros(0)
    return MarkoutData(
        NAMES, ROWS, n, mean, np.maximum(16.0 * dof, 1e-4), dof, np.full(4, 1.5), nothing.astype(int), nothing
    )


def depths() -> DepthData:
    """Orders as long at each of eight depths, and fills as deep as kappa = .2 per bp makes them."""
    depth = np.array([1.0, 2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 20.0])
    met = np.exp(-0.2 * depth) / np.exp(-0.2 * depth).sum()
    reference = float(met @ depth)
    each = np.ones((ROWS.size, 8))
    return DepthData(
        NAMES, 60, ROWS, ROWS, each, each * (depth - reference), EVENTS[ROWS], np.zeros(ROWS.size),
        np.full(4, reference),
    )  # fmt: skip


def walks() -> WalkData:
    one = np.ones(ROWS.size)
    return WalkData(NAMES, 60, ROWS, ROWS, one, 4 * EVENTS[ROWS], EVENTS[ROWS], one, one, np.ones(4))


WEIGHTS = {
    "logit alpha": lambda: label_weights(labels()),
    "adverse move": lambda: markout_weights(markouts())[0],
    "log sd of moves": lambda: markout_weights(markouts())[1],
    "log kappa": lambda: depth_weights(depths())[0],
    "log intensity": lambda: depth_weights(depths())[1],
    "log kappa of walks": lambda: walk_weights(walks())[0],
    "logit of walking": lambda: walk_weights(walks())[1],
    "log rate of orders": lambda: walk_weights(walks())[2],
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_grow_from_nothing_to_one_with_the_data(name):
    weights = WEIGHTS[name]()
    assert weights.shape == (4,)
    assert ((weights >= 0) & (weights <= 1)).all()
    assert (np.diff(weights) > 0).all()
    # The rate of orders has four times the events, so even two say something.
    assert weights[0] < 0.15
    assert weights[3] > 0.9


def test_windows_that_wander_bound_what_one_window_tells():
    """A million events of one window are one draw of what wanders; over sixty windows it is averaged out."""
    asset, counts = np.array([0, *[1] * 60]), np.array([6_000_000, *[100_000] * 60])
    one, many = label_weights(LabelData(("ONE", "MANY"), asset, counts // 4, counts, np.zeros(2)))
    assert one == pytest.approx(centring.LOGIT_SPREAD**2 / (centring.LOGIT_SPREAD**2 + centring.WANDER**2), rel=1e-3)
    assert many > 0.99 > 0.85 > one


@pytest.mark.parametrize("informed", [0, 1])
def test_labels_that_are_all_alike_are_not_sharp_however_many(informed):
    """Without one label of the other kind a logit has no end."""
    total = EVENTS[ROWS]
    assert (label_weights(LabelData(NAMES, ROWS, informed * total, total, np.zeros(4))) < 0.1).all()


def test_fills_at_one_depth_say_nothing_of_kappa():
    """Who quotes at the touch alone learns the intensity there, and not how it decays."""
    each = np.ones((ROWS.size, 1))
    touch = replace(depths(), exposure_s=each, depth_bps=0 * each)
    kappa, intensity = depth_weights(touch)
    assert (kappa < 0.15).all()
    assert intensity[3] > 0.9


def test_what_fills_say_of_kappa_is_the_curvature_of_their_likelihood():
    """Worked out by second differences at the peak, which is at .2 per bp; a fill says less than a free distance."""
    data = depths()
    last = ROWS == 3
    n, depth = data.fills[last].sum(), data.depth_bps[-1]

    def value(log_kappa):
        return -n * np.log(np.exp(-np.exp(log_kappa) * depth).sum())

    at, h = np.log(0.2), 1e-3
    curvature = -(value(at + h) - 2 * value(at) + value(at - h)) / h**2
    spread2 = centring.KAPPA_SPREAD**2
    few = replace(data, fills=np.where(last, 2, data.fills))  # of many fills the weight is one, and hides its parts
    weight = depth_weights(few)[0][3]
    information = 1 / (spread2 * (1 / weight - 1) - centring.WANDER**2 / 60) - 0.5
    assert information == pytest.approx(curvature * 120 / n, rel=0.01)
    assert information < 120


def test_an_asset_without_moves_is_not_centred_and_leaves_the_others_alone():
    with_it, without = (markout_weights(replace(markouts(), asset=a)) for a in (ROWS, np.maximum(ROWS, 1)))
    assert with_it[0][0] == 0.0
    np.testing.assert_allclose(with_it[0][2:], without[0][2:], rtol=0.1)
    # One move in every window: no variance can be told within any, the others' stands in.
    single = replace(markouts(), n=np.ones(ROWS.size), dof=np.zeros(4), m2=np.full(4, 1e-4))
    by_prior, _ = markout_weights(single)
    assert (by_prior[:2] < 0.1).all()
    nothing = replace(markouts(), n=np.zeros(ROWS.size), dof=np.zeros(4), m2=np.full(4, 1e-4))
    np.testing.assert_array_equal(markout_weights(nothing)[0], np.zeros(4))


@pytest.mark.parametrize("of", [label_weights, markout_weights, depth_weights, walk_weights])
def test_one_asset_alone_has_weights(of):
    kind = inspect.signature(of, eval_str=True).parameters["data"].annotation
    whole = {LabelData: labels, MarkoutData: markouts, DepthData: depths, WalkData: walks}[kind]()
    last = ROWS == 3
    fields = {k: v[last] for k, v in vars(whole).items() if isinstance(v, np.ndarray) and v.shape[:1] == ROWS.shape}
    fields |= {k: v[3:] for k, v in vars(whole).items() if isinstance(v, np.ndarray) and v.shape == (4,)}
    found = of(replace(whole, **{**fields, "assets": ("MUCH",), "asset": np.zeros(60, dtype=int)}))
    for weights in found if isinstance(found, tuple) else (found,):
        assert weights.shape == (1,)
        assert weights[0] > 0.9


def test_forms_by_name():
    weights = np.array([0.2, 0.7])
    np.testing.assert_array_equal(fixed("auto", weights), weights)
    np.testing.assert_array_equal(fixed("centred", weights), [1.0, 1.0])
    np.testing.assert_array_equal(fixed("noncentred", weights), [0.0, 0.0])
    with pytest.raises(ValueError, match="auto, centred or noncentred, got 'centered'"):
        fixed("centered", weights)  # type: ignore[arg-type]


# The same law at any weight: z standard deviations of y from its mean are z sds of x from its own -------------------

MU, TAU, Z = 1.7, 0.6, np.array([-2.0, -0.5, 0.0, 1.3, 3.0])
AT = np.array([0.0, 0.25, 0.5, 0.93, 1.0])


def test_an_effect_has_its_law_whatever_its_weight_in_numpyro():
    y = AT * MU + TAU**AT * Z

    def model():
        with numpyro.plate("asset", 5):
            numpyro.deterministic("x", numpyro_effect("y", MU, TAU, AT))

    with jax.enable_x64(True):
        given = numpyro.handlers.substitute(model, {"y": jnp.asarray(y)})
        sites = numpyro.handlers.trace(given).get_trace()
        density = np.asarray(sites["y"]["fn"].log_prob(y)) - (1 - AT) * np.log(TAU)  # y -> x stretches by tau^(1 - w)
        np.testing.assert_allclose(sites["x"]["value"], MU + TAU * Z)
        np.testing.assert_allclose(density, dist.Normal(MU, TAU).log_prob(MU + TAU * Z))


def test_an_effect_has_its_law_whatever_its_weight_in_pymc():
    y = AT * MU + TAU**AT * Z
    with pm.Model(coords={"asset": range(5)}) as model:
        x = pymc_effect("y", pm.math.constant(MU), pm.math.constant(TAU), AT)
    np.testing.assert_allclose(x.eval({model["y"]: y}), MU + TAU * Z)
    density = pm.logp(model["y"], y).eval() - (1 - AT) * np.log(TAU)
    np.testing.assert_allclose(density, np.asarray(dist.Normal(MU, TAU).log_prob(MU + TAU * Z)), rtol=1e-5)
