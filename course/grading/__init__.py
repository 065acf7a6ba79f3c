"""A class: grade it, read its results, report on it, give feedback."""
