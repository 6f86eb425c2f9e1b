"""Sample letters of complaint as a scanner delivers them, made from a number: typeset, rendered, spoilt, packed.

    number ─► who writes what, in which layout ─► typst ─► page raster ─► skew, blur, specks, grey ─► PDF, TIFF or JPEG

The same number gives the same letter everywhere. The fonts are those inside typst and the sans serif that comes with
OCRmyPDF. People, places and complaints are invented; see `tests/letter_parts.py`.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

import img2pdf  # type: ignore[import-untyped]
import numpy
import ocrmypdf
import typst
from PIL import Image, ImageFilter

from intake.types import PostalAddress
from tests.letter_parts import (
    COMPLAINTS,
    COUNTRIES,
    FIRST_NAMES,
    ORGANISATIONS,
    SURNAMES,
    TITLES,
    WORDS,
    Words,
)

SHOP = ("Smart Import Solutions", "Plattenborgstraat 20", "8043 TT Zwolle")
MISSPELT = ("Smart Import Solution", "Plattenburgstraat 20", "8043 TT Zwolle")
MONTHS = {
    "nl": ("september", "oktober", "november"),
    "en": ("September", "October", "November"),
    "de": ("September", "Oktober", "November"),
    "fr": ("septembre", "octobre", "novembre"),
}
FONTS = ("Noto Sans", "Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono")
DPIS = (150, 200, 200, 200, 300, 300)
SUFFIXES = (".pdf", ".tif", ".jpg")
TURNS = (0, 0, 0, 0, 0, 0, 0, 90, 180, 270)
PAGE = b"""
#let letter = json(bytes(sys.inputs.letter))
#let set-lines(block) = {
  set text(size: block.size * letter.size * 1pt, weight: block.weight)
  set align(eval(block.side))
  block.lines.join(linebreak())
}
#set page(paper: "a4", margin: (x: 23mm, top: 20mm, bottom: 26mm), footer: set-lines(letter.footer))
#set text(font: letter.font, size: letter.size * 1pt, lang: letter.language, hyphenate: false)
#set par(leading: 0.6em, spacing: 1.3em, justify: letter.justified)
#for row in letter.rows {
  v(row.above * 1mm, weak: false)
  if row.blocks.len() == 1 { set-lines(row.blocks.first()) } else {
    grid(columns: (1fr, 1fr), ..row.blocks.map(set-lines))
  }
}
"""


@dataclass(frozen=True)
class LetterSample:
    """One scan and what stands on it. `sender` is who really wrote it, `text` every word on the page in blocks that a
    blank line parts. `turned` is how far the page lies turned, in degrees."""

    name: str
    scan: bytes
    suffix: str
    text: str
    sender: PostalAddress
    order_number: str
    language: str
    dpi: int
    layout: str
    category: str
    turned: int = 0


@dataclass(frozen=True)
class Block:
    """Lines that stand together; `size` is relative to the letter's, `side` a typst alignment."""

    lines: tuple[str, ...]
    side: str = "left"
    size: float = 1.0
    weight: str = "regular"

    def __str__(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Writer:
    """Who writes: the value to be found, how the name and the address are written, and how he signs."""

    postal: PostalAddress
    top_name: tuple[str, ...]
    lines: tuple[str, ...]
    contact: tuple[str, ...]
    signed: str

    @property
    def nameless(self) -> tuple[str, ...]:
        """The address without the person: where the name stands only below the letter."""
        return (*filter(None, (self.postal.organisation,)), *self.lines)


@dataclass(frozen=True)
class Draft:
    """The parts of a letter before they are laid out."""

    writer: Writer
    shop: Block
    dated: Block
    subject: Block
    greeting: Block
    body: tuple[Block, ...]
    closing: Block
    words: Words


@dataclass(frozen=True)
class Look:
    """How the letter is set; `size` in points."""

    font: str
    size: float
    justified: bool


Row = tuple[float, tuple[Block, ...]]


def letter_sample(number: int, scan: int = 0) -> LetterSample:
    """The sample of that number, from 0 on; with another `scan`, the same page scanned once more."""
    random, scanner = Random(f"letter {number}"), Random(f"scan {scan} of {number}")
    language = ("nl", "nl", "en", "de", "fr")[number % 5]
    category = sorted(COMPLAINTS)[number % len(COMPLAINTS)]
    order = random.choice((f"{random.randint(1000, 9999)}-{random.randint(1000, 9999)}", f"SIS-10{number:04d}"))
    draft = _draft(random, language, category, order)
    layout, lay_out = LAYOUTS[number % len(LAYOUTS)]
    rows, footer = lay_out(draft)
    font, size, justified = random.choice(FONTS), random.choice((10, 10.5, 11, 12)), random.random() < 0.3
    dpi, suffix = scanner.choice(DPIS), SUFFIXES[(number // 2 + scan) % len(SUFFIXES)]
    image = _typeset(_page(rows, footer, language, Look(font, size, justified)), dpi)
    turned = scanner.choice(TURNS)
    scanned = _packed(_spoilt(scanner, image, dpi).rotate(turned, expand=True), suffix, dpi, scanner)
    text = "\n\n".join(str(block) for _, blocks in rows for block in blocks) + f"\n\n{footer}"
    name = f"letter-{number:04d}"
    return LetterSample(
        name, scanned, suffix, text.strip(), draft.writer.postal, order, language, dpi, layout, category, turned
    )


def _draft(random: Random, language: str, category: str, order: str) -> Draft:
    words = WORDS[language]
    writer = _writer(random, language)
    named = random.choice(words.order).format(order)
    stories = random.sample(words.stories, random.randint(2, 4))
    complaint = COMPLAINTS[category][language]
    opening = random.choice(words.openings).format(named)
    shop: tuple[str, ...] = MISSPELT if random.random() < 0.15 else SHOP
    if random.random() < 0.4:
        shop = (shop[0], words.attention, *shop[1:])
    month = random.choice(MONTHS[language])
    dated = f"{writer.postal.city}, {'le ' if language == 'fr' else ''}{random.randint(1, 28)} {month} 2026"
    subject = f"{random.choice(words.subject)} {words.about.format(named)}"
    return Draft(
        writer,
        Block(shop),
        Block((dated,)),
        Block((subject,), weight=random.choice(("regular", "bold"))),
        Block((random.choice(words.salutations),)),
        (Block((f"{opening} {complaint}",)), Block((" ".join(stories),)), Block((random.choice(words.demands),))),
        Block((random.choice(words.closings),)),
        words,
    )


def _writer(random: Random, language: str) -> Writer:
    country = random.choice(COUNTRIES[language])
    first, surname = random.choice(FIRST_NAMES[language]), random.choice(SURNAMES[country.iso])
    written = random.choice((f"{first[0]}.", f"{first[0]}. {random.choice('BCDGHMW')}.", first, first))
    name = f"{written} {surname}"
    street, number = random.choice(country.streets), str(random.randint(1, 240))
    addition = random.choice(country.additions)
    code, city = random.choice(country.places)
    code = _filled(random, code)
    comma = random.choice(("", ","))
    line = country.street.format(street=street, number=number + addition, comma=comma)
    city_line = f"{code}{random.choice((' ', '  '))}{city}"
    lines = (line, city_line, *((random.choice(country.names),) if random.random() < 0.2 else ()))
    organisation = ORGANISATIONS[language] if random.random() < 0.12 else ""
    top = (organisation, name) if organisation else (random.choice(TITLES[language]) + name,)
    address = f"{first[0]}.{surname.split()[-1]}@example.{country.iso.lower()}".lower()
    email = address.encode("ascii", "ignore").decode()
    contact = tuple(item for item in (_filled(random, country.phone), email) if random.random() < 0.5)
    code = code.removeprefix("L-")
    postal = PostalAddress(name, organisation, street, number + addition, code, city, country.iso)
    return Writer(postal, top, lines, contact, name)


def _filled(random: Random, pattern: str) -> str:
    """The pattern with its # and @ drawn: digits, and letters as Dutch postcodes have them."""
    letters = {"#": "0123456789", "@": "ABCDEGHJKLMNPRVXZ"}
    return "".join(random.choice(letters.get(sign, sign)) for sign in pattern)


def _sender(draft: Draft, side: str = "left") -> Block:
    writer = draft.writer
    return Block((*writer.top_name, *writer.lines, *writer.contact), side)


def _rest(draft: Draft, *, dated: bool = True) -> tuple[Row, ...]:
    head = ((8.0, (draft.dated,)),) if dated else ()
    body = tuple((0.0, (block,)) for block in draft.body)
    signed = Block((draft.writer.signed,))
    return (*head, (6, (draft.subject,)), (6, (draft.greeting,)), *body, (3, (draft.closing,)), (14, (signed,)))


def _top_left(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    return ((0, (_sender(draft),)), (10, (draft.shop,)), *_rest(draft)), Block(())


def _top_right(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    return ((0, (_sender(draft, "right"),)), (6, (draft.shop,)), *_rest(draft)), Block(())


def _right_column(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    return ((0, (Block(()), _sender(draft))), (6, (draft.shop,)), *_rest(draft)), Block(())


def _columns(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    return ((0, (_sender(draft), draft.shop)), *_rest(draft)), Block(())


def _one_line(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    head = Block((" · ".join((*draft.writer.top_name, *draft.writer.lines)),), "center", 0.9)
    return ((0, (head,)), (14, (draft.shop,)), *_rest(draft)), Block(())


def _return_line(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    head = Block((", ".join((*draft.writer.top_name, *draft.writer.lines)),), "left", 0.75)
    return ((16, (head,)), (2, (draft.shop,)), *_rest(draft)), Block(())


def _in_the_footer(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    writer = draft.writer
    name = Block(writer.top_name, "center", 1.3, "bold")
    footer = Block((" | ".join((*writer.lines, *writer.contact)),), "center", 0.8)
    return ((0, (name,)), (14, (draft.shop,)), *_rest(draft)), footer


def _below_the_signature(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    writer = draft.writer
    return ((0, (draft.shop,)), *_rest(draft), (0, (Block((*writer.nameless, *writer.contact)),))), Block(())


def _labelled(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    sender, words = _sender(draft), draft.words
    head = replace(sender, lines=(words.sender, *sender.lines))
    to = replace(draft.shop, lines=(words.to, *draft.shop.lines))
    reference = Block((f"{words.your_reference} K 2026/11",))
    return ((0, (head,)), (4, (to,)), (4, (reference,)), *_rest(draft)), Block(())


def _nameless_top(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    sender = Block((*draft.writer.nameless, *draft.writer.contact))
    enclosure = Block((draft.words.enclosure,), size=0.9)
    return ((0, (sender,)), (10, (draft.shop,)), *_rest(draft), (6, (enclosure,))), Block(())


def _note(draft: Draft) -> tuple[tuple[Row, ...], Block]:
    """A short one, all in one block: to whom, the words, who."""
    writer = draft.writer
    to = f"{draft.words.to} {draft.shop.lines[0]}"
    said = tuple(block.lines[0] for block in draft.body[:2])
    lines = (
        to,
        *draft.dated.lines,
        *draft.greeting.lines,
        *said,
        *draft.closing.lines,
        writer.signed,
        *writer.nameless,
    )
    return ((0, (Block(lines),)),), Block(())


LAYOUTS: tuple[tuple[str, Callable[[Draft], tuple[tuple[Row, ...], Block]]], ...] = (
    ("top left", _top_left),
    ("top right", _top_right),
    ("one line", _one_line),
    ("columns", _columns),
    ("below the signature", _below_the_signature),
    ("right column", _right_column),
    ("in the footer", _in_the_footer),
    ("labelled", _labelled),
    ("return line", _return_line),
    ("nameless top", _nameless_top),
    ("note", _note),
)


def _page(rows: tuple[Row, ...], footer: Block, language: str, look: Look) -> str:
    """All that the page prints, as JSON."""
    narrow = 1 if look.font == "DejaVu Sans Mono" else 0
    return json.dumps(
        {
            "rows": [{"above": above, "blocks": [vars(block) for block in blocks]} for above, blocks in rows],
            "footer": vars(footer),
            "font": look.font,
            "size": look.size - narrow,
            "language": language,
            "justified": look.justified,
        }
    )


def _typeset(letter: str, dpi: int) -> Image.Image:
    page = typst.compile(PAGE, format="png", ppi=dpi, font_paths=_fonts(), sys_inputs={"letter": letter})
    assert isinstance(page, bytes)
    return Image.open(io.BytesIO(page)).convert("L")


@cache
def _fonts() -> typst.Fonts:
    bundled = Path(ocrmypdf.__file__).parent / "data"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[bundled])


def _spoilt(random: Random, image: Image.Image, dpi: int) -> Image.Image:
    """The page as a scanner sees it: slightly askew, soft, on paper that is not white, with dust."""
    paper = random.choice((255, 248, 235, 222))
    askew = image.rotate(random.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor=255)
    soft = askew.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.35) * dpi / 100))
    grey = numpy.asarray(soft, dtype=numpy.float32) * (paper / 255)
    dust = numpy.random.default_rng(random.randrange(2**32))
    grey += dust.normal(0, random.uniform(0, 6), grey.shape).astype(numpy.float32)
    specks = dust.integers(0, grey.size, int(grey.size * random.choice((0, 0.00005, 0.0003))))
    grey.reshape(-1)[specks] = dust.integers(0, 160, specks.size)
    return Image.fromarray(numpy.clip(grey, 0, 255).astype(numpy.uint8))


def _packed(image: Image.Image, suffix: str, dpi: int, random: Random) -> bytes:
    out = io.BytesIO()
    if suffix == ".tif":
        image.point(lambda level: 255 * (level > 150)).convert("1").save(
            out, "TIFF", compression="group4", dpi=(dpi, dpi)
        )
        return out.getvalue()
    image.save(out, "JPEG", quality=random.choice((60, 75, 85)), dpi=(dpi, dpi))
    return (
        bytes(img2pdf.convert(out.getvalue(), nodate=True, engine=img2pdf.Engine.internal))
        if suffix == ".pdf"
        else out.getvalue()
    )
