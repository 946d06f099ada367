"""From chapters to the site."""
