"""SMS providers, each by an adapter of its own that keeps the provider's id and status."""
