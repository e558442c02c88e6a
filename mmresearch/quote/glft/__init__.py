"""The model of Avellaneda-Stoikov and GLFT, exactly: quotes, moments of any policy, what an error costs."""
