"""What both sides are given: inputs, gradients and updates that tell implementations apart."""
