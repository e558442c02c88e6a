# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The whole chain in one minute
#
# **Question.** A market maker learns kappa, the decay of its fill intensity with depth, by a conjugate shortcut. Does a
# full hierarchical MCMC fit agree, and what does the difference cost?
#
# **Answer.** A rule that counts fills *against exposure* agrees with the full model and is certified. The deployed rule
# does not learn kappa at all: its number has the wrong unit, and quoting from it costs basis points on every trade.
#
# tape → evidence → belief → quote → world → audit → picture: one cell each.

# %%
# %matplotlib inline
import numpy as np
import pymc as pm

import mmresearch as mm
from mmresearch.audit.run import audit
from mmresearch.report.figures import forest, scores
from mmresearch.report.grouping import by_parameter
from mmresearch.tape.inspect import inspect

# %% [markdown]
# ## Tape: what happened
#
# Invented assets whose truths are known, so that everything below can be checked. With your own data this line is
# `mm.read("path/to/tape")`: a Parquet tape, a vendor's file, or the stem of a CSV pair.

# %%
tapes = [tape.between(0.0, 3600.0) for tape in mm.example()[:4]]
truths = mm.example_truths()
inspect(tapes[0])

# %% [markdown]
# ## Evidence: what it amounts to
#
# A learner's state and a model's data are the same sufficient statistics: order-seconds and fills by depth. Ten million
# fills cost what a thousand do.

# %%
evidence = mm.evidence(tapes)
for counts in evidence.kappa:
    print(f"{counts.asset}: {counts.fills.sum():4.0f} fills in {counts.exposure_s.sum():5.0f} order-seconds")

# %% [markdown]
# ## Belief: a sound shortcut and the deployed rule
#
# Fed in slices of a minute, as a live system would. Both start from one prior, a Gamma of mean 2000 and strength 4.

# %%
learners = {"sound": mm.learn.KappaExposure(), "deployed": mm.learn.DeployedKappa()}
truth = truths[tapes[0].asset]["kappa"]
print(f"truth of {tapes[0].asset}: {truth:.0f}")
for name, learner in learners.items():
    belief = learner.posterior(mm.learn.run(learner, tapes[0], slice_s=60.0))
    low, high = belief.ppf(np.array([0.05, 0.95]))
    print(f"{name:8}  mean {belief.mean():5.0f}   90 % between {low:.0f} and {high:.0f}")

# %% [markdown]
# ## The full model: a plain `pm.Model`
#
# Hierarchical across assets, with a kappa that wanders from window to window. It is yours to sample, extend and plot by
# PyMC's own means; `mm.models.numpyro.kappa(evidence)` is the same model as a NumPyro callable.

# %%
with mm.models.pymc.kappa(evidence):
    draws = pm.sample(nuts_sampler="nutpie", draws=500, tune=500, target_accept=0.98, random_seed=1, progressbar=False)[
        "posterior"
    ]
for asset, kappa in draws["kappa"].groupby("asset"):
    z = float((kappa.mean() - truths[asset]["kappa"]) / kappa.std())
    print(f"{asset}: the truth is less than three posterior sds away: {abs(z) < 3}")

# %% [markdown]
# ## Quote: the joint belief decides
#
# Fills tell A and kappa together, so the quote maximises the expected edge under their *joint* draws.

# %%
cost_bps = truths[tapes[0].asset]["spread_floor_bps"]
first = draws.sel(asset=tapes[0].asset)
market = mm.quote.edge.Market(first["kappa"].to_numpy().ravel() * 1e-4, first["A"].to_numpy().ravel())
best = cost_bps + 1e4 / truth
print(f"best quote if the truth were known: {best:.1f} bps from the mid")
print("quote from the joint belief within half a bp of it:", abs(market.best_depth_bps(cost_bps) - best) < 0.5)

# %% [markdown]
# ## World and audit: is the shortcut right, and what does it cost?
#
# Each learner is sent through simulated worlds whose truth is known, and its belief about every tape is held against
# the full model. A failing check names the fault; the last column prices the difference.

# %%
found = audit(tapes, list(learners.values()), backend="pymc", quick=True, seed=1, truths=truths).audit
table = found.table[["learner", "asset", "verdict"]].assign(
    honest_width=found.table["sd_ratio"].between(0.8, 1.25), costs_over_a_tenth_of_a_bp=found.table["regret_bps"] > 0.1
)
table

# %%
for certificate in found.certificates[:: len(tapes)]:
    print(f"{certificate.learner}")
    print(certificate.table[["check", "status"]].to_string(index=False), end="\n\n")

# %% [markdown]
# ## Picture
#
# Grey: the full model's 90 % interval. Coloured: the learner's. Triangle: the truth.

# %%
(group,) = by_parameter(found)
forest(group)

# %%
scores(group)

# %%
verdicts = found.table.groupby("learner")["verdict"].unique().explode()
assert set(verdicts["KappaExposure"].split()) == {"certified"}
assert verdicts["DeployedKappa"] == "broken accounting"
assert found.table.query("learner == 'DeployedKappa'")["regret_bps"].min() > 0.1  # the tolerance
