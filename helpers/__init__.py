"""What the course's notebooks import: data, gradients, checks, plots and finished parts."""
