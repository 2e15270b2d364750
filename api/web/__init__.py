"""The reference page: what a person without any frontend opens."""
