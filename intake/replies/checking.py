"""Looking through a shop's templates before they are needed: what is wrong, in which file, on which line.

each file   ─► compiles; dead links; long lines; names nobody gives; blocks that are never shown; equal to ours
each reply  ─► rendered for complaints with many facts, with few and with hostile ones
the folder  ─► kinds without a template; replies that are not translated; categories that nobody has
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import meta, nodes

from intake.config import CLOSED_ODR, Shop
from intake.errors import TemplateError
from intake.replies.compose import KINDS, LANGUAGE_NAMES, compose, values_for
from intake.replies.html_part import to_html
from intake.replies.samples import sample, samples
from intake.replies.templates import LAYOUT, ODR_IS_CLOSED, Templates
from intake.types import Channel

LONGEST_LINE = 998  # RFC 5322 section 2.1.1
PARTS = "parts"
LAYOUT_NAMES = frozenset({"content", "quote", "language"})


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong: the `file` that it is in and its `line` (0 where it has none). A `warning` may be as
    somebody wants it."""

    file: str
    line: int
    what: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What a template is for, by its name: `nl/answer/damaged.j2`."""

    language: str
    kind: str
    category: str = ""


def place_of(name: str) -> Place | None:
    """What a template is for; None for a part of others or a layout."""
    steps = name.removesuffix(".j2").split("/")
    if len(steps) not in (2, 3) or steps[1] not in KINDS:
        return None
    return Place(*steps)


def check(templates: Templates, shop: Shop, categories: Collection[str]) -> list[Mistake]:
    """All mistakes in the templates of a shop, each once, by file and line."""
    found: set[Mistake] = set()
    for name in templates.names():
        if not templates.is_own(name) and name.partition("/")[0] in set(LANGUAGE_NAMES) - set(shop.languages):
            continue
        file = _file(templates, name)
        try:
            source = templates.source_of(name)
            tree = templates.tree(name)
        except TemplateError as error:
            found.add(Mistake(error.file or file, error.line, error.reason))
            continue
        found.update(_in_source(file, source))
        found.update(_in_tree(templates, name, tree, shop))
        found.update(_in_folder(templates, name, source, shop, categories))
    found.update(_untranslated(templates, shop))
    wrong = {mistake.file for mistake in found if not mistake.warning}
    found.update(_in_replies(templates, shop, wrong))
    found.update(_in_layout(templates, shop, wrong))
    return sorted(found)


def _file(templates: Templates, name: str) -> str:
    return str(templates.path(name) or name)


def _in_source(file: str, source: str) -> Iterator[Mistake]:
    for number, line in enumerate(source.splitlines(), start=1):
        if CLOSED_ODR.search(line):
            yield Mistake(file, number, ODR_IS_CLOSED)
        if len(line) > LONGEST_LINE:
            yield Mistake(file, number, f"is a line of {len(line)} characters; mail takes {LONGEST_LINE}")


def _in_tree(templates: Templates, name: str, tree: nodes.Template, shop: Shop) -> Iterator[Mistake]:
    file = _file(templates, name)
    known = _known(name, shop)
    given = meta.find_undeclared_variables(tree)
    for found in tree.find_all(nodes.Name):
        if found.name in given and found.name not in known:
            what = f"uses {found.name!r}, which nobody gives it{_like(found.name, known)}"
            # What includes a part may have set it.
            yield Mistake(file, found.lineno, what, warning=f"/{PARTS}/" in name)
    for part in tree.find_all(nodes.Getattr):
        of = part.node.name if isinstance(part.node, nodes.Name) else ""
        values = known.get(of) if of in given else None
        if isinstance(values, Mapping) and part.attr not in values and not hasattr(dict, part.attr):
            yield Mistake(file, part.lineno, f"uses '{of}.{part.attr}', which is not there{_like(part.attr, values)}")
    for block in _never_shown(templates, tree):
        yield Mistake(
            file, block.lineno, f"fills the block {block.name!r}, which the template it extends does not show"
        )


def _known(name: str, shop: Shop) -> Mapping[str, Any]:
    if name.endswith(LAYOUT):
        return dict.fromkeys((*LAYOUT_NAMES, "gap"))
    language = shop.languages[0]
    values = values_for(KINDS[0], sample(language, "other", Channel.MAIL, shop), shop, language)
    return {**values, "gap": None}


def _like(name: str, known: Collection[str]) -> str:
    """A hint: what may be meant."""
    near = [other for other in known if sorted(other) == sorted(name) or other.startswith(name) or name in other]
    return f" (is {near[0]!r} meant?)" if near else f"; there is: {', '.join(sorted(known))}"


def _never_shown(templates: Templates, tree: nodes.Template) -> list[nodes.Block]:
    """The blocks of a template that extends another which that one, as extended, does not show."""
    chain = [tree]
    while (parent := _parent(chain[-1])) is not None and len(chain) < 10:
        try:
            chain.append(templates.tree(parent))
        except TemplateError:
            return []  # told of that file
    if _parent(tree) is None:
        return []
    last: dict[str, nodes.Block] = {}
    for template in reversed(chain):
        last.update({block.name: block for block in template.find_all(nodes.Block)})
    shown: set[str] = set()
    waiting = [block.name for block in _outermost(chain[-1])]
    while waiting:
        block = waiting.pop()
        if block not in shown:
            shown.add(block)
            waiting += [inner.name for inner in last[block].find_all(nodes.Block)]
    return [block for block in _outermost(tree) if block.name not in shown]


def _parent(tree: nodes.Template) -> str | None:
    extends = tree.find(nodes.Extends)
    return extends.template.value if extends and isinstance(extends.template, nodes.Const) else None


def _outermost(tree: nodes.Template) -> list[nodes.Block]:
    blocks = list(tree.find_all(nodes.Block))
    inner = {id(block) for outer in blocks for block in outer.find_all(nodes.Block)}
    return [block for block in blocks if id(block) not in inner]


def _in_folder(
    templates: Templates, name: str, source: str, shop: Shop, categories: Collection[str]
) -> Iterator[Mistake]:
    """What only a look at the neighbours tells of one of the shop's own templates."""
    if not templates.is_own(name):
        return
    file, place = _file(templates, name), place_of(name)
    if source == templates.delivered_source(name):
        yield Mistake(file, 0, "is the delivered one, word for word: take it away to get later improvements", True)
    if place is None:
        return
    if place.category and place.category not in categories:
        yield Mistake(file, 0, f"is never used: there is no category {place.category!r}", True)
    if place.language not in shop.languages:
        yield Mistake(file, 0, f"is never used: the shop does not write {place.language!r}", True)
    others = [code for code in shop.languages if code != place.language]
    for other in others:
        translation = name.replace(f"{place.language}/", f"{other}/", 1)
        if place.category and templates.path(translation) is None:
            yield Mistake(file, 0, f"is not translated: there is no {translation}", True)


