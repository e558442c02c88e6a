"""Worlds: a known truth and a quoting policy in, a tape out. The only source of synthetic data.

`simulate` plays one asset; a `World` plays several whose truths come from a population. `plain` is the world of one
catalogue parameter with the assumptions that the catalogue states: the parameter has the value given, everything else
is drawn from the population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmresearch.sim.market import play
from mmresearch.sim.policies import Policy, Rotating
from mmresearch.sim.population import Hyper, population
from mmresearch.sim.truth import PLAIN, Stress, Truth, with_values
from mmresearch.tape.schema import Tape

DEFAULT_POLICY = Rotating()


def simulate(
    truth: Truth,
    seconds: float,
    policy: Policy = DEFAULT_POLICY,
    seed: int | Sequence[int] = 0,
    stress: Stress = PLAIN,
    quote_s: float = 0.25,
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
    quote_s: float = 0.25

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
    parameter: str, theta: float, seconds: float, seed: int, policy: Policy | None = None, **nuisance: float
) -> Tape:
    """Simulate the plain world of one parameter.

    Parameters
    ----------
    parameter : {"kappa", "alpha_touch", "spread_floor_bps"}
        Whose world.
    theta : float
        Its truth, in the catalogue unit.
    seconds : float
        Length of the tape.
    seed : int
        Draws the nuisances and the tape.
    policy : Policy, optional
        How we quote.
    **nuisance : float
        Fields of `Truth` to hold fixed.

    Returns
    -------
    Tape

    Raises
    ------
    ValueError
        If the parameter has no world, or the truth is outside its range.
    """
    return play(plain_truth(parameter, theta, seed, **nuisance), seconds, policy or DEFAULT_POLICY, seed)


def plain_truth(parameter: str, theta: float, seed: int, **nuisance: float) -> Truth:
    """Truth of the plain world: the parameter as given, the rest from the population; see `plain`."""
    drawn = population(1, seed)[0]
    if parameter in ("kappa", "alpha_touch"):
        return with_values(drawn, **{parameter: theta, **nuisance})
    if parameter == "spread_floor_bps":
        # Every fill moves the mid by a Normal amount, so that markouts are Normal with an unknown scale.
        spread = float(np.random.default_rng([seed, 1]).lognormal(np.log(4.0), 0.3))
        given = {"alpha_touch": 1.0, "adverse_bps": theta - drawn.fee_bps, "adverse_sd_bps": spread, **nuisance}
        return with_values(drawn, **given)
    raise ValueError(f"{parameter} has no world yet; kappa, alpha_touch and spread_floor_bps have one")
