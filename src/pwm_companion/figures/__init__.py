"""The files of figures, their list, and the pages about them."""
