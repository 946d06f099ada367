"""The book's machinery: executes the chapters and builds the site. It knows no economics."""
