"""What the paper leaves open: behavior, margins, quotas, measured curves, real models."""
