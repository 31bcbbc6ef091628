"""What a fault is, what it would give, and whether that explains what was found."""
