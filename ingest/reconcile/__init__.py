"""Reconciling: what the contract itself keeps, compared with what its events told us."""
