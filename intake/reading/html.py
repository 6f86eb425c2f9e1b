"""HTML → text that a person can read: lists, tables, links, quotes. For reading only; nothing here is shown as HTML.

Quoted mail (`blockquote`) becomes lines that begin with "> ", so that what folds history in plain text folds it here
too. What is hidden (display:none, preheaders) is left out, unless it is all there is. A reader of its own, in one
pass over the tokens: no tree, so that neither depth nor unclosed elements cost more than their length, and no text
is lost to markup that nobody can parse.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape

MAX_PARSED = 512 * 1024
MAX_LINKS = 300
MAX_ADDRESS = 200
MAX_TABLES = 6
MAX_QUOTES = 12
MAX_INDENT = 6
LONGEST_PREHEADER = 250  # characters; programs show about half of that
RULE = "_" * 32  # what mail programs write for a rule in plain text
# Marks in the text while it is made. They are controls, which no decoded text holds.
# BLOCK ends a line where one is begun, PARAGRAPH leaves a blank one; a no-break space is a space that stays.
QUOTE, UNQUOTE, CELL, BLOCK, PARAGRAPH, KEPT_SPACE = "\x01", "\x02", "\x03", "\x05", "\x06", "\xa0"

NAME = r"[a-zA-Z][a-zA-Z0-9:_-]{0,40}"
TOKEN = re.compile(
    rf"<(/?)({NAME})(?=[\s/>])((?>(?:[^<>\"']+|\"[^\"]{{0,100000}}\"|'[^']{{0,100000}}'){{0,60}}))>"
    rf"|<(/?)({NAME})(?=[\s/>])([^<>]{{0,4000}})>"
    r"|<[!?][^<>]{0,4000}>"
    r"|(?:[^<]|<(?![a-zA-Z/!?]))+|<"
)
SILENT = re.compile(r"<(script|style|title|template|noembed|iframe|xml)(?=[\s/>])[^<>]{0,4000}>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([a-zA-Z][a-zA-Z0-9:_-]*)\s*(?:=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
# A letter size of nothing hides nothing: layouts have it to close gaps, and give what is in them a size again.
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|opacity\s*:\s*0(\.0+)?\s*(;|$|!)",
    re.IGNORECASE,
)
NO_HEIGHT = re.compile(r"(^|[;\s])(max-)?height\s*:\s*0(px|pt|em)?\s*(;|$|!)", re.IGNORECASE)
NO_SIZE = re.compile(r"font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|%)?\s*(?:;|$|!)", re.IGNORECASE)
CUT_OFF = re.compile(r"overflow(-y)?\s*:\s*hidden", re.IGNORECASE)
INDENT_ONLY = re.compile(r"border(-left)?\s*:\s*(none|0|medium none)", re.IGNORECASE)
META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
DATA_ADDRESS = re.compile(r"data:[a-zA-Z0-9/+.;=-]{0,100},[A-Za-z0-9+/=%\s]{200,}")
TAGS = re.compile(r"<[/!?a-zA-Z][^<>]{0,4000}>")
EMPTY_LINES = re.compile(r"\n{3,}")
GAPS = re.compile("(?<![ \n\x05\x06])(?: *[\n\x05\x06][ \n\x05\x06]*|  +)")
# Other white space, and what pads a preheader. Runs of spaces are left to `GAPS`.
SPACES = re.compile(r"[\t\n\f\u200b\u200c\u00ad\u034f\ufeff\u2060][ \t\n\f\u200b\u200c\u00ad\u034f\ufeff\u2060]*")

BLOCKS = frozenset(
    {"address", "article", "aside", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption"}
    | {"figure", "footer", "form", "header", "html", "legend", "main", "nav", "section", "summary", "caption"}
    | {"thead", "tbody", "tfoot", "option", "title"}
)
PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"})
VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "wbr", "source", "param"})


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int


@dataclass(slots=True)
class _Reader:
    """Takes tokens in order and writes marked text."""

    out: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    lists: list[_List] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    quotes: list[bool] = field(default_factory=list)
    hiding: str = ""
    depth: int = 0
    pre: int = 0
    tight: bool = False
    links: int = 0
    link: tuple[str, int] | None = None

    def text(self, raw: str) -> None:
        text = unescape(raw) if "&" in raw else raw
        text = text.replace(" ", KEPT_SPACE) if self.pre else SPACES.sub(" ", text)
        (self.hidden if self.hiding else self.out).append(text)

    def start(self, name: str, attributes: str) -> None:
        if self.hiding:
            if name == self.hiding:
                self.depth += 1
            if name in BLOCKS or name in PARAGRAPHS or name == "br":
                self.hidden.append(BLOCK)
            return
        if attributes and name not in VOID and _is_hidden(name, attributes):
            self.hiding, self.depth = name, 1
            self.hidden.append(BLOCK)
            return
        action = STARTS.get(name)
        if action is not None:
            action(self, attributes)
        elif name in PARAGRAPHS:
            self.out.append(PARAGRAPH)
        elif name in BLOCKS:
            self.out.append(BLOCK)

    def end(self, name: str) -> None:
        if self.hiding:
            if name == self.hiding:
                self.depth -= 1
            if self.depth == 0:
                self.hiding = ""
            return
        action = ENDS.get(name)
        if action is not None:
            action(self)
        elif name in PARAGRAPHS:
            self.out.append(PARAGRAPH)
        elif name in BLOCKS:
            self.out.append(BLOCK)

    def finish(self, problems: list[str]) -> str:
        """All that was read; what is hidden where an element that hides never ended, or where there is nothing else."""
        self.end_link()
        while self.rows:
            self.end_table()
        text = _laid_out("".join(self.out))
        hidden = _laid_out("".join(self.hidden))
        if self.hiding or not text:
            text = "\n\n".join(filter(None, (text, hidden)))
        elif _is_more_than_a_preheader(hidden, text):
            problems.append("text that the mail hides was left out: look at the original")
        return text or "\n".join(self.images)

    def start_paragraph(self, attributes: str) -> None:
        """Word writes a paragraph for each line, without a gap between them."""
        self.tight = "msonormal" in attributes.lower()
        self.out.append(BLOCK if self.tight else PARAGRAPH)

    def start_link(self, attributes: str) -> None:
        self.end_link()
        address = _address(_attribute(attributes, "href"))
        if address and self.links < MAX_LINKS:
            self.link = (address, len(self.out))

    def end_link(self) -> None:
        if self.link is None:
            return
        (address, start), self.link = self.link, None
        label = " ".join("".join(self.out[start:]).split())
        if not label and address.startswith("http"):
            return  # around a picture
        if _bare(address) in _bare(label).split():
            return
        self.links += 1
        self.out.append(f" <{address.removeprefix('mailto:')}>" if address.startswith("mailto:") else f" ({address})")

    def start_rule(self) -> None:
        """A rule right below a rule says nothing more."""
        rule = f"{BLOCK}{RULE}{BLOCK}"
        if self.out[-1:] != [rule]:
            self.out.append(rule)

    def start_image(self, attributes: str) -> None:
        label = " ".join(unescape(_attribute(attributes, "alt")).split())[:200]
        if label and len(label) <= 4 and not label.isascii():
            self.out.append(label)  # an emoji that is drawn
        elif label and len(self.images) < 100:
            self.images.append(label)

    def start_quote(self, attributes: str) -> None:
        kind = _attribute(attributes, "type") + _attribute(attributes, "class")
        quotes = bool(kind) or not INDENT_ONLY.search(_attribute(attributes, "style"))
        self.quotes.append(quotes)
        self.out.append(QUOTE if quotes else BLOCK)

    def end_quote(self) -> None:
        quotes = self.quotes.pop() if self.quotes else False
        self.out.append(UNQUOTE if quotes else BLOCK)

    def start_item(self) -> None:
        top = self.lists[-1] if self.lists else _List(False, 0)
        top.number += 1
        indent = KEPT_SPACE * 2 * min(len(self.lists) - 1, MAX_INDENT)
        mark = f"{top.number}." if top.ordered else "-"
        self.out.append(f"{BLOCK}{indent}{mark}{KEPT_SPACE}")

    def start_list(self, ordered: bool, attributes: str = "") -> None:
        first = _attribute(attributes, "start") if ordered else ""
        self.lists.append(_List(ordered, int(first) - 1 if first.isdigit() and len(first) < 5 else 0))
        self.out.append(BLOCK if len(self.lists) > 1 else PARAGRAPH)

    def end_list(self) -> None:
        if self.lists:
            self.lists.pop()
        self.out.append(BLOCK if self.lists else PARAGRAPH)

    def start_table(self) -> None:
        self.out.append(BLOCK)
        self.rows.append(-1)

    def end_table(self) -> None:
        if self.rows:
            self.end_row()
            self.rows.pop()
        self.out.append(BLOCK)

    def start_row(self) -> None:
        if self.rows:
            self.end_row()
            self.rows[-1] = len(self.out)
        self.out.append(BLOCK)

    def start_cell(self) -> None:
        self.out.append(CELL if self.rows and len(self.rows) <= MAX_TABLES else BLOCK)

    def end_row(self) -> None:
        """Cells of one line each stand beside each other; a row that lays out a page falls apart into lines."""
        start = self.rows[-1] if len(self.rows) <= MAX_TABLES else -1
        self.rows[-1] = -1
        if start < 0:
            self.out.append(BLOCK)
            return
        cells = [cell.strip(f" \n{BLOCK}{PARAGRAPH}") for cell in "".join(self.out[start:]).split(CELL)]
        del self.out[start:]
        filled = [cell for cell in cells if cell]
        plain = not any(mark in cell for cell in filled for mark in ("\n", QUOTE, BLOCK, PARAGRAPH))
        self.out.append(BLOCK + (KEPT_SPACE * 2 if plain else BLOCK).join(filled) + BLOCK)


STARTS: dict[str, Callable[[_Reader, str], None]] = {
    "a": _Reader.start_link,
    "p": _Reader.start_paragraph,
    "img": _Reader.start_image,
    "blockquote": _Reader.start_quote,
    "br": lambda reader, _: reader.out.append("\n"),
    "hr": lambda reader, _: reader.start_rule(),
    "li": lambda reader, _: reader.start_item(),
    "ul": lambda reader, _: reader.start_list(False),
    "ol": lambda reader, attributes: reader.start_list(True, attributes),
    "table": lambda reader, _: reader.start_table(),
    "tr": lambda reader, _: reader.start_row(),
    "td": lambda reader, _: reader.start_cell(),
    "th": lambda reader, _: reader.start_cell(),
}
ENDS: dict[str, Callable[[_Reader], None]] = {
    "a": _Reader.end_link,
    "p": lambda reader: reader.out.append(BLOCK if reader.tight else PARAGRAPH),
    "blockquote": _Reader.end_quote,
    "ul": _Reader.end_list,
    "ol": _Reader.end_list,
    "table": _Reader.end_table,
}


def read_html(html: str, problems: list[str]) -> str:
    """The text of an HTML document or piece of one, with LF line ends. What lies beyond `MAX_PARSED` is not parsed:
    its tags are taken out, and its text kept."""
    rest = ""
    if len(html) > MAX_PARSED:
        html = DATA_ADDRESS.sub("", html)
    if len(html) > MAX_PARSED:
        problems.append("a very long HTML text was read without its layout")
        html, rest = html[:MAX_PARSED], html[MAX_PARSED:]
    reader = _Reader()
    shown, silent = _without_silent(_without_comments(html))
    for match in TOKEN.finditer(shown):
        _take(reader, match)
    text = reader.finish(problems) or _laid_out(unescape(TAGS.sub(" ", silent)))
    return f"{text}\n{strip_tags(rest)}".strip("\n") if rest else text


def strip_tags(html: str) -> str:
    """Text without what looks like a tag: the plain way, for what is too long or too odd to be parsed."""
    text = SPACES.sub(" ", unescape(TAGS.sub(" ", html)))
    return re.sub("  +", " ", text).strip()


def declared_charset(raw: bytes) -> str:
    """The charset that an HTML document names in its first 2 KB, empty where it names none."""
    found = META_CHARSET.search(raw[:2048])
    return found[1].decode("ascii") if found else ""


def _take(reader: _Reader, match: re.Match[str]) -> None:
    name = match[2] or match[5]
    if name is None:
        piece = match[0]
        if not piece.startswith(("<!", "<?")):
            reader.text(piece)
        return
    name = name.lower()
    if name == "pre":
        reader.pre = max(0, reader.pre + (-1 if match[1] or match[4] else 1))
    if match[1] or match[4]:
        reader.end(name)
    else:
        reader.start(name, match[3] or match[6] or "")


def _without_comments(html: str) -> str:
    """Comments out, conditional ones with what is in them. One that never ends is only its mark."""
    start = html.find("<!--")
    if start == -1:
        return html
    pieces: list[str] = []
    position = 0
    while start != -1:
        end = html.find("-->", start + 2)
        if end == -1:
            pieces.append(html[position:start])
            position = start + 4
            break
        pieces.append(html[position:start])
        position = end + 3
        start = html.find("<!--", position)
    pieces.append(html[position:])
    return "".join(pieces)


def _without_silent(html: str) -> tuple[str, str]:
    """(HTML without scripts, styles and the like, what an unclosed one of them swallowed)."""
    pieces: list[str] = []
    position = 0
    while (found := SILENT.search(html, position)) is not None:
        end = re.compile(rf"</{found[1]}[^>]{{0,100}}>", re.IGNORECASE).search(html, found.end())
        if end is None:
            return "".join((*pieces, html[position : found.start()])), html[found.end() :]
        pieces.append(html[position : found.start()])
        position = end.end()
    return "".join((*pieces, html[position:])), ""


def _attribute(attributes: str, name: str) -> str:
    if name not in attributes.lower():
        return ""
    for match in ATTRIBUTE.finditer(attributes):
        if match[1].lower() == name:
            return (match[2] or "").strip("\"'")
    return ""


def _is_hidden(name: str, attributes: str) -> bool:
    lowered = attributes.lower()
    style = unescape(_attribute(attributes, "style")) if "style" in lowered else ""
    if style and (HIDING.search(style) or (NO_HEIGHT.search(style) and CUT_OFF.search(style))):
        return True
    # Mail builders set it on every cell, and a size of its own on what is in there; on words themselves it hides.
    if style and name in ("span", "font") and NO_SIZE.search(style):
        return True
    return "hidden" in lowered and any(match[0].lower() == "hidden" for match in ATTRIBUTE.finditer(attributes))


def _is_more_than_a_preheader(hidden: str, shown: str) -> bool:
    """Whether hidden text is long, and not the shown one again (newsletters hold a second layout for telephones)."""
    if len(hidden) <= LONGEST_PREHEADER:
        return False
    known = {" ".join(line.split()) for line in shown.split("\n")}
    fresh = (" ".join(line.split()) for line in hidden.split("\n"))
    return sum(len(line) for line in fresh if line not in known) > LONGEST_PREHEADER


def _address(href: str) -> str:
    """A link's address for showing: only those that lead to a page or a person, without what tracks, cut to length."""
    address = "".join(unescape(href).split())
    scheme = address.partition(":")[0].lower()
    if scheme == "mailto":
        bare = address.partition(":")[2].partition("?")[0]
        return f"mailto:{bare}" if "@" in bare and len(bare) <= MAX_ADDRESS else ""
    if scheme not in ("http", "https", "ftp"):
        return ""
    if len(address) <= MAX_ADDRESS:
        return address
    short = address.partition("?")[0].partition("#")[0]
    host = "/".join(short.split("/")[:3])
    return f"{short if len(short) <= MAX_ADDRESS else host[:MAX_ADDRESS]}…"


