"""Worlds: a known truth and a quoting policy in, a tape out. The only source of synthetic data.

`simulate` plays one asset. `plain` is the world of one catalogue parameter with the assumptions that the catalogue
states: the parameter has the value given, everything else is drawn from the population.
"""

from __future__ import annotations

import numpy as np

from mmresearch.sim.market import PLAIN, Stress, Truth, play, with_values
from mmresearch.sim.policies import Policy, Rotating
from mmresearch.sim.population import population
from mmresearch.tape.schema import Tape

DEFAULT_POLICY = Rotating()


def simulate(
    truth: Truth,
    seconds: float,
    policy: Policy = DEFAULT_POLICY,
    seed: int = 0,
    stress: Stress = PLAIN,
    quote_s: float = 0.25,
) -> Tape:
    """Play one asset for some time; see `mmresearch.sim.market.play`."""
    if not seconds > 0:
        raise ValueError(f"a tape must last a positive time, got {seconds} s")
    return play(truth, seconds, policy, seed, stress, quote_s)


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
        If the parameter has no world.
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
