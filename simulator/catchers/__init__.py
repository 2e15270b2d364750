"""Providers that deliver to nobody: mail, SMS and push are caught, recorded and shown on a page."""