def _bare(text: str) -> str:
    """For comparing a link's text with its address."""
    text = text.casefold().strip("<>()[] …")
    return re.sub(r"(mailto:|https?://|ftp://)(www\.)?", "", text).removeprefix("www.").rstrip("/.")


def _laid_out(marked: str) -> str:
    """Marked text as lines: quoted ones with their marks, without blank lines in excess."""
    lines: list[str] = []
    depth = 0
    for piece in re.split(f"([{QUOTE}{UNQUOTE}])", marked):
        if piece in (QUOTE, UNQUOTE):
            depth = max(0, depth + (1 if piece == QUOTE else -1))
            continue
        text = GAPS.sub(_gap, piece.replace(CELL, " ")).strip(" \n").replace(KEPT_SPACE, " ").strip("\n")
        if not text.strip():
            continue
        if lines and not depth:
            lines.append("")
        prefix = "> " * min(depth, MAX_QUOTES)
        lines += [(prefix + line).rstrip() for line in text.split("\n")]
    return EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _gap(run: re.Match[str]) -> str:
    """A run of spaces, line breaks and marks as what it looks like on a page: a break before the end of a block adds
    nothing, and no gap is more than one blank line."""
    marks = run[0].replace(" ", "")
    if not marks:
        return " "
    if PARAGRAPH in marks:
        return "\n\n"
    leading = len(marks) > len(marks.lstrip(BLOCK))
    return "\n" * min(2, max(1, marks.count("\n") + leading))
