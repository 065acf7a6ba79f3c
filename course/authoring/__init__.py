"""For authors: releases, expected figures, the table of exercises, the mutants that test checks."""
