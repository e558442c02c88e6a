"""Reference models fitted by MCMC: hierarchical across assets, in PyMC and in NumPyro."""
