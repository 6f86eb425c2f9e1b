"""The HTML beside a draft: the same words, nothing of a stranger's as markup, and the same bytes each time."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.errors import TemplateError
from intake.replies.compose import quote
from intake.replies.html_part import blocks, to_html
from intake.replies.mime import DraftMail, build
from intake.replies.templates import Templates
from intake.types import Address

DELIVERED = Path(__file__).parent.parent / "templates" / "replies"
TEMPLATES = Templates(DELIVERED)
NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)
OURS = {"html", "head", "meta", "title", "body", "div", "p", "br", "ul", "li", "blockquote", "mark", "a"}
CONVERTED = {
    "a paragraph": ("Dag <b>Jan</b> & co", "<p>Dag &lt;b&gt;Jan&lt;/b&gt; &amp; co</p>"),
    "two lines": ("Mirjam\nmanager", "<p>Mirjam<br>\nmanager</p>"),
    "two paragraphs": ("a\n \t\nb\n", "<p>a</p>\n<p>b</p>"),
    "other line ends": ("a\r\n\r\nb\rc", "<p>a</p>\n<p>b<br>\nc</p>"),
    "a list": ("Graag:\n- een\n- twee\nDank", "<p>Graag:</p>\n<ul>\n<li>een</li>\n<li>twee</li>\n</ul>\n<p>Dank</p>"),
    "a gap": ("Uw bestelling [bestelnummer?].", "<p>Uw bestelling <mark>[bestelnummer?]</mark>.</p>"),
    "a gap with signs": ("[<i>?]", "<p><mark>[&lt;i&gt;?]</mark></p>"),
    "a link": (
        "Zie https://www.example.nl/a?b=1&c=2.",
        '<p>Zie <a href="https://www.example.nl/a?b=1&amp;c=2">https://www.example.nl/a?b=1&amp;c=2</a>.</p>',
    ),
    "a link in brackets": (
        "(https://example.nl)",
        '<p>(<a href="https://example.nl">https://example.nl</a>)</p>',
    ),
    "no link without its lock": (
        "http://example.nl javascript:alert(1)",
        "<p>http://example.nl javascript:alert(1)</p>",
    ),
    "no link with a name in it": ("https://bank.example@evil.example", None),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_a_text_becomes_html(case: str) -> None:
    text, html = CONVERTED[case]
    found = "\n".join(blocks(text))
    if html is None:
        assert "evil" not in "".join(re.findall(r'href="([^"]*)"', found))
    else:
        assert found == html


class Reader(HTMLParser):
    """The tags of a page, where its links lead, and the words in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


def page(body: str, customer: str = "", subject: str = "Re: Pakket", templates: Templates = TEMPLATES) -> str:
    return to_html(subject, body, quote(customer, "Jan", NOW, "nl") if customer else "", "nl", templates)


TAGS = st.text() | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</blockquote></div><img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "{{ 7*7 }}{% raw %}",
        "<!-- ",
        "]]><svg onload=alert(1)>",
        'https://example.com/"onmouseover=alert(1)',
        "&lt;script&gt;",
        "\ud800\x00\u202e<b>",
        "<style>*{display:none}</style>",
    ]
)


@settings(deadline=None)
@given(body=TAGS, customer=TAGS, subject=TAGS)
def test_no_tag_of_a_strangers_words_survives(body: str, customer: str, subject: str) -> None:
    made = page(body, customer, subject)
    read = Reader(made)
    assert read.tags <= OURS
    assert all(link.startswith("https://") for link in read.links)
    assert made == page(body, customer, subject)
    assert made.encode("utf-8")


def test_a_quote_has_no_links_and_all_its_words() -> None:
    read = Reader(page("Dag", "Klik <hier> https://evil.example.com\n> ouder\n\n& meer"))
    assert read.links == []
    for words in ("Klik <hier> https://evil.example.com", "> ouder", "& meer", "schreef Jan"):
        assert words in read.words


def own(folder: Path, layout: str) -> Templates:
    (folder / "mail.html.j2").write_text(layout, encoding="utf-8")
    return Templates(DELIVERED, folder)


def test_a_shops_layout_goes_around_the_text_and_is_sanitised(tmp_path: Path) -> None:
    layout = (
        '<script>x()</script><style>p{}</style><h1 style="color:#0a0;position:fixed" onclick="x()">Winkel</h1>'
        '{{ content }}<img src="https://example.nl/logo.png" alt="Winkel"><img src="http://example.nl/spy.gif">'
        '<a href="mailto:mirjam@example.nl">mail</a><iframe src="https://example.nl"></iframe>'
    )
    made = page("Dag [naam?] <b>", templates=own(tmp_path, layout))
    assert '<h1 style="color:#0a0">Winkel</h1>' in made
    assert "<mark>[naam?]</mark> &lt;b&gt;" in made
    assert '<img src="https://example.nl/logo.png" alt="Winkel">' in made
    assert "mailto:mirjam@example.nl" in made
    for gone in ("script", "x()", "<style", "iframe", "spy.gif", "position"):
        assert gone not in made


@pytest.mark.parametrize("language", ["nl", "de"])
def test_a_layout_may_be_of_one_language(tmp_path: Path, language: str) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "mail.html.j2").write_text("<h2>Laden</h2>{{ content }}", encoding="utf-8")
    made = to_html("S", "Dag", "", language, Templates(DELIVERED, tmp_path))
    assert ("<h2>Laden</h2>" in made) is (language == "de")
    assert f'<html lang="{language}">' in made


def test_a_wrong_layout_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"mail\.html\.j2 cannot be rendered at line 2"):
        page("Dag", templates=own(tmp_path, "<p>\n{{ contents }}</p>"))


def a_mail(text: str, html: str = "") -> DraftMail:
    person = Address("Mirjam", "mirjam@example.nl")
    return DraftMail(person, person, "Ré", text, NOW, "<a@example.nl>", html=html)


@settings(deadline=None)
@given(text=st.text(max_size=100), customer=st.text(max_size=100))
def test_a_mail_with_html_has_both_forms_and_the_same_bytes(text: str, customer: str) -> None:
    html = page(text, customer)
    raw = build(a_mail(text, html))
    message = message_from_bytes(raw, policy=policy.default)
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert rich.get_content().replace("\r\n", "\n") == html
    assert plain.get_content() == message_from_bytes(build(a_mail(text)), policy=policy.default).get_content()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw == build(a_mail(text, html))
    assert message.defects == plain.defects == rich.defects == []
