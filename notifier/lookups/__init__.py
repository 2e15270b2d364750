"""Asking providers what became of messages that they took, or may have taken."""
