"""By one cell in space: down and right, and what people call it."""

DIRECTIONS = {
    (-1, 0): "up",
    (1, 0): "down",
    (0, -1): "to the left",
    (0, 1): "to the right",
    (-1, -1): "up and to the left",
    (-1, 1): "up and to the right",
    (1, -1): "down and to the left",
    (1, 1): "down and to the right",
}
