"""Affine maps of the input: convolutions and linear layers, and the faults they share."""
