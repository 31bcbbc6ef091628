"""What is done with somebody's code, in its process: one module for each sort of part."""
