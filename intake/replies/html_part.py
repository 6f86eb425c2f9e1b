"""The HTML beside a plain text: the same words, made by a converter of our own, laid out, and sanitised at the end.

    text ─► paragraphs, lists, links, gaps ─► the shop's layout (`mail.html.j2`) ─► nh3 ─► a page of our own frame

It is total: every text becomes a page, and nothing in it becomes markup. Links are https only, and none is made in what
the customer wrote. Equal texts give equal bytes.
"""

import re
from collections.abc import Iterator
from itertools import groupby

import nh3
from markupsafe import Markup, escape

from intake.replies.compose import NOT_SHOWN
from intake.replies.templates import GAP, Templates

_LINK = r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:/[^\s<>\"'“”‘’«»()\[\]{}|\\^`]*)?"
_TOKEN = re.compile(rf"(?P<gap>{GAP.pattern})|(?P<link>{_LINK})", re.IGNORECASE)
_AFTER_LINK = ".,;:!?"
_ITEM = "- "
QUOTE_STYLE = "margin:0;padding:0 0 0 12px;border-left:3px solid #c8c8c8;color:#555555"
PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{subject}</title>
</head>
<body>
{content}
</body>
</html>
"""
_CLEANER = nh3.Cleaner(
    tags={
        *("a", "b", "blockquote", "br", "div", "em", "h1", "h2", "h3", "hr", "i", "img", "li", "mark", "ol", "p"),
        *("span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    },
    clean_content_tags={"script", "style", "title"},
    attributes={
        "*": {"style", "align", "valign", "width", "height", "bgcolor", "role"},
        "a": {"href", "title"},
        "img": {"src", "alt"},
        "table": {"border", "cellpadding", "cellspacing"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    },
    url_schemes={"https", "mailto", "tel"},
    url_relative="deny",
    link_rel="noopener noreferrer",
    filter_style_properties={
        *("background-color", "border", "border-bottom", "border-collapse", "border-left", "border-radius"),
        *("border-right", "border-top", "color", "display", "font-family", "font-size", "font-style", "font-weight"),
        *("height", "letter-spacing", "line-height", "margin", "margin-bottom", "margin-left", "margin-right"),
        *("margin-top", "max-width", "overflow-wrap", "padding", "padding-bottom", "padding-left", "padding-right"),
        *("padding-top", "text-align", "text-decoration", "vertical-align", "white-space", "width", "word-break"),
    },
)


def to_html(subject: str, body: str, quote: str, language: str, templates: Templates) -> str:
    """The page of a reply. `quote` is what `compose.quote` made, or empty. Raises `TemplateError` where the layout
    cannot be used."""
    values = {"content": Markup("\n").join(blocks(body)), "quote": quoted(quote), "language": language}
    content = _CLEANER.clean(templates.lay_out(language, values))
    return PAGE.format(
        language=escape(language), subject=escape(" ".join(_lines(" ".join(subject.split())))), content=content.strip()
    )


def blocks(text: str) -> Iterator[Markup]:
    """Paragraphs and lists in order: an empty line parts them, lines that start with "- " are a list."""
    for block in filter(str.strip, re.split(r"\n[^\S\n]*\n", "\n".join(_lines(text)))):
        for is_list, lines in groupby(block.split("\n"), key=lambda line: line.startswith(_ITEM)):
            if is_list:
                items = (Markup("<li>{}</li>").format(_words(line.removeprefix(_ITEM))) for line in lines)
                yield Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(items))
            else:
                yield Markup("<p>{}</p>").format(Markup("<br>\n").join(map(_words, lines)))


def quoted(quote: str) -> Markup:
    """The customer's words: who wrote when, and the lines without their signs. No links in it."""
    if not quote.strip():
        return Markup()
    attribution, *lines = _lines(quote)
    words = Markup("<br>\n").join(line.removeprefix(">").removeprefix(" ") for line in lines)
    return Markup('<p>{}</p>\n<blockquote style="{}">{}</blockquote>').format(attribution, QUOTE_STYLE, words)


def _lines(text: str) -> list[str]:
    """The lines of a text, without controls, halves of characters, and what turns the reading order around."""
    whole = re.sub(r"\r\n?", "\n", text.expandtabs(4)).strip("\n")
    return [NOT_SHOWN.sub("", line) for line in whole.split("\n")]


def _words(text: str) -> Markup:
    """A line with its gaps marked and its addresses as links."""
    done, at = [Markup()], 0
    for found in _TOKEN.finditer(text):
        done += [escape(text[at : found.start()]), _marked(found)]
        at = found.end()
    return Markup().join([*done, escape(text[at:])])


def _marked(found: re.Match[str]) -> Markup:
    whole = found.group()
    if found["gap"]:
        return Markup("<mark>{}</mark>").format(whole)
    link = whole.rstrip(_AFTER_LINK)
    return Markup('<a href="{}">{}</a>{}').format(link, link, whole[len(link) :])
