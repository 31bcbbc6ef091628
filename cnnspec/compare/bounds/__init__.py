"""What rounding explains: of a layer alone, and carried through a whole pass."""
