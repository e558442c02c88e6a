"""How many fills until a number is known well enough."""
