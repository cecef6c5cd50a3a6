"""Reads MessagePack, which the target `Pickle` writes.

The package `msgpack` is used if it is installed, because it is faster. Both return the same values.
"""

import struct

# The deepest nesting.
DEEPEST = 200

NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
LENGTHS = {1: ">B", 2: ">H", 4: ">I"}

# The first byte of texts, bytes, lists and maps whose length follows, and the size of the length in bytes.
TEXTS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4}
LISTS = {0xDC: 2, 0xDD: 4}
MAPS = {0xDE: 2, 0xDF: 4}


def unpack(data):
    """Returns the value that the bytes hold."""
    try:
        import msgpack
    except ImportError:
        return Reader(data).whole()
    return msgpack.unpackb(data, strict_map_key=False)


class Reader:
    """Reads a value from bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def whole(self):
        """Returns the value, which must end where the bytes end."""
        value = self.value(0)
        if self.at != len(self.data):
            raise ValueError(f"the MessagePack value ends at byte {self.at} of {len(self.data)}")
        return value

    def value(self, depth):
        """Returns the next value."""
        if depth > DEEPEST:
            raise ValueError(f"the MessagePack value nests deeper than {DEEPEST}")
        first = self.take(1)[0]
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 0x100
        if first < 0x90:
            return self.map(first & 0x0F, depth)
        if first < 0xA0:
            return self.list(first & 0x0F, depth)
        if first < 0xC0:
            return self.take(first & 0x1F).decode("utf-8")
        if first in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if first in NUMBERS:
            return self.number(NUMBERS[first])
        if first in TEXTS:
            return self.take(self.length(TEXTS[first])).decode("utf-8")
        if first in BYTES:
            return self.take(self.length(BYTES[first]))
        if first in LISTS:
            return self.list(self.length(LISTS[first]), depth)
        if first in MAPS:
            return self.map(self.length(MAPS[first]), depth)
        raise ValueError(f"the MessagePack value has the unknown type {first:#x} at byte {self.at - 1}")

    def take(self, size):
        """Returns the next bytes."""
        taken = self.data[self.at : self.at + size]
        if len(taken) != size:
            raise ValueError("the MessagePack value is incomplete")
        self.at += size
        return taken

    def number(self, form):
        """Returns the next number."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def length(self, size):
        """Returns a length of this many bytes."""
        return self.number(LENGTHS[size])

    def list(self, length, depth):
        """Returns a list of this length."""
        return [self.value(depth + 1) for _ in range(length)]

    def map(self, length, depth):
        """Returns a map with this many pairs."""
        pairs = {}
        for _ in range(length):
            key = self.value(depth + 1)
            pairs[key] = self.value(depth + 1)
        return pairs
