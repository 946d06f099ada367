"""What figures draw and takes minutes to measure, with its stored results."""
