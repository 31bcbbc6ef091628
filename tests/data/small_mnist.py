"""Small files in the format of MNIST: what is made of them is not a matter of size."""

import gzip
import struct
from pathlib import Path

import numpy as np


def idx(array: np.ndarray) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def images(count: int) -> np.ndarray:
    return (np.arange(count * 28 * 28) % 256).astype(np.uint8).reshape(count, 28, 28)


SMALL = {
    "train-images-idx3-ubyte": idx(images(6)),
    "train-labels-idx1-ubyte": idx(np.arange(6)),
    "t10k-images-idx3-ubyte": idx(images(4)),
    "t10k-labels-idx1-ubyte": idx(np.arange(4)),
}


def write(folder: Path, *, packed: tuple[str, ...] = (), plain: tuple[str, ...] = ()) -> None:
    """Write the small files; those whose names begin so, packed, or packed beside the plain."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in SMALL.items():
        if name.startswith(packed):
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        if not name.startswith(packed) or name.startswith(plain):
            (folder / name).write_bytes(content)
