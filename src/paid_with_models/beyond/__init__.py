"""What the paper leaves open: behavior, margins, other laws, quotas that respond, real models."""
