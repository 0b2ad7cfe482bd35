"""Plugins: the hooks, what they offer, and how they are found, checked and named."""
