"""What the layers of this project share."""


def positive(x):
    return x > 0
