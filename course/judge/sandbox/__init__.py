"""Where student code runs: a confined process, forked from a warm server."""
