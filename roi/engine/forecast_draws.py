"""Random numbers that belong to an investment: a hash of its seed and a counter, whatever is computed beside it."""

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from roi.engine.result import Floats, Ints

Seeds = NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_PER_WORD = 4  # integers of 16 bits


def words(seed: Seeds, *, stream: int, count: int) -> Seeds:
    """Return `count` random words for each of the n seeds, (n, count); streams do not overlap.

    Source: the finalizer of SplitMix64 (Steele, Lea and Flood 2014), applied to seed + counter.
    """
    first = (stream << 40) + 1
    counter = np.arange(first, first + count, dtype=np.uint64) * _GOLDEN
    z = seed[:, None] + counter[None, :]
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def uniforms(seed: Seeds, *, stream: int, count: int) -> Floats:
    """Return uniform numbers strictly between 0 and 1, (n, count)."""
    half = np.float64(2.0**-53)
    return np.asarray((words(seed, stream=stream, count=count) >> np.uint64(11)) * half + half / 2)


def normals(seed: Seeds, *, stream: int, count: int) -> Floats:
    """Return standard normal numbers, (n, count), to 16 bits: none is further out than 4.3."""
    return _normal_table()[_small(seed, stream=stream, count=count)]


@cache
def _normal_table() -> Floats:
    """Return the quantiles of the middles of 2^16 equal parts: reading one is faster than computing one."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((part + 0.5) / 2**16) for part in range(2**16)])


def _small(seed: Seeds, *, stream: int, count: int) -> NDArray[np.uint16]:
    """Return integers of 16 bits, (n, count)."""
    return words(seed, stream=stream, count=-(-count // _PER_WORD)).view(np.uint16)[:, :count]


def chi_squares(seed: Seeds, *, stream: int, count: int, freedom: Floats) -> Floats:
    """Return chi-square numbers with `freedom` (n,) degrees of freedom, (n, count).

    By the approximation of Wilson and Hilferty: off by less than a hundredth of a standard deviation from 5 on.
    """
    z = normals(seed, stream=stream, count=count)
    ninth = 2 / (9 * freedom)[:, None]
    return np.asarray(freedom[:, None] * np.maximum(1 - ninth + z * np.sqrt(ninth), 0.05) ** 3)


def indices(seed: Seeds, *, stream: int, count: int, below: Ints) -> Ints:
    """Return integers from 0 to `below` - 1, (n, count), `below` (n,) being at most 2^12."""
    small = _small(seed, stream=stream, count=count).astype(np.uint32)
    return np.asarray((small * below[:, None].astype(np.uint32)) >> np.uint32(16), dtype=np.int64)
