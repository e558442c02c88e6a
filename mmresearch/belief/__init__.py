"""What we think: conjugate families, densities on a grid, and the catalogue of parameters."""
