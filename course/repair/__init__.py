"""A submission, whatever was handed in, made into a notebook that nbgrader can grade."""
