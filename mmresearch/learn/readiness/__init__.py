"""When a learned number may be used: its age, its state, and what stands in for it."""
