"""Worlds: a known truth and a quoting policy in, a tape out. The only source of synthetic data.

`simulate` plays one asset; a `World` plays several whose truths come from a population. `plain` is the world of one
catalogue parameter with the assumptions that the catalogue states: the parameter has the value given, everything else
is drawn from the population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mmresearch.sim.dynamics import FEATURES
from mmresearch.sim.feature_population import FeatureHyper
from mmresearch.sim.market import play
from mmresearch.sim.plain import PLAIN_QUOTE_S, plain_truth
from mmresearch.sim.policies import Policy, Rotating
from mmresearch.sim.population import Hyper, population
from mmresearch.sim.truth import PLAIN, Stress, Truth
from mmresearch.tape.schema import Tape

DEFAULT_POLICY = Rotating()
QUOTE_S = 0.25
#: A population that has every feature at once, at moderate sizes. Ticks are a tenth of the usual, so that rounding adds
#: little to the noise of quotes; the hours named toxic are none of the first, so that short tapes have the plain floor.
#: Over thirty assets kappa and the floor were recovered as in the plain world; labels of 5 bps fired more often than
#: alpha by .01 at most, because of the volatility of the lively regime.
EVERYTHING = Hyper(alpha_decay_bps=15.0, tick_ratio=0.1, features=FeatureHyper(on=tuple(FEATURES)))


def simulate(
    truth: Truth,
    seconds: float,
    policy: Policy = DEFAULT_POLICY,
    seed: int | Sequence[int] = 0,
    stress: Stress = PLAIN,
    quote_s: float = QUOTE_S,
) -> Tape:
    """Play one asset for some time; see `mmresearch.sim.market.play`."""
    return play(truth, seconds, policy, seed, stress, quote_s)


@dataclass(frozen=True)
class World:
    """Several assets whose truths come from one population, quoted by one policy.

    Attributes
    ----------
    assets : int
        How many.
    seconds : float
        Length of each tape.
    policy : Policy
        How we quote.
    hyper : Hyper
        The population.
    stress : Stress
        Departures from the plain assumptions.
    quote_s : float
        Mean time between quotes.
    """

    assets: int = 8
    seconds: float = 7200.0
    policy: Policy = DEFAULT_POLICY
    hyper: Hyper = field(default_factory=Hyper)
    stress: Stress = PLAIN
    quote_s: float = QUOTE_S

    def truths(self, seed: int) -> list[Truth]:
        """Draw the truths of the assets."""
        return population(self.assets, seed, self.hyper)

    def tapes(self, seed: int) -> list[Tape]:
        """Play the assets whose truths are `truths` of the same seed; asset i is seeded by (seed, i)."""
        return [
            simulate(truth, self.seconds, self.policy, [seed, i], self.stress, self.quote_s)
            for i, truth in enumerate(self.truths(seed))
        ]


def plain(
    parameter: str, theta: float, seconds: float, seed: int, policy: Policy | None = None, **nuisance: Any
) -> Tape:
    """Simulate the plain world of one parameter.

    Parameters
    ----------
    parameter : str
        Whose world: one of `mmresearch.sim.plain.PLAIN_PARAMETERS`.
    theta : float
        Its truth, in the catalogue unit.
    seconds : float
        Length of the tape.
    seed : int
        Draws the nuisances and the tape.
    policy : Policy, optional
        How we quote.
    **nuisance
        Values of the truth to hold fixed; see `mmresearch.sim.plain.plain_truth`.

    Returns
    -------
    Tape

    Raises
    ------
    ValueError
        If the parameter has no world, or the truth is outside its range.
    """
    truth = plain_truth(parameter, theta, seed, **nuisance)
    quote_s = PLAIN_QUOTE_S.get(parameter, QUOTE_S)
    return play(truth, seconds, policy or DEFAULT_POLICY, seed, quote_s=quote_s)
