"""HTML as a person would read it aloud, and HTML that nobody should have to parse."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.html import read_html, strip_tags

SECONDS = 8
LONG = "https://track.example.com/" + "a" * 300


def read(html: str) -> str:
    return read_html(html, [])


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param("<p>een</p><p>twee</p>", "een\n\ntwee", id="paragraphs"),
        pytest.param("<div>een</div><div>twee</div>", "een\ntwee", id="divisions"),
        pytest.param("een<br>twee<br/>drie", "een\ntwee\ndrie", id="breaks"),
        pytest.param("<div>een<br></div><div>twee</div>", "een\ntwee", id="a break that ends a division"),
        pytest.param("<div>een</div><div><br></div><div>twee</div>", "een\n\ntwee", id="an empty line"),
        pytest.param("<p class=MsoNormal>een</p><p class=MsoNormal>twee</p>", "een\ntwee", id="Word's lines"),
        pytest.param("<b>vet</b>, <i>schuin</i>", "vet, schuin", id="letters"),
        pytest.param("a  \n\t b", "a b", id="white space"),
        pytest.param("<pre>a  b\n  c</pre>d", "a  b\n  c\n\nd", id="pre"),
        pytest.param("<ul><li>een<li>twee</ul>", "- een\n- twee", id="list"),
        pytest.param("<ol start=3><li>een</li><li>twee</li></ol>", "3. een\n4. twee", id="numbered list"),
        pytest.param("<ul><li>een<ul><li>a</ul></ul>", "- een\n  - a", id="a list in a list"),
        pytest.param(
            "<table><tr><th>Artikel<th>Prijs</tr><tr><td>Lamp</td><td>€&nbsp;10</td></tr></table>",
            "Artikel  Prijs\nLamp  € 10",
            id="table",
        ),
        pytest.param(
            "<table><tr><td><p>een</p><p>twee</p></td><td>drie</td></tr></table>", "een\n\ntwee\ndrie", id="layout"
        ),
        pytest.param("<table><tr><td><table><tr><td>a<td>b</table></table>", "a  b", id="a table in a table"),
        pytest.param("&eacute;&#8364;&#x20AC;&lt;b&gt;&amp;amp;", "é€€<b>&amp;", id="entities"),
        pytest.param("a<script>alert(1)</script>b<style>p{}</style>c", "abc", id="scripts and styles"),
        pytest.param("a<!-- x --><!--[if mso]><p>mso</p><![endif]-->b", "ab", id="comments"),
        pytest.param("<![if !mso]>a<![endif]>", "a", id="what a conditional comment reveals"),
        pytest.param("<html><head><title>t</title></head><body>a</body></html>", "a", id="a document"),
        pytest.param("van Jan <jan@example.com> dus 3 < 5", "van Jan <jan@example.com> dus 3 < 5", id="no tags"),
        pytest.param("<a href='https://example.com/x'>hier</a>", "hier (https://example.com/x)", id="link"),
        pytest.param(
            "<a href='https://www.example.com/'>example.com</a>", "example.com", id="a link that shows itself"
        ),
        pytest.param("<a href='mailto:jan@example.com'>jan@example.com</a>", "jan@example.com", id="an address"),
        pytest.param("<a href='mailto:jan@example.com?subject=x'>Jan</a>", "Jan <jan@example.com>", id="mail link"),
        pytest.param(
            "<a href='javascript:x()'>a</a> <a href='#b'>b</a> <a href='data:x,y'>c</a>", "a b c", id="scripts"
        ),
        pytest.param(f"<a href='{LONG}?id=1'>hier</a>", "hier (https://track.example.com…)", id="a tracking link"),
        pytest.param("<a href='https://x.example/y'><img src=z></a>b", "b", id="a link around a picture"),
        pytest.param("<div style='display:none'>weg</div>hier", "hier", id="hidden"),
        pytest.param(
            "<td style='font-size:0px'><div style='font-size:13px'>hier</div></td>", "hier", id="a layout's gap"
        ),
        pytest.param("<p style='height:0px'>hier</p>", "hier", id="a height that hides nothing"),
        pytest.param(
            "<p style='max-height:0;overflow:hidden'>weg</p>hier", "hier", id="no height, and nothing beyond it"
        ),
        pytest.param("<p style='mso-hide:all'>weg</p>hier", "hier", id="hidden from Word"),
        pytest.param("<span hidden>weg</span>hier", "hier", id="the attribute hidden"),
        pytest.param("<span style='font-size:0.9em'>hier</span>", "hier", id="small"),
        pytest.param("<div style='display:none'>a<div>b</div>c</div>hier", "hier", id="hidden with what is in it"),
        pytest.param("<div style='display: none'>alles</div>", "alles", id="hidden, but all there is"),
        pytest.param("<p>a</p><div style='display:none'>b", "a\n\nb", id="hidden without end"),
        pytest.param("<style>.a{} <p>tekst", ".a{} tekst", id="a style without end"),
        pytest.param("<!-- tekst", "tekst", id="a comment without end"),
        pytest.param("<img alt='Mijn klacht'>", "Mijn klacht", id="only a picture"),
        pytest.param("<p>a</p><img alt='Logo'>", "a", id="a picture beside text"),
        pytest.param("fijn <img alt='🙂'>", "fijn 🙂", id="an emoji that is drawn"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert read(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param(
            '<div dir="ltr">Nieuw</div><br><div class="gmail_quote"><div class="gmail_attr">Op ma 7 sep 2026 om 10:00 '
            'schreef Jan &lt;<a href="mailto:jan@example.com">jan@example.com</a>&gt;:<br></div>'
            '<blockquote class="gmail_quote" style="border-left:1px solid">oud<br>ouder</blockquote></div>',
            "Nieuw\n\nOp ma 7 sep 2026 om 10:00 schreef Jan <jan@example.com>:\n> oud\n> ouder",
            id="Gmail",
        ),
        pytest.param(
            '<div>Nieuw</div><hr style="width:98%"><div id="divRplyFwdMsg"><b>Van:</b> Jan<br><b>Verzonden:</b> maandag'
            "<br><b>Aan:</b> Mirjam<br><b>Onderwerp:</b> Klacht</div><div>oud</div>",
            f"Nieuw\n{'_' * 32}\nVan: Jan\nVerzonden: maandag\nAan: Mirjam\nOnderwerp: Klacht\noud",
            id="Outlook on the web",
        ),
        pytest.param(
            "<p class=MsoNormal>Nieuw</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal>"
            "<b>From:</b> Jan<br><b>Sent:</b> Monday<br><b>To:</b> Mirjam</p></div><p class=MsoNormal>old</p>",
            "Nieuw\nFrom: Jan\nSent: Monday\nTo: Mirjam\nold",
            id="Outlook",
        ),
        pytest.param(
            '<div>Nieuw</div><div><blockquote type="cite"><div>Op 7 sep. 2026 heeft Jan het volgende geschreven:</div>'
            "<br><div>oud</div></blockquote></div>",
            "Nieuw\n> Op 7 sep. 2026 heeft Jan het volgende geschreven:\n>\n> oud",
            id="Apple",
        ),
        pytest.param(
            '<p>Nieuw</p><div class="moz-cite-prefix">Op 07-09-2026 om 10:00 schreef Jan:<br></div>'
            '<blockquote type="cite" cite="mid:x"><p>oud</p></blockquote><p>onder</p>',
            "Nieuw\n\nOp 07-09-2026 om 10:00 schreef Jan:\n> oud\n\nonder",
            id="Thunderbird",
        ),
        pytest.param(
            "<blockquote>a<blockquote>b</blockquote>c</blockquote>d", "> a\n> > b\n> c\n\nd", id="in each other"
        ),
        pytest.param('<blockquote style="margin:0 0 0 40px;border:none">a</blockquote>', "a", id="a mere indent"),
    ],
)
def test_quoted_mail_is_marked_as_plain_text_marks_it(html: str, text: str) -> None:
    assert read(html) == text


HOSTILE = {
    "divisions": "<div>" * 50_000,
    "lists": "<ul><li>" * 50_000,
    "ampersands": "&" * 2_000_000,
    "tables": "<table><tr><td>x" * 100_000,
    "rows": "<table>" + "<tr><td>x" * 200_000,
    "angles": "<" * 2_000_000,
    "quotes in tags": '<a "' * 500_000,
    "long quotes in tags": ('<a "' + "x" * 1000) * 2000,
    "comments": "<!--" * 500_000,
    "styles": "<style>" * 300_000,
    "half styles": "<style " * 300_000,
    "quotations": "<blockquote>x" * 150_000,
    "links": "<a href=http://x.example>y" * 100_000,
    "attributes": "<a " + "b=c " * 500_000 + ">",
    "hidden": "<div hidden>x" * 150_000,
    "bold": "<b> </b>" * 250_000,
    "entities": "&lt;" * 500_000,
    "rules": "<hr>" * 260_000,
    "rules between letters": "<hr>a" * 200_000,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_html_takes_no_time(html: str) -> None:
    before = time.process_time()
    read(html)
    assert time.process_time() - before < SECONDS


def test_what_is_too_long_to_be_parsed_is_kept_all_the_same() -> None:
    problems: list[str] = []
    text = read_html("<p>woord</p>" * 60_000 + "<p>einde</p>", problems)
    assert text.count("woord") == 60_000
    assert text.endswith("einde")
    assert problems


@pytest.mark.parametrize(
    ("html", "problems"),
    [
        pytest.param("<p>De lamp lekt.</p><p style='display:none'>Uw klacht</p>", 0, id="a preheader"),
        pytest.param(f"<p>Hoi</p><p style='display:none'>{'geld terug ' * 60}</p>", 1, id="a letter"),
        pytest.param(
            f"<p>Hoi</p><p style='display:none'>Hoi{'&zwnj;&nbsp;' * 300}</p>", 0, id="what fills a preheader"
        ),
        pytest.param(
            f"<p>{'woord ' * 90}</p><p style='display:none'>{'woord ' * 90}</p>", 0, id="the same for telephones"
        ),
        pytest.param(f"<p style='display:none'>{'geld terug ' * 60}</p>", 0, id="all there is, and shown"),
    ],
)
def test_hidden_text_that_is_more_than_a_preheader_is_told(html: str, problems: int) -> None:
    found: list[str] = []
    read_html(html, found)
    assert len(found) == problems


def test_a_long_picture_in_the_address_does_not_make_a_text_long() -> None:
    problems: list[str] = []
    assert read_html(f"<p>a</p><img src='data:image/png;base64,{'A' * 600_000}'><p>b</p>", problems) == "a\n\nb"
    assert problems == []


MARKS = ["<p>", "</p>", "<table>", "<td>", "<tr>", "</table>", "<blockquote>", "</blockquote>", "<li>", "<ol>", "</ol>"]
MARKS += [
    "<a href='http://a.example'>",
    "</a>",
    "<pre>",
    "</pre>",
    "&amp;",
    "<br>",
    "<!x>",
    "<img alt=z>",
    "< b",
    "<1>",
]


@given(st.lists(st.sampled_from(MARKS), max_size=40))
def test_no_word_is_lost_whatever_stands_around_it(tags: list[str]) -> None:
    html = "".join(f" woord{number} {tag} " for number, tag in enumerate(tags)) + " slot"
    words = [word for word in read(html).split() if word.startswith(("woord", "slot"))]
    assert words == [*(f"woord{number}" for number in range(len(tags))), "slot"]


@given(st.text(alphabet="<>/!-abp =\"'&;\n", max_size=200))
def test_any_text_is_read(html: str) -> None:
    assert isinstance(read(html), str)
    assert isinstance(strip_tags(html), str)
