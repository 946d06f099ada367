"""What is published: the PDF, archives, a release."""
