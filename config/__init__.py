"""Frozen, typed settings: defaults, then the environment's file, then environment variables."""
