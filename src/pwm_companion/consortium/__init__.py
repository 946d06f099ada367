"""A consortium of one's own: its file, what changes if it changes, and the report."""
