"""People look rather than read: the offline report, its figures and its tables."""
