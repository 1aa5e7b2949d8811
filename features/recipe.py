"""Recipes: what the features of the families do, written down once, so that a request follows steps instead of calls.

A feature is run once on a past that answers with notes instead of numbers; every ufunc applied to a note is written
down. Few rows are then computed step by step, as many notes of one step as can be in one call of NumPy: the same
operations on the same numbers, without a call of Python for each column. What cannot be written down (a branch on a
value, a function of NumPy that is no ufunc) is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NoReturn, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from features.answers import COUNT, Answers
from features.grid import Column, Lines
from features.log import SCALE
from features.past import Past
from features.rows import Rows

Compute = Callable[[Past], Column]
Places = NDArray[np.intp]
Step = str | Callable[..., Any]


@dataclass(frozen=True)
class Note:
    """One step: a NUMBER, a question to the answers (its name), or an operation (a ufunc, `chosen`) on other notes."""

    step: Step
    inputs: tuple[Any, ...]
    level: int = 0


@dataclass(eq=False)
class Noted(NDArrayOperatorsMixin):
    """Stands for a column while a feature is written down."""

    note: Note

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **named: object) -> Noted:
        """Write the operation down."""
        return NotImplemented if named or method != "__call__" else _operation(ufunc, inputs)

    def __array_function__(self, function: object, _: object, inputs: tuple[object, ...], named: object) -> Noted:
        """Write `np.where` down, which is no ufunc."""
        return NotImplemented if named or function is not np.where else _operation(chosen, inputs)

    def __pow__(self, power: object) -> Noted:
        if power != 2:
            raise TypeError("of the powers only the square is written down")
        return _operation(np.square, (self,))  # as an array does it

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
        return lambda *asked: Noted(Note(question, asked))


def chosen(condition: Column, one: Column, other: Column, out: Column) -> None:
    """`np.where`, which cannot be told where to put what it finds."""
    out[:] = np.where(condition, one, other)


NUMBER = "number"
WINDOWED = ("days_since_first", "days_since_last", "last", "total")  # in the order that their answers come in
QUESTIONS = {*WINDOWED, "days_from_first_to", "decayed", "largest", "by_cutoff"}


@dataclass(frozen=True)
class Recipe:
    """The lines of a table, in order: the numbers, what is asked, and the outcomes of operations on lines before.

    The inputs of an operation are lines, one row of them for each argument.
    """

    numbers: Column
    asked: tuple[tuple[slice, str, tuple[Any, ...]], ...]
    operations: tuple[tuple[Callable[..., Any], Places, slice], ...]
    lines: int
    written: Places
    columns: Places
    called: tuple[tuple[int, Compute, tuple[Any, ...]], ...]

    def followed(self, rows: Rows) -> Column:
        """All columns, by column and row."""
        table = np.empty((self.lines, len(rows.customer)))
        table[: len(self.numbers)] = self.numbers
        for out, how, what in self.asked:
            table[out] = getattr(rows.answers, how)(*what)
        for operation, inputs, out in self.operations:
            operation(*table.take(inputs, axis=0), out=table[out])
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
        """The steps in order: numbers and questions first, then operations, those of one step side by side."""
        notes = _all_of(self.columns.values())
        numbers = [note for note in notes if note.step == NUMBER]
        asked = _alike(note for note in notes if isinstance(note.step, str) and note.step != NUMBER)
        made = _in_turn([note for note in notes if not isinstance(note.step, str)])
        line = {note: place for place, note in enumerate(chain(numbers, *asked, *made))}
        return Recipe(
            np.array([note.inputs for note in numbers]).reshape(-1, 1),
            tuple(_question(alike, line) for alike in asked),
            tuple(_together(alike, line) for alike in made),
            len(line),
            np.array(list(self.columns), dtype=np.intp),
            np.array([line[note] for note in self.columns.values()], dtype=np.intp),
            tuple(self.called),
        )


def _operation(step: Callable[..., Any], inputs: Sequence[object]) -> Noted:
    notes = tuple(_note_of(one) if isinstance(one, Noted) else _number(one) for one in inputs)
    return Noted(Note(step, notes, 1 + max(one.level for one in notes)))


def _note_of(value: object) -> Note:
    if not isinstance(value, Noted):
        raise TypeError("a feature that does not come from its past alone cannot be written down")
    return value.note


def _number(value: object) -> Note:
    if not isinstance(value, int | float):
        raise TypeError("only numbers are written down beside notes")
    return Note(NUMBER, (float(value),))


def _all_of(notes: Iterable[Note]) -> dict[Note, None]:
    found: dict[Note, None] = {}  # an ordered set
    waiting = list(notes)
    while waiting:
        note = waiting.pop()
        if note not in found:
            found[note] = None
            waiting += [one for one in note.inputs if isinstance(one, Note)]
    return found


def _alike(notes: Iterable[Note]) -> list[list[Note]]:
    """The notes that one call answers: all about windows, what fades by half-life and field, else those of a step."""
    found: dict[tuple[Any, ...], list[Note]] = {}
    for note in notes:
        key = (note.step, *note.inputs[1:]) if note.step == "decayed" else (note.step,)
        found.setdefault(WINDOWED if note.step in WINDOWED else key, []).append(note)
    if WINDOWED in found:
        found[WINDOWED].sort(key=lambda note: WINDOWED.index(note.step))
    return list(found.values())


def _in_turn(operations: list[Note]) -> list[list[Note]]:
    """The operations in groups of one step, each group behind what it needs.

    Next comes the step on which the longest chain of others waits: what can wait gathers, and the groups are few.
    """
    needs, turns = _needs_of(operations), []
    behind = [0] * len(operations)
    for place in sorted(range(len(operations)), key=lambda place: operations[place].level, reverse=True):
        for one in needs[place]:
            behind[one] = max(behind[one], behind[place] + 1)
    left = set(range(len(operations)))
    while left:
        ready = sorted(place for place in left if left.isdisjoint(needs[place]))
        step = operations[max(ready, key=behind.__getitem__)].step
        turns.append([place for place in ready if operations[place].step == step])
        left.difference_update(turns[-1])
    return [[operations[place] for place in turn] for turn in turns]


def _needs_of(operations: list[Note]) -> list[list[int]]:
    """Which of the operations each of them needs, by their places."""
    place_of = {note: place for place, note in enumerate(operations)}
    return [[place_of[one] for one in note.inputs if one in place_of] for note in operations]


def _question(alike: list[Note], line: dict[Note, int]) -> tuple[slice, str, tuple[Any, ...]]:
    question, asked = cast(str, alike[0].step), [one.inputs for one in alike]
    out = slice(line[alike[0]], line[alike[-1]] + 1)
    if question == "decayed":
        return out, "faded", (*asked[0][1:], [kind for kind, *_ in asked])
    if question not in WINDOWED:
        return out, "several", (question, asked)
    each = [(kind, *of) if of else (kind, COUNT) for kind, *of, _, _ in asked]
    things = list(dict.fromkeys(each))
    which, lines = [things.index(thing) for thing in each], [one[-2:] for one in asked]
    upto = np.cumsum([sum(one.step == question for one in alike) for question in WINDOWED]).tolist()
    return out, "windowed", (things, np.array(which), np.array(lines).T.copy(), upto)


def _together(alike: list[Note], line: dict[Note, int]) -> tuple[Callable[..., Any], Places, slice]:
    inputs = np.array([[line[one] for one in note.inputs] for note in alike], dtype=np.intp)
    return cast(Callable[..., Any], alike[0].step), inputs.T.copy(), slice(line[alike[0]], line[alike[-1]] + 1)
