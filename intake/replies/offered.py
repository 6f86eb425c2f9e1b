"""The filters, methods and operators that templates are offered, each with a bound on what it can make.

What would be too much is refused before it is made. Whatever is not named here is not offered.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2 import nodes, pass_eval_context
from jinja2.runtime import markup_join, str_join

from intake.replies.budget import MOST_OF_A_VALUE, TooMuch, count_made, count_step, printed, weigh

MOST_BITS = 4_000
WIDEST = 200
LONGEST_WORD = 4_000
_FILTERS = """
    abs capitalize count d default dictsort e escape first float format indent int items join last length list
    lower map max min reject rejectattr replace reverse round select selectattr sort string striptags title trim
    truncate unique upper urlencode wordcount wordwrap
"""
_METHODS = """
    capitalize casefold count endswith find get index isalnum isalpha isdigit islower isspace istitle isupper
    items join keys lower lstrip partition removeprefix removesuffix replace rfind rpartition rsplit rstrip
    split splitlines startswith strip swapcase title upper values
"""
FILTERS = frozenset(_FILTERS.split())
METHODS = frozenset(_METHODS.split())


def counted(made: Any) -> Callable[..., Any]:  # noqa: ANN401 - any function
    """A filter or test that counts what it makes."""

    @wraps(made)  # with it goes the mark that says which context the filter takes
    def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return count_made(made(*args, **kwargs))

    return counted


def bounded_list(value: Iterable[Any]) -> list[Any]:
    """`| list` of at most as many entries as a value may have."""
    found, left = [], MOST_OF_A_VALUE
    for one in value:
        left = weigh(one, left - 1)
        found.append(one)
        count_step()
    return found


@pass_eval_context
def bounded_join(
    context: nodes.EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    """`| join(', ')`, also of one attribute of each entry."""
    parts, size = [], 0
    for one in value:
        text = context.environment.getitem(one, attribute) if attribute is not None else one
        parts.append(printed(text))
        size += len(d) + (len(text) if isinstance(text, str) else 0)
        if size > MOST_OF_A_VALUE:
            raise TooMuch(f"it makes a text of more than {MOST_OF_A_VALUE:,} characters")
    between = [part for one in parts for part in (d, one)][1:]
    return (markup_join if context.autoescape else str_join)(between)


def bound_replace(text: str, old: str, new: str) -> None:
    times = text.count(old)
    if len(text) + times * len(new) > MOST_OF_A_VALUE:
        raise TooMuch(f"it makes a text of more than {MOST_OF_A_VALUE:,} characters")


def _replacing(replace: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(replace)
    def bounded(context: nodes.EvalContext, s: Any, old: Any, new: Any, count: int | None = None) -> Any:  # noqa: ANN401
        bound_replace(str(s), str(old), str(new))
        return replace(context, s, old, new, count)

    return bounded


def _formatting(format_: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(format_)
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        _bound_format(value)
        return format_(value, *args, **kwargs)

    return bounded


def _small_numbers(made: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose numbers are widths or digits: none of them may be large."""

    @wraps(made)
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, int | float) and abs(argument) > WIDEST:
                raise TooMuch(f"a width of more than {WIDEST} is asked for")
            if isinstance(argument, str) and len(argument) > WIDEST:
                raise TooMuch(f"an indent of more than {WIDEST} is asked for")
        return made(value, *args, **kwargs)

    return bounded


def _wrapping(wordwrap: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(wordwrap)
    def bounded(environment: Any, s: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        # A long word is cut piece by piece, each time copying what is left of it.
        if max(map(len, s.split()), default=0) > LONGEST_WORD:
            raise TooMuch(f"a text with words of more than {LONGEST_WORD:,} letters cannot be wrapped")
        return wordwrap(environment, s, *args, **kwargs)

    return bounded


def _bound_format(text: Any) -> None:  # noqa: ANN401
    """Refuse a format with a width that is long, or given by a value."""
    if isinstance(text, str):
        for place in text.split("%")[1:]:
            width = place[: len(place) - len(place.lstrip("#0123456789.-+ *()"))]
            if "*" in width or any(len(digits) > 3 for digits in width.replace(".", " ").replace("-", " ").split()):
                raise TooMuch("a format with a width as large as that cannot be used")


def _bound_sum(left: Any, right: Any) -> None:  # noqa: ANN401
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        weigh((left, right), MOST_OF_A_VALUE + 4)


def _bound_product(left: Any, right: Any) -> None:  # noqa: ANN401
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > MOST_BITS:
            raise TooMuch("a number in it grows too large")
        return
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int):
            weight = MOST_OF_A_VALUE - weigh(many)
            if weight * max(times, 0) > MOST_OF_A_VALUE:
                raise TooMuch(f"it makes a text of more than {MOST_OF_A_VALUE:,} characters")


def _bound_power(left: Any, right: Any) -> None:  # noqa: ANN401
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * max(right, 0) > MOST_BITS:
        raise TooMuch("a number in it grows too large")


def _bound_remainder(left: Any, _right: Any) -> None:  # noqa: ANN401
    _bound_format(left)


BOUND: Mapping[str, Callable[[Any, Any], None]] = {
    "+": _bound_sum,
    "*": _bound_product,
    "**": _bound_power,
    "%": _bound_remainder,
}
GUARDED: Mapping[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "replace": _replacing,
    "format": _formatting,
    "indent": _small_numbers,
    "round": _small_numbers,
    "wordwrap": _wrapping,
}
