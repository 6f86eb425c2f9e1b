"""What one rendering of a template may use, and what it has used: steps, characters, seconds.

Counting is exact and without a thread, so that a template fails alike on every machine; the clock is the last fence.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import GeneratorType
from typing import Any

from jinja2.exceptions import TemplateRuntimeError

SECONDS = 2.0
MOST_BYTES = 200_000
MOST_STEPS = 100_000
MOST_MADE = 2_000_000  # characters that one rendering makes in all, those included that come to nothing
MOST_OF_A_VALUE = 50_000  # characters of one text, or entries of one list with all that is in it
STEPS_A_LOOK = 8  # at the clock


class TooMuch(TemplateRuntimeError):
    """The template costs more than a reply may."""


class Budget:
    """What one rendering has used."""

    __slots__ = ("deadline", "made", "steps")

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.made = self.steps = 0

    def step(self, made: int = 0) -> None:
        """Count one step that makes so many characters. Raises `TooMuch`."""
        self.steps += 1
        self.made += made
        if self.steps > MOST_STEPS:
            raise TooMuch(f"it takes more than {MOST_STEPS:,} steps")
        if self.made > MOST_MADE:
            raise TooMuch("it makes more text than a reply may hold")
        if not self.steps % STEPS_A_LOOK and time.monotonic() > self.deadline:
            raise TooMuch(f"it takes more than {SECONDS:g} seconds")


_spent: ContextVar[Budget | None] = ContextVar("_spent", default=None)


@contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Count what is rendered within the block."""
    token = _spent.set(Budget(seconds))
    try:
        yield
    finally:
        _spent.reset(token)


def count_step(made: int = 0) -> None:
    """Count one step that makes so many characters. Raises `TooMuch`."""
    budget = _spent.get()
    if budget is not None:
        budget.step(made)


def printed(value: Any) -> Any:  # noqa: ANN401 - whatever a template puts out
    """What an output may be: a text, a number; a list of things is a mistake."""
    if isinstance(value, str):
        budget = _spent.get()
        if budget is not None:
            budget.made += len(value)
    elif isinstance(value, list | tuple | set | dict | GeneratorType):
        raise TooMuch("a list cannot be printed: use a loop, or | join(', ')")
    return value


def count_made(value: Any) -> Any:  # noqa: ANN401 - passed on as it came
    """Count a value that was just made, and refuse one that is too large."""
    size = 0
    if isinstance(value, str):
        size = len(value)
        if size > MOST_OF_A_VALUE:
            raise TooMuch(f"it makes a text of more than {MOST_OF_A_VALUE:,} characters")
    elif isinstance(value, list | tuple | dict):
        weigh(value)
    budget = _spent.get()
    if budget is not None:
        budget.step(size)
    return value


def weigh(value: Any, left: int = MOST_OF_A_VALUE) -> int:  # noqa: ANN401
    """What is left of the room after a value with all that is in it. Every list was weighed when it was made, so a
    look into it is bounded."""
    if isinstance(value, str):
        left -= len(value)
    elif isinstance(value, dict):
        left = weigh(tuple(value.values()), left - len(value))
    elif isinstance(value, list | tuple):
        left -= len(value)
        for part in value:
            left = weigh(part, left)
    if left < 0:
        raise TooMuch("a list in it grows too large")
    return left
