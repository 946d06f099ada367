"""Second opinions on a contract, which trust nothing of the solver but its moments, or nothing."""
