"""Tell two codebooks apart: what is coarser, laxer, renamed or new, and the version it asks for."""