def _untranslated(templates: Templates, shop: Shop) -> Iterator[Mistake]:
    for kind in KINDS:
        for language in shop.languages:
            try:
                name = templates.choose(kind, "", language, shop.languages[0])
            except TemplateError as error:
                yield Mistake(f"{language}/{kind}.j2", 0, f"is missing: {error.what}")
            else:
                if not name.startswith(f"{language}/"):
                    yield Mistake(f"{language}/{kind}.j2", 0, f"is not there: {name} is used instead", True)


def _in_replies(templates: Templates, shop: Shop, wrong: Collection[str]) -> Iterator[Mistake]:
    """What comes of each reply. Of a file that is `wrong` already no more is told."""
    for name in templates.names():
        place, file = place_of(name), _file(templates, name)
        if place is None or place.language not in shop.languages or file in wrong:
            continue
        for complaint, variant in samples(place.kind, place.category or "other", place.language, shop):
            try:
                reply = compose(place.kind, complaint, variant, templates)
            except TemplateError as error:
                yield from _told(error, file, wrong)
                break
            yield from _in_text(file, reply.subject, reply.body, complaint.reference)


def _in_layout(templates: Templates, shop: Shop, wrong: Collection[str]) -> Iterator[Mistake]:
    for language in shop.languages:
        for quote in ("", "Jan:\n> x"):
            try:
                to_html("Subject", "Text [gap?].", quote, language, templates)
            except TemplateError as error:
                yield from _told(error, _file(templates, LAYOUT), wrong)


def _told(error: TemplateError, file: str, wrong: Collection[str]) -> Iterator[Mistake]:
    """A mistake where it is: of a file that is wrong already, or that a wrong one is built from, it was told."""
    place = error.file or file
    if place not in wrong:
        yield Mistake(place, error.line, error.reason)


def _in_text(file: str, subject: str, body: str, reference: str) -> Iterator[Mistake]:
    if CLOSED_ODR.search(f"{subject}\n{body}"):
        yield Mistake(file, 0, f"makes a reply that {ODR_IS_CLOSED}")
    longest = max(map(len, body.split("\n")))
    if longest > LONGEST_LINE:
        yield Mistake(file, 0, f"makes a line of more than {LONGEST_LINE} characters")
    if not subject or not body.strip():
        yield Mistake(file, 0, f"makes a reply without a {'text' if subject else 'subject'}")
    elif reference not in subject:
        yield Mistake(file, 0, "makes a subject without the case's reference: {{ case.reference }}", True)
