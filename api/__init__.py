"""The HTTP face: history, live feed, health and the reference page."""
