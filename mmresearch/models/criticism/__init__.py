"""Criticism of the reference models: predictive densities by row, leave-one-out, residuals, replicated quantities."""
