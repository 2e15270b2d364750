"""Outgoing webhooks: who subscribed to which news, what is posted to them, and how they fare."""
