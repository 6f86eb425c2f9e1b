"""What a template may cost: whatever is written in one, it ends soon, or is refused with its place."""

from pathlib import Path

import pytest

from intake.errors import TemplateError
from intake.replies.budget import STEPS_A_LOOK, Budget, TooMuch
from intake.replies.templates import Templates

DELIVERED = Path(__file__).parent.parent / "templates" / "replies"
VALUES = {"name": "Jan", "labels": ["safety", "threat"], "facts": {"a": "1", "b": "2"}, "long": "x" * 40_000}
DOUBLED = "{% set a = a ~ a %}\n" * 40
NESTED = "{% set a = [a, a] %}\n" * 40
MANY = "{% for i in 'x' * 40000 %}"
TOO_MUCH = {
    "a huge repetition": "{{ 'x' * 10**9 }}",
    "a repetition the other way round": "{{ 10**9 * 'x' }}",
    "a repeated list": "{% for x in [1] * 10**9 %}{% endfor %}",
    "a huge number": "{{ 10 ** 100000000 }}",
    "a number of numbers": "{{ 9 ** (9 ** 9) }}",
    "a text that doubles": "{% set a = 'x' %}\n" + DOUBLED,
    "a text that doubles by adding": "{% set a = 'x' %}\n" + DOUBLED.replace("~", "+"),
    "a list that doubles": "{% set a = [1] %}\n" + DOUBLED.replace("~", "+"),
    "lists in lists": "{% set a = ['x'] %}\n" + NESTED,
    "lists in lists that are compared": "{% set a = ['x'] %}\n" + NESTED + "{{ a == a }}",
    "mappings in mappings": "{% set a = 'x' %}\n" + "{% set a = {'x': a, 'y': a} %}\n" * 40,
    "loops in loops": f"{MANY}{MANY}{{% endfor %}}{{% endfor %}}",
    "a loop that puts out much": f"{MANY}{'y' * 500}{{% endfor %}}",
    "a loop that puts out a long value": f"{MANY}{{{{ long }}}}{{% endfor %}}",
    "a loop whose condition costs": "{% for i in long if long | replace('x', 'y') == 'z' %}{% endfor %}",
    "a macro that calls itself twice": "{% macro m(n) %}{{ m(n - 1) ~ m(n - 1) if n else 1 }}{% endmacro %}{{ m(30) }}",
    "a macro with a growing argument": "{% macro m(a, n) %}{{ m(a ~ a, n - 1) if n else 1 }}{% endmacro %}"
    "{{ m('x', 50) }}",
    "a macro with growing arguments": "{% macro m(n) %}{{ m(n - 1, varargs, varargs) if n else 1 }}{% endmacro %}"
    "{{ m(50, 'x', 'y') }}",
    "a macro without an end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a block in itself": "{% block b %}{{ self.b() }}{% endblock %}",
    "an include of itself": "{% include 'own.j2' %}{% include 'own.j2' %}",
    "a recursive loop": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "a wide centre": "{{ 'x' | center(10000000000) }}",
    "a wide method": "{{ 'x'.ljust(10**9) }}",
    "a wide number": "{{ '%1000000000d' % 1 }}",
    "a width from a value": "{{ '%*d' % (1000000000, 1) }}",
    "a wide number by a filter": "{{ '%01000000000d' | format(1) }}",
    "a wide format": "{{ '{:>1000000000}'.format('x') }}",
    "a deep indent": "{{ 'x\\ny' | indent(1000000000) }}",
    "a deep rounding": "{{ 2.5 | round(1000000000, 'floor') }}",
    "a replacement that grows": "{{ long | replace('x', long) }}",
    "a replacing method that grows": "{{ long.replace('x', long) }}",
    "a join that grows": "{{ long | join(long) }}",
    "a joining method that grows": "{{ long.join(long) }}",
    "a long list": "{{ (long | map('replace', 'x', 'y') | list) | length }}",
    "a long word to wrap": "{{ long | wordwrap(1) }}",
    "a result that is too long": "{{ long }}" * 6,
    "a long template": "y" * 200_001,
    "a list that is printed": "{{ labels }}",
    "facts that are printed": "{{ facts }}",
    "loops that Python cannot nest": "{% for i in labels %}" * 25 + "{% endfor %}" * 25,
    "a chance": "{{ labels | random }}",
}


