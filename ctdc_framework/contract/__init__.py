"""The values that strategies and measures are handed and give back."""
