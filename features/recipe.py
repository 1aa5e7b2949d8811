"""Recipes: what the features of the families do, written down once, so that a request follows steps instead of calls.

A feature is run once on a past that answers with notes instead of numbers; every ufunc applied to a note is written
down. Few rows are then computed step by step, all notes of one sort in one call of NumPy: the same operations on the
same numbers, without a call of Python for each column. What cannot be written down (a branch on a value, a function of
NumPy that is no ufunc) is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NoReturn, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from features.answers import Answers
from features.grid import Column, Lines
from features.log import SCALE
from features.past import Past
from features.rows import Rows

Compute = Callable[[Past], Column]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Note:
    """One step: a question to the answers (its name), or an operation (a ufunc, `np.where`) on notes and numbers."""

    step: str | Callable[..., Any]
    inputs: tuple[Any, ...]
    level: int


@dataclass(eq=False)
class Noted(NDArrayOperatorsMixin):
    """Stands for a column while a feature is written down."""

    note: Note

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **named: object) -> Noted:
        """Write the operation down."""
        return NotImplemented if named or method != "__call__" else _operation(ufunc, inputs)

    def __array_function__(self, function: object, _: object, inputs: tuple[object, ...], named: object) -> Noted:
        """Write `np.where` down, which is no ufunc."""
        return NotImplemented if named or function is not np.where else _operation(np.where, inputs)

    def __pow__(self, power: object) -> Noted:
        return _operation(pow, (self, power))  # as an array does it, which np.power would not for a square

    def __bool__(self) -> NoReturn:
        raise TypeError("a feature that looks at its numbers cannot be written down")


@dataclass(frozen=True)
class NotedRows:
    """Rows whose answers are notes."""

    line_of: Lines

    @property
    def answers(self) -> Answers:
        """Every question is noted."""
        return cast(Answers, self)

    def sum(self, kind: str, of: str, start: int, end: int) -> Column:
        """A total in its own unit."""
        return self.answers.total(kind, of, start, end) / float(SCALE)

    def window(self, starts_days: int | None, ends_days: int) -> tuple[Answers, int, int]:
        """The lines of a window whose days are declared."""
        return self.answers, self.line_of[starts_days], self.line_of[ends_days]

    def __getattr__(self, question: str) -> Callable[..., Noted]:
        """Any question to the answers."""
        if question not in QUESTIONS:
            raise AttributeError(question)
        return lambda *asked: Noted(Note(question, asked, 0))


WINDOWED = frozenset({"total", "days_since_first", "days_since_last"})
QUESTIONS = WINDOWED | {"last", "days_from_first_to", "decayed", "largest", "by_cutoff"}


@dataclass(frozen=True)
class Recipe:
    """The steps of some columns: what is asked, then the operations, each on lines of one table; see `followed`."""

    asked: tuple[tuple[slice, str, tuple[Any, ...]], ...]
    operations: tuple[tuple[Callable[..., Any], tuple[slice | Places | float, ...], slice], ...]
    lines: int
    written: Places
    columns: Places
    called: tuple[tuple[int, Compute, tuple[Any, ...]], ...]

    def followed(self, rows: Rows) -> Column:
        """All columns, by column and row."""
        table = np.empty((self.lines, len(rows.customer)))
        for out, how, what in self.asked:
            table[out] = getattr(rows.answers, how)(*what)
        for operation, inputs, out in self.operations:
            table[out] = operation(*[one if isinstance(one, float) else table[one] for one in inputs])
        by_column = np.empty((len(self.columns) + len(self.called), len(rows.customer)))
        by_column[self.written] = table.take(self.columns, axis=0)
        for place, compute, window in self.called:
            by_column[place] = compute(Past(rows, *window))
        return by_column


@dataclass
class Notebook:
    """Notes as they come, each once, and the places of the columns they make."""

    line_of: Lines
    columns: dict[int, Note] = field(default_factory=dict)
    called: list[tuple[int, Compute, tuple[Any, ...]]] = field(default_factory=list)

    def write(self, place: int, compute: Compute, window: tuple[Any, ...]) -> None:
        """Write a column down; `window` are what a Past takes behind its rows."""
        try:
            self.columns[place] = _note_of(compute(Past(cast(Rows, NotedRows(self.line_of)), *window)))
        except (TypeError, AttributeError, KeyError):
            self.call(place, compute, window)

    def call(self, place: int, compute: Compute, window: tuple[Any, ...]) -> None:
        """Have a column computed by a call of its function."""
        self.called.append((place, compute, window))

    def recipe(self) -> Recipe:
        """The steps in order: questions first, then operations, those of one sort side by side."""
        notes = sorted(_all_of(self.columns.values()), key=_sort)
        line = {note: number for number, note in enumerate(notes)}
        sorts = [list(alike) for _, alike in groupby(notes, key=_sort)]
        asked = [_question(alike, line) for alike in sorts if not alike[0].level]
        operations = [_together(alike, line) for alike in sorts if alike[0].level]
        written = np.array(list(self.columns), dtype=np.intp)
        columns = np.array([line[note] for note in self.columns.values()], dtype=np.intp)
        return Recipe(tuple(asked), tuple(operations), len(notes), written, columns, tuple(self.called))


def _operation(step: Callable[..., Any], inputs: Sequence[object]) -> Noted:
    notes = tuple(_note_of(one) if isinstance(one, Noted) else _number(one) for one in inputs)
    return Noted(Note(step, notes, 1 + max(one.level for one in notes if isinstance(one, Note))))


def _note_of(value: object) -> Note:
    if not isinstance(value, Noted):
        raise TypeError("a feature that does not come from its past alone cannot be written down")
    return value.note


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("only numbers are written down beside notes")
    return float(value)


def _all_of(notes: Iterable[Note]) -> dict[Note, None]:
    found: dict[Note, None] = {}  # an ordered set
    waiting = list(notes)
    while waiting:
        note = waiting.pop()
        if note not in found:
            found[note] = None
            waiting += [one for one in note.inputs if isinstance(one, Note)]
    return found


def _sort(note: Note) -> tuple[int, str, str]:
    """Notes of one sort have this in common, so that one call can do them all: the step and the numbers in it."""
    numbers = [None if isinstance(one, Note) else one for one in note.inputs] if note.level else []
    return note.level, note.step if isinstance(note.step, str) else note.step.__name__, repr(numbers)


def _question(alike: list[Note], line: dict[Note, int]) -> tuple[slice, str, tuple[Any, ...]]:
    question, asked = cast(str, alike[0].step), [one.inputs for one in alike]
    out = slice(line[alike[0]], line[alike[-1]] + 1)
    if question not in WINDOWED:
        return out, "several", (question, asked)
    things = list(dict.fromkeys(one[:-2] for one in asked))
    places = ([things.index(one[:-2]) for one in asked], [one[-2] for one in asked], [one[-1] for one in asked])
    return out, "windowed", (question, things, *(np.array(each, dtype=np.intp) for each in places))


def _together(
    alike: list[Note], line: dict[Note, int]
) -> tuple[Callable[..., Any], tuple[slice | Places | float, ...], slice]:
    inputs = [
        _side_by_side([line[one] for one in each]) if isinstance(each[0], Note) else each[0]
        for each in zip(*(note.inputs for note in alike), strict=True)
    ]
    step = cast(Callable[..., Any], alike[0].step)
    return step, tuple(inputs), slice(line[alike[0]], line[alike[-1]] + 1)


def _side_by_side(lines: list[int]) -> slice | Places:
    first, end = lines[0], lines[-1] + 1
    return slice(first, end) if lines == list(range(first, end)) else np.array(lines, dtype=np.intp)
