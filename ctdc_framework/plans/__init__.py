"""A plan: candidates, stages, measures, gates, scenario; checked before data are read."""
