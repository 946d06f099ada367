"""What the paper leaves open: behavior, margins, responding quotas, measured curves, real models."""
