"""Learners in the loop: learn, quote, fill, learn, for thousands of markets at once, and the regret of learning.

`world` has the market and what is best in it, `makers` and its neighbours the learners, `run` the loop, `regret` the
curves. Loads JAX.
"""
