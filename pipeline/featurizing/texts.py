"""Which of many known texts each of a million is: a hash table over whole columns, exact, since it compares the texts.

A text is compared as a row of 8-byte words with a 1 behind its last byte, so that no two texts have the same words.
"""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.log import Ints

Ints32 = NDArray[np.int32]
Words = list[NDArray[np.uint64]]
LONGEST = 64  # bytes; what is longer is looked up elsewhere
_WORD = 8
# By how many bytes of text a word holds, from -1 (the text ended before it): its text, and the 1 behind it.
_TEXT = np.array([0, *((1 << 8 * used) - 1 for used in range(_WORD + 1))], dtype=np.uint64)
_END = np.array([0, *(1 << 8 * used for used in range(_WORD)), 0], dtype=np.uint64)
_MIX = 0x9E3779B97F4A7C15
_FACTORS = [np.uint64(pow(_MIX, power, 1 << 64)) for power in range(1, LONGEST // _WORD + 2)]


class TextTable:
    """Different texts, each with its place among them."""

    def __init__(self, texts: pa.Array) -> None:
        self._words, lengths = words(texts, np.arange(len(texts)))
        bits = (4 * len(texts)).bit_length()
        self._shift, self._last = np.uint64(64 - bits), (1 << bits) - 1
        self._places = np.full(1 << bits, -1, dtype=np.int32)
        places = np.flatnonzero(lengths <= LONGEST)
        slots = self._slots(self._words).take(places)
        while len(places):
            free = np.flatnonzero(self._places.take(slots) < 0)
            self._places[slots.take(free)] = places.take(free)  # of several for one slot, one stays
            left = np.flatnonzero(self._places.take(slots) != places)
            places, slots = places.take(left), slots.take(left) + 1 & self._last

    def find(self, texts: pa.Array, rows: Ints) -> Ints32:
        """The place of the text in each of these rows; -1 when the table does not have it, or it is too long."""
        if not self._words or not len(self._words[0]):
            return np.full(len(rows), -1, dtype=np.int32)
        asked, lengths = words(texts, rows)
        slots = self._slots(asked)
        found = self._places.take(slots)
        other = np.flatnonzero(self._differ(found, asked))
        left = other
        while len(left):  # there stands another text: perhaps it stands in the next slot
            slots, asked = slots.take(other) + 1 & self._last, [word.take(other) for word in asked]
            found[left] = self._places.take(slots)
            other = np.flatnonzero(self._differ(found.take(left), asked))
            left = left.take(other)
        if lengths.max(initial=0) > LONGEST:
            found[lengths > LONGEST] = -1
        return found

    def _differ(self, places: Ints32, asked: Words) -> NDArray[np.bool_]:
        differ = np.zeros(len(places), dtype=np.bool_)
        nothing = np.uint64(0)
        for known, word in zip_longest(self._words, asked):
            differ |= (nothing if known is None else known.take(places)) != (nothing if word is None else word)
        return differ & (places >= 0)

    def _slots(self, asked: Words) -> Ints:
        mixed = asked[0] * _FACTORS[0]
        for word, factor in zip(asked[1:], _FACTORS[1:], strict=False):
            mixed += word * factor
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(_MIX)
        mixed >>= self._shift
        return mixed.view(np.int64)


def in_one(texts: pa.ChunkedArray) -> pa.Array:
    """The chunks of a column as one array."""
    return pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], texts.type)


def words(texts: pa.Array, rows: Ints) -> tuple[Words, Ints32]:
    """The text in each of these rows as words, as many as the longest of all needs; and its bytes in all."""
    _, ends, data = texts.buffers()
    offsets = np.frombuffer(ends, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    first, last = (int(offsets[place]) for place in (0, -1))
    padded = np.concatenate([np.frombuffer(data or b"", np.uint8)[first:last], np.zeros(_WORD, np.uint8)])
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    skips = range(0, min(longest, LONGEST) + 1, _WORD)
    if len(texts) * longest == last - first:  # all as long, as ids often are: every so many bytes the next
        shape, step, left = (len(texts),), (longest,), np.array([longest])
        found = [np.ndarray(shape, "<u8", padded, skip, step).take(rows) for skip in skips]
    else:
        start, left = (offsets[:-1] - first).take(rows), lengths.take(rows)
        at_byte = np.ndarray((last - first + 1,), "<u8", padded, 0, (1,))
        found = [at_byte[np.minimum(start + skip, last - first)] for skip in skips]
    return [_text_only(word, left - skip) for word, skip in zip(found, skips, strict=True)], lengths.take(rows)


def _text_only(word: NDArray[np.uint64], left: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The word without what follows the text, of which so many bytes are left, and with a 1 behind it."""
    used = np.minimum(np.maximum(left, -1), _WORD) + 1
    word &= _TEXT.take(used)
    word |= _END.take(used)
    return word
