"""Paths of market makers by the million: JAX, counter-based random numbers, statistics streamed in leaves."""
