"""The paper's experiments as data, and its published numbers beside the exact ones."""
