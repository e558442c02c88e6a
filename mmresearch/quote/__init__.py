"""What to do: quotes from joint beliefs, and what a wrong belief costs."""
