"""What would happen: worlds with a known truth that make tapes."""
