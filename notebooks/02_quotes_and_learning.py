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
# # What to quote, and what learning it costs
#
# **Question.** A market maker is filled at rate $A e^{-\kappa d}$ at depth $d$. What are the best quotes, what do wrong
# numbers cost, and what does it lose while it learns them from its own fills?
#
# **Answer.** The best quotes, the moments of any policy and the cost of wrong numbers are exact: no simulation, no
# fitted factor. A posterior that counts what was *not* filled too stops losing: its regret grows like $\ln T$. The
# deployed rule loses for ever, most of what there is to gain.

# %%
# %matplotlib inline
import numpy as np
import pandas as pd

import mmresearch as mm
from mmresearch.quote.glft.bernoulli_steps import step_moments
from mmresearch.report.glft_figures import quotes_figure, regret_figure
from mmresearch.report.loop_figures import growth_figure
from mmresearch.sim.loop.deployed import FillsPerSecond
from mmresearch.sim.loop.exposure import population_prior
from mmresearch.sim.loop.makers import FillDistances
from mmresearch.sim.loop.posterior import JointPosterior, PlugIn
from mmresearch.sim.loop.regret import regret_curve
from mmresearch.sim.loop.world import Setting, draw_truths
from mmresearch.sim.paths.policies import affine_policy, table_policy
from mmresearch.sim.paths.schemes import Events, Steps

pd.set_option("display.width", 160)

# %% [markdown]
# ## Quotes, exactly
#
# Prices in bps of the mid, time in seconds: $\kappa$ is 0.2 per bp, or 2000 per unit of price. Near the horizon the
# maker stops leaning against its inventory; far from it the quotes stand still.

# %%
market = mm.Model(sigma=1.0, A=0.5, k=0.2, gamma=0.01, T=300.0, Q=10)
quotes_figure(market)

# %% [markdown]
# ## What wrong numbers cost
#
# Loss of the certainty equivalent per second in the long run, as a share of what the exact quotes gain. An error in A
# costs something only where inventory does (right). Wrong by a third in $\kappa$ alone:

# %%
ratios = np.geomspace(0.4, 2.5, 48)
found = mm.regret_map(market, ratios, ratios, [0.001, 0.01, 0.1])
at = mm.regret_map(market, [2 / 3, 1.0, 3 / 2], [1.0], [0.001, 0.01, 0.1])
print(pd.DataFrame(at.fraction[:, 0], index=at.gamma, columns=["2/3 of kappa", "kappa", "3/2 of kappa"]).round(4).abs())
regret_figure(found)

# %% [markdown]
# ## The simulator has the exact moments
#
# From event to event there is no error of time, so that all that is left is Monte Carlo error: $z$ is the difference in
# standard errors.

# %%
table = mm.policy(market, intervals=60)
exact = mm.moments(table, market)
made = mm.simulate_paths(market, table_policy(table, 300.0), Events(), paths=40_000, seed=1, progress=False)
rows = {
    name: (getattr(exact, name), getattr(made, name), getattr(made, f"{name}_se"))
    for name in ("mean", "sd", "certainty_equivalent", "sd_q", "mean_fills")
}
moments = pd.DataFrame.from_dict(rows, orient="index", columns=["exact", "simulated", "se"])
moments["z"] = (moments["simulated"] - moments["exact"]) / moments["se"]
moments.round({"exact": 3, "simulated": 3, "se": 3, "z": 1})

# %% [markdown]
# ## Two policies, paired, until the error is small enough
#
# Under common random numbers the difference of two policies is known better than either. The run stops when its
# standard error is below 0.25 bps. Time passes in steps of 0.2 s here, with one fill a side in each at most: a scheme
# that has exact moments of its own, a little off those of continuous time.

# %%
wrong = mm.Model(**{**vars(market), "k": 0.18, "xi": None})
believed = {"believes 0.20": market, "believes 0.18": wrong}
scheme = Steps(1500)
paired = mm.compare_policies(
    market, {name: affine_policy(m, "closed") for name, m in believed.items()}, scheme,
    paths=10**6, seed=2, until_se=0.25, block=2, progress=False,
)  # fmt: skip
tables = {name: mm.policy(m, "closed") for name, m in believed.items()}
stepped = {
    name: step_moments(*(np.broadcast_to(side, (scheme.steps, side.size)) for side in (t.bid, t.ask)), market).mean
    for name, t in tables.items()
}
difference = paired.differences.loc["believes 0.18"]
alone = float(np.hypot(*(s.mean_se for s in paired.statistics.values())))
wanted = stepped["believes 0.18"] - stepped["believes 0.20"]
continuous = mm.moments(tables["believes 0.18"], market).mean - mm.moments(tables["believes 0.20"], market).mean
mean, error, paths = difference[["difference", "se", "paths"]]
print(f"difference of means  {mean:.2f} +/- {error:.2f}, {paths:,.0f} paths")
print(f"without pairing      +/- {alone:.2f}")
print(f"exact, of the steps  {wanted:.2f};  in continuous time {continuous:.2f}")

# %% [markdown]
# ## Learners in the loop
#
# Each learner quotes, is filled, learns, and quotes again, in 96 markets of one population, for an hour, under the same
# draws. The band is the mean and two standard errors. The hierarchical prior was fitted to forty other assets. Kappa as
# deployed takes its own fills per second for a property of the market: wider quotes, fewer fills, wider quotes.

# %%
others = draw_truths(40, seed=31)
learners = [
    FillsPerSecond(),
    FillDistances(),
    JointPosterior(),
    PlugIn(name="plug-in"),
    PlugIn(population_prior(others.A, others.kappa), name="hierarchical prior"),
    PlugIn(known_A=True, name="A known"),
]
curves = regret_curve(learners, draw_truths(96, seed=1), Setting(cost=1.5), intervals=4 * 3600, seed=3, looks=13)
posteriors = ["joint posterior", "plug-in", "hierarchical prior"]
growth_figure(curves, {"A and kappa learned": posteriors, "A known": ["A known"]})

# %% [markdown]
# ## The law of growth
#
# The exponent of $T$ over the last decade: 1 loses for ever, a logarithm tends to 0. Where A is learned as well, only
# the lean of the quotes by inventory tells A from $\kappa$, and an hour is early; `make figures` runs nine.

# %%
ends = curves.table().groupby("maker", sort=False).last()[["regret_bps", "regret_se", "fills"]]
exponents = {name: curves.exponent(name, 360.0) for name in curves.makers}
ends["exponent"], ends["exponent_se"] = zip(*(exponents[name] for name in ends.index), strict=True)
ends.round({"regret_bps": 0, "regret_se": 0, "fills": 0, "exponent": 2, "exponent_se": 2})

# %%
assert moments["z"].abs().max() < 4
assert abs(difference["difference"] - wanted) < 4 * difference["se"]
assert alone > 2 * difference["se"]
assert ends["exponent"]["as deployed"] > 0.95 > ends["exponent"]["hierarchical prior"] > ends["exponent"]["A known"]
assert ends["regret_bps"]["as deployed"] > 20 * ends["regret_bps"]["plug-in"]
