"""The reference models as plain NumPyro callables."""
