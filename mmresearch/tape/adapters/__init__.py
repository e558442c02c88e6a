"""One module per vendor format; each returns a Tape."""
