"""The book's machinery: executes the chapters, builds the site, and holds the command ``pwm``."""
