"""The right learners: one module a parameter, or a family of parameters that share their data."""
