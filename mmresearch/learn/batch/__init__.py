"""Calibration from whole tapes, right and as deployed."""
