"""What may be asked of a verdict: what a bound is made of, the smallest spec that fails."""
