"""The reference models as plain pm.Model objects."""
