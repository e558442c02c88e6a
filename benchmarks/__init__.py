"""Benchmarks: ``python -m benchmarks.<name>`` prints how long a job takes on this machine."""