@pytest.mark.parametrize("case", TOO_MUCH)
@pytest.mark.timeout(20)
def test_what_would_cost_too_much_is_refused_and_told(case: str, tmp_path: Path) -> None:
    (tmp_path / "own.j2").write_text("S\n\n" + TOO_MUCH[case], encoding="utf-8")
    with pytest.raises(TemplateError, match=r"Template own\.j2") as refused:
        Templates(DELIVERED, tmp_path).render("own.j2", VALUES)
    assert len(str(refused.value)) < 400
    assert refused.value.next_step


FINE = {
    "a loop": ("{% for x in labels %}{{ loop.index }}{{ x }}{% endfor %}", "1safety2threat"),
    "a loop with a condition": ("{% for x in labels if x != 'safety' %}{{ x }}{% else %}none{% endfor %}", "threat"),
    "a mapping": ("{% for k, v in facts.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2"),
    "a macro": ("{% macro m(x, y='b') %}{{ x }}{{ y }}{% endmacro %}{{ m('a') }}{{ m('c', y='d') }}", "abcd"),
    "a called macro": (
        "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}{{ name }}{% endcall %}",
        "<Jan>",
    ),
    "filters": ("{{ name | upper | replace('J', 'Y') | lower | title }}", "Yan"),
    "a join": ("{{ labels | map('upper') | join(', ') }}", "SAFETY, THREAT"),
    "a default": ("{{ nothing | default('x') }}{{ name | default('y') }}", "xJan"),
    "a choice": ("{{ 'a' if 'safety' in labels else 'b' }}", "a"),
    "numbers": ("{{ 2 + 3 * 4 - 5 // 2 }}{{ 7 % 4 }}{{ 2 ** 8 }}", "123256"),
    "a set": ("{% set x = name ~ '!' %}{{ x }}{{ x ~ 1 ~ none }}", "Jan!Jan!1None"),
    "a format": ("{{ '%s: %05.1f %%' % (name, 2.5) }}{{ '%-3s|' | format('a') }}", "Jan: 002.5 %a  |"),
    "methods": ("{{ name.upper() }}{{ 'a b'.split() | join('+') }}{{ ', '.join(labels) }}", "JANa+bsafety, threat"),
    "slices and tests": ("{{ name[:2] }}{{ name is defined }}{{ 3 is odd }}", "JaTrueTrue"),
    "a block and its parent": (
        "{% extends 'parent.j2' %}{% block b %}({{ super() }}){% endblock %}",
        "(in the parent)",
    ),
    "an include": ("{% include 'part.j2' %}", "part of Jan"),
    "an import": ("{% from 'macros.j2' import m %}{{ m(name) }}", "Dag Jan"),
    "a filter block": ("{% filter upper %}{{ name }}{% endfilter %}", "JAN"),
    "a wrapped text": ("{{ 'een twee drie' | wordwrap(5) | replace('\\n', '/') }}", "een/twee/drie"),
    "a large but fair loop": ("{% for x in 'ab' * 1000 %}{{ x }}{% endfor %}", "ab" * 1000),
}


@pytest.mark.parametrize("case", FINE)
def test_what_a_shop_may_well_write_is_rendered(case: str, tmp_path: Path) -> None:
    written, shown = FINE[case]
    (tmp_path / "parent.j2").write_text("S\n\n{% block b %}in the parent{% endblock %}", encoding="utf-8")
    (tmp_path / "part.j2").write_text("part of {{ name }}", encoding="utf-8")
    (tmp_path / "macros.j2").write_text("{% macro m(x) %}Dag {{ x }}{% endmacro %}", encoding="utf-8")
    (tmp_path / "own.j2").write_text(written if "extends" in written else "S\n\n" + written, encoding="utf-8")
    _, body = Templates(DELIVERED, tmp_path).render("own.j2", VALUES)
    assert body == shown + "\n"


def test_the_clock_is_the_last_fence() -> None:
    budget = Budget(seconds=-1)
    budget.steps = STEPS_A_LOOK - 1
    with pytest.raises(TooMuch, match="more than 2 seconds"):
        budget.step()


def test_one_rendering_does_not_pay_for_another(tmp_path: Path) -> None:
    (tmp_path / "own.j2").write_text("S\n\n{% for x in 'x' * 40000 %}y{% endfor %}", encoding="utf-8")
    templates = Templates(DELIVERED, tmp_path)
    assert {templates.render("own.j2", VALUES)[1] for _ in range(5)} == {"y" * 40_000 + "\n"}
