"""What is kept on disk: versioned, atomic, with the generation before."""
