"""Many learners of one family updated together."""
