"""Measurements of the grader; each module runs by itself and prints a table in Markdown."""
