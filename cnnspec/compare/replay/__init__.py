"""Each part alone, on the same inputs for both sides; then passes and steps against their parts."""
