"""What releases claim, and the recounts that show whether a claim holds."""
