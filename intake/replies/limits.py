"""The sandbox that templates run in: at most two seconds and a bounded amount of text, whatever is written in them.

    source ─► syntax tree, with a step counted in every loop, macro, include, list and joined text ─► code

Every operation that can make text (a filter, a call, an operator, an output) counts what it makes
(`intake.replies.budget`) and is bounded by itself (`intake.replies.offered`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes, pass_context, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, Undefined, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from intake.replies.budget import MOST_BYTES, TooMuch, count_made, count_step, limited, printed, weigh
from intake.replies.offered import BOUND, FILTERS, GUARDED, METHODS, bound_replace, bounded_join, bounded_list, counted

__all__ = ["MOST_BYTES", "BoundedEnvironment", "limited"]

STEP, JOINED, WHOLE = " step", " joined", " whole"  # the blank keeps them out of a template's reach
LARGE_BLOCK = 2_000


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox whose templates cannot take too long or make too much. Rendering must be within `limited`."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, ours: Iterable[Callable[..., Any]], **options: Any) -> None:  # noqa: ANN401
        """`ours` are the functions that templates may call by name; `options` those of a Jinja environment."""
        super().__init__(finalize=printed, keep_trailing_newline=True, **options)
        self.ours = _Functions(ours)
        self.globals.clear()
        self.globals.update({function.__name__: function for function in self.ours})
        self.filters = {name: counted(made) for name, made in self.filters.items() if name in FILTERS}
        self.filters |= {name: counted(GUARDED[name](self.filters[name])) for name in GUARDED}
        self.filters |= {
            STEP: _step,
            JOINED: _joined,
            WHOLE: _whole,
            "list": counted(bounded_list),
            "join": counted(bounded_join),
        }
        self.tests = {name: counted(test) for name, test in self.tests.items()}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MOST_BYTES:
            raise TooMuch(f"it is longer than {MOST_BYTES // 1000} kB")
        tree: nodes.Template = _Counting().visit(super()._parse(source, name, filename))
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Carry out an operator if what comes of it is bounded."""
        BOUND[operator](left, right)
        return count_made(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call what may be called: macros and blocks, our own functions, harmless methods of plain values."""
        # Jinja hands the variables of a loop or block along under these names.
        given = {key: value for key, value in kwargs.items() if key not in ("_loop_vars", "_block_vars")}
        if obj in self.ours:
            return count_made(obj(*args, **given))
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        weigh((*args, *given.values()))
        if isinstance(owner, str | list | tuple | dict):
            if name not in METHODS:
                raise SecurityError(f"the method {name!r} is not offered in templates")
            if name == "replace" and len(args) > 1:
                bound_replace(str(owner), str(args[0]), str(args[1]))
            if name == "join" and isinstance(owner, str):
                return bounded_join(context.eval_ctx, args[0] if args else (), owner)
        elif not (isinstance(obj, Macro | BlockReference | LoopContext | Undefined) or isinstance(owner, LoopContext)):
            raise SecurityError("this cannot be called in templates")
        return count_made(super().call(context, obj, *args, **kwargs))


class _Functions(tuple[Callable[..., Any], ...]):
    """Functions, found by what they are: a template's own values say what they like when they are compared."""

    __slots__ = ()

    def __contains__(self, other: object) -> bool:
        return any(function is other for function in self)


class _Counting(NodeTransformer):
    """Puts the counting into a template's syntax tree."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja names its visitors so
        test = node.test
        if test is not None:
            node.test = nodes.And(_stepped(node, 0), test, lineno=node.lineno)
        return self._inside(node)

    def _inside(self, node: nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        text = _text_in(node.body)
        self.generic_visit(node)
        node.body.insert(0, _count(node, text))
        return node

    visit_Macro = visit_CallBlock = _inside  # noqa: N815

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802
        # A smaller one puts out less than what calling it counts.
        return self._inside(node) if _text_in(node.body) > LARGE_BLOCK else self.generic_visit(node)

    def _before(self, node: nodes.Stmt) -> list[nodes.Node]:
        self.generic_visit(node)
        return [_count(node, 0), node]

    visit_Include = visit_Import = visit_FromImport = _before  # noqa: N815

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), JOINED)

    def _weighed(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        plain = all(isinstance(part, nodes.Const) for part in node.iter_child_nodes())
        stored = getattr(node, "ctx", "load") != "load"
        return node if plain or stored else _filtered(node, WHOLE)

    visit_List = visit_Tuple = visit_Dict = _weighed  # noqa: N815


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _stepped(node: nodes.Node, text: int) -> nodes.Filter:
    return _filtered(nodes.Const(text, lineno=node.lineno), STEP)


def _count(node: nodes.Node, text: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_stepped(node, text), lineno=node.lineno)


def _text_in(body: Iterable[nodes.Node]) -> int:
    """How much text of its own a body puts out."""
    return sum(
        len(data.data)
        for node in body
        for data in ([node] if isinstance(node, nodes.TemplateData) else node.find_all(nodes.TemplateData))
    )


@pass_context
def _step(_context: Context, made: int) -> bool:
    count_step(made)
    return True


@pass_eval_context
def _joined(context: nodes.EvalContext, parts: list[Any]) -> str:
    """`a ~ b`: refused where it grows too long."""
    text = (markup_join if context.autoescape else str_join)(map(printed, parts))
    count_made(text)
    return text


def _whole(value: Any) -> Any:  # noqa: ANN401 - a list, tuple or mapping, as it came
    weigh(value)
    return value
