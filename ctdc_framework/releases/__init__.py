"""A release as files: written whole or not at all, read again, and verified."""
