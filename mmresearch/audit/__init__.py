"""Do they agree: checks, findings, verdicts and certificates."""
