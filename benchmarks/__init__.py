"""Speed and scale: the library beside the published method. ``make bench`` runs everything."""
