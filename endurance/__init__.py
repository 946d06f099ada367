"""What runs for minutes to hours, to find what tests miss; with its stored results."""
