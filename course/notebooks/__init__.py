"""The notebooks: what a source notebook is, what it must keep to, and how its cells are run."""
