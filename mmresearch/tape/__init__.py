"""What happened: tapes, their adapters, markouts, labels and sufficient statistics."""
