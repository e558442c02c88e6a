"""Settings of all tests: examples of hypothesis have no deadline, so that a busy machine fails nothing."""

from hypothesis import settings

settings.register_profile("timeless", deadline=None)
settings.load_profile("timeless")
