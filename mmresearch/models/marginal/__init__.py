"""Hierarchies with one effect per asset, fitted without a sampler: effects integrated out, the rest by quadrature."""
