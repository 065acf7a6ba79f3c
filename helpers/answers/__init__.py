"""Finished parts of the course, for later chapters to build on; each answers exercises before it.

While work is graded, student code can import a module of this folder only if a chapter before it
lists it in its `assignment.toml`.
"""
