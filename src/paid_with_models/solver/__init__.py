"""How the best menu is found and bounded; flat inside, from ``routes`` down to ``sums``."""
