"""How many hierarchies a minute are fitted without a sampler, beside one fit by NUTS of the same model and data.

Worlds of eight assets draw their hazards from the hyperpriors and their changepoints from the hazards; every one is
fitted by quadrature, on all cores. The first is fitted by PyMC with nutpie too, compiled beforehand, 4 chains of 1000.
"""

from __future__ import annotations

import time

import numpy as np

from mmresearch.models.fit import fit
from mmresearch.models.marginal.fits import BLOCK, marginal_fits
from mmresearch.models.marginal.quadrature import Population
from mmresearch.models.series import ChangeCounts, EventTimes, SeriesEvidence
from mmresearch.models.series_priors import HazardPriors

FITS, ASSETS, TURNS = 4096, 8, 3


def drawn(fits: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, Population]:
    """Changepoints and exposures of some worlds, and the population that they come from."""
    p, rng = HazardPriors(), np.random.default_rng(seed)
    m = rng.normal(p.h_location, p.h_scale, (fits, 1))
    tau = rng.lognormal(np.log(p.tau_h_median), p.tau_h_log_sd, (fits, 1))
    exposure = 10 ** rng.uniform(2.5, 4.5, (fits, ASSETS))
    k = rng.poisson(np.exp(m + tau * rng.normal(size=(fits, ASSETS))) * exposure)
    return k, exposure, Population(p.h_location, p.h_scale, float(np.log(p.tau_h_median)), p.tau_h_log_sd)


def main() -> None:
    """Print seconds and fits a minute."""
    k, exposure, population = drawn(FITS)
    start = time.perf_counter()
    marginal_fits("poisson", (k[:BLOCK], exposure[:BLOCK]), population)
    print(f"quadrature, first block with compilation   {time.perf_counter() - start:8.2f} s")
    best = np.inf
    for _ in range(TURNS):
        start = time.perf_counter()
        found = marginal_fits("poisson", (k, exposure), population)
        best = min(best, time.perf_counter() - start)
    print(f"quadrature, {FITS} fits of {ASSETS} assets           {best:8.2f} s   {60 * FITS / best:.3g} fits a minute")
    names = [f"A{i}" for i in range(ASSETS)]
    counts = tuple(
        ChangeCounts(name, *map(float, one), 1.0) for name, *one in zip(names, k[0], exposure[0], strict=True)
    )
    silent = tuple(EventTimes(name, np.empty(0), 0.0, 0.0) for name in names)
    series = SeriesEvidence(silent, (), (), counts)
    for what in ("with compilation", "again"):
        start = time.perf_counter()
        sampled = fit("bocpd_hazard_rate", series, progress=False)
        print(f"NUTS, one fit, {what:27} {time.perf_counter() - start:8.2f} s   tries {sampled.tries}")
    draws = sampled.posterior["posterior"]["bocpd_hazard_rate"].transpose("asset", ...).to_numpy().reshape(ASSETS, -1)
    z = (draws.mean(axis=1) - found.mean[0]) / (draws.std(axis=1) / np.sqrt(sampled.gate.min_ess))
    print(f"largest difference of a mean between the two: {abs(z).max():.1f} Monte Carlo standard errors")


if __name__ == "__main__":
    main()
