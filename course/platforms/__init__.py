"""Into and out of a learning platform: rosters, due dates, hand-ins, grades, feedback files."""
