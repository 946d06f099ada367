"""What the paper leaves open: behavior, margins, other laws of attendance, real models."""
