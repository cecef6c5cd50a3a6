"""The table of the benchmarks: the rows of `benches/kit/table.rs`, as a data frame."""

import numpy
import pandas


def scrambled(n):
    """Returns pseudo-random numbers (the finalizer of SplitMix64)."""
    n = n + numpy.uint64(0x9E3779B97F4A7C15)
    n = (n ^ (n >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    n = (n ^ (n >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return n ^ (n >> numpy.uint64(31))


def frame(rows):
    """Returns a table of an integer, two floats, an integer of a thousand values, and a short text."""
    ids = numpy.arange(rows, dtype=numpy.int64)
    random = scrambled(ids.astype(numpy.uint64))
    symbols = numpy.char.mod("S%06d", (random % numpy.uint64(500_000)).astype(numpy.int64))
    return pandas.DataFrame(
        {
            "id": ids,
            "price": (random % numpy.uint64(100_000)).astype(numpy.float64) / 100.0,
            "size": (random >> numpy.uint64(11)).astype(numpy.float64) / float(1 << 53),
            "group": (random >> numpy.uint64(7)).astype(numpy.int64) % 1000,
            "symbol": pandas.array(symbols, dtype="str"),
        }
    )
