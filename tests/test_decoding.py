"""Bytes to text: what is declared, what is meant, and never an exception."""

import base64
import tracemalloc
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.reading.decoding import clean, decode, decode_header, from_base64, one_line


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        pytest.param("Crème brûlée".encode(), "utf-8", "Crème brûlée", id="what is declared"),
        pytest.param("Crème brûlée".encode("cp1252"), "utf-8", "Crème brûlée", id="not the UTF-8 it says it is"),
        pytest.param("Crème".encode(), "", "Crème", id="nothing declared, UTF-8"),
        pytest.param("Crème".encode(), "us-ascii", "Crème", id="ASCII declared, UTF-8"),
        pytest.param("Crème".encode("cp1252"), "", "Crème", id="nothing declared, windows-1252"),
        pytest.param(b"\x93geld\x94 \x80 5", "iso-8859-1", "“geld” € 5", id="ISO-8859-1 means windows-1252"),
        pytest.param(b"a\x81\x8d\x8f\x90\x9db", "windows-1252", "a\x81\x8d\x8f\x90\x9db", id="every byte is defined"),
        pytest.param("镕基".encode("gb18030"), "gb2312", "镕基", id="GBK that is called gb2312"),
        pytest.param("ราคา".encode("cp874"), "windows-874", "ราคา", id="windows-874"),
        pytest.param("ราคา€".encode("cp874"), "tis-620", "ราคา€", id="TIS-620 means windows-874"),
        pytest.param("İstanbul ğ".encode("cp1254"), "iso-8859-9", "İstanbul ğ", id="Turkish"),
        pytest.param("똠방각하".encode("cp949"), "ks_c_5601-1987", "똠방각하", id="Korean"),
        pytest.param("苦情①".encode("cp932"), "shift_jis", "苦情①", id="Shift_JIS with extensions"),
        pytest.param("苦情です".encode("iso-2022-jp"), "iso-2022-jp", "苦情です", id="ISO-2022-JP"),
        pytest.param("苦情です".encode("iso-2022-jp"), "", "苦情です", id="ISO-2022-JP, undeclared"),
        pytest.param("苦情です".encode("iso-2022-jp"), "us-ascii", "苦情です", id="ISO-2022-JP, declared as ASCII"),
        pytest.param(b"~{<:Ky2;~}", "hz-gb-2312", "己所不", id="HZ"),
        pytest.param(b"Hi +Jjo-", "utf-7", "Hi ☺", id="UTF-7"),
        pytest.param("Łódź".encode("iso-8859-2"), "ISO-8859-2", "Łódź", id="upper case name"),
        pytest.param("Привет".encode("koi8-r"), '"koi8-r"', "Привет", id="quoted name"),
        pytest.param("é".encode("mac-roman"), "macintosh", "é", id="Macintosh"),
        pytest.param("crème".encode(), "no-such-charset", "crème", id="an unknown name"),
        pytest.param("é".encode("utf-16"), "utf-16", "é", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbfhoi", "utf-8", "hoi", id="a byte order mark"),
        pytest.param("é".encode("utf-16"), "", "é", id="a mark says UTF-16"),
        pytest.param("é".encode("utf-32"), "iso-8859-1", "é", id="a mark is surer than a name"),
        pytest.param("hoi é".encode("utf-16-le"), "utf-16", "hoi é", id="UTF-16 without a mark"),
        pytest.param("hoi é".encode("utf-16-be"), "utf-16", "hoi é", id="UTF-16 the other way round"),
        pytest.param("hoi daar".encode("utf-16-le"), "", "hoi daar", id="UTF-16, undeclared"),
        pytest.param(b"hoi" + b"\x00" * 9 + b" daar", "utf-8", "hoi daar", id="NULs in a declared UTF-8"),
        pytest.param(b"hoi" + b"\x00" * 9 + b" daar", "", "hoi daar", id="NULs in a row are no UTF-16"),
        pytest.param("café hier".encode(), "utf-16", "café hier", id="UTF-8 that is called UTF-16"),
        pytest.param("é".encode() + b" \x93\xe9\x94", "utf-8", "é “é”", id="two charsets in one text"),
        pytest.param("é".encode() + b" \xe9", "", "é é", id="two charsets, undeclared"),
        pytest.param(
            "苦情①㈱".encode("iso2022_jp_ext", "ignore") + b"\x1b$B-!-j\x1b(B", "iso-2022-jp", "苦情①㈱", id="NEC's row"
        ),
        pytest.param(b"\x1b(I1\x1b(B a", "iso-2022-jp", "ｱ a", id="half-width katakana"),
        pytest.param(
            "苦情".encode("euc_jp") + b"\xff" + "です。苦情です。苦情です。苦情です。".encode("euc_jp"),
            "euc-jp",
            "苦情ÿです。苦情です。苦情です。苦情です。",
            id="one bad byte",
        ),
        pytest.param(
            "投诉投诉投诉投诉投诉投诉投诉投诉投诉投诉".encode("gbk")[:-1],
            "gbk",
            "投诉投诉投诉投诉投诉投诉投诉投诉投诉投Ë",
            id="cut inside a character",
        ),
        pytest.param(
            "“Łódź” €".encode("cp1250"),
            "iso-8859-2",
            "“Łódź” €",
            id="windows quotes in ISO 8859-2",
        ),
        pytest.param("Жалоба".encode("cp1251"), "windows-1251", "Жалоба", id="Cyrillic"),
        pytest.param("香港".encode("big5hkscs"), "big5", "香港", id="Big5"),
        pytest.param("é".encode(), "utf8mb4", "é", id="a database's name for UTF-8"),
        pytest.param("é".encode("cp1252"), "Windows1252", "é", id="a name without its dash"),
        pytest.param("é".encode("cp1252"), "iso_8859-1:1987", "é", id="a registered name"),
        pytest.param("é".encode("cp850"), "cp-850", "é", id="DOS"),
    ],
)
def test_bytes_become_the_text_that_was_meant(raw: bytes, charset: str, text: str) -> None:
    assert decode(raw, charset).removeprefix("\ufeff") == text


@pytest.mark.parametrize(
    "codec",
    [
        *("unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "rot13", "hex", "zlib", "mbcs"),
        *("base64", "a\x00b", "é", "aliases", "string-escape", "../etc"),
    ],
)
def test_a_codec_that_is_no_charset_is_not_obeyed(codec: str) -> None:
    assert decode(b"caf\xe9 \\u0041 \\q", codec) == "café \\u0041 \\q"


@given(st.binary(max_size=400), st.sampled_from(["", "utf-8", "utf-7", "utf-16", "gb2312", "iso-2022-jp", "x", "hz"]))
def test_any_bytes_become_text_that_can_be_stored(raw: bytes, charset: str) -> None:
    text = decode(raw, charset)
    assert "\x00" not in text
    assert text.encode("utf-8") is not None


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_declared_name_does(raw: bytes, charset: str) -> None:
    assert "\x00" not in decode(raw, charset)


@given(st.binary(max_size=200).filter(lambda raw: b"\x1b" not in raw))
def test_what_is_no_utf_8_loses_no_character(raw: bytes) -> None:
    printable = bytes(code for code in raw if code >= 0x20 and code != 0x7F)
    assert len(decode(printable, "iso-8859-1")) == len(printable) or printable.decode("utf-8", "strict")


@given(st.text(max_size=200))
def test_a_header_is_one_line_whatever_it_holds(value: str) -> None:
    line = decode_header(value)
    assert line.encode("utf-8") is not None
    assert not set(line) & set("\r\n\x00\u202e")


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=20))
def test_base64_that_is_padded_piece_by_piece_is_read_whole(pieces: list[bytes]) -> None:
    assert from_base64(b"\r\n".join(map(base64.b64encode, pieces))) == b"".join(pieces)


def test_much_padding_takes_neither_memory_nor_time() -> None:
    raw = b"QQ==\r\n" * 500_000
    started = process_time()
    assert from_base64(raw) == b"A" * 500_000
    assert process_time() - started < 8
    tracemalloc.start()
    from_base64(raw[:600_000])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_line_ends_become_line_feeds_and_controls_go() -> None:
    assert clean("a\r\r\nb") == "a\nb"
    assert clean("a\r\nb\rc\nd\x00\x1b\x7f\ud800\te") == "a\nb\nc\nd\te"


def test_marks_that_turn_the_reading_direction_go_from_a_line() -> None:
    assert one_line("factuur\u202efdp.exe\r\n x") == "factuurfdp.exe x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("=?utf-8?q?J=C3?= =?utf-8?q?=A9r=C3=B4me?=", "Jérôme", id="split inside a character"),
        pytest.param("=?utf-8?b?w6k=?=\r\n =?utf-8?b?w6k=?=", "éé", id="folded words are one"),
        pytest.param("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c", id="text between words keeps its spaces"),
        pytest.param("=?utf-8?Q?hi=0D=0ABcc:_x@example.com?=", "hi Bcc: x@example.com", id="no new header"),
        pytest.param("=?iso-8859-1?q?=80_5?=", "€ 5", id="windows-1252 in a word"),
        pytest.param("=?utf-8*nl?q?caf=C3=A9?=", "café", id="with a language (RFC 2231)"),
        pytest.param("=?x-nothing?q?caf=C3=A9?=", "café", id="an unknown charset"),
        pytest.param("=?utf-8?b?w6k?=", "é", id="base64 without its padding"),
        pytest.param("=?utf-8?b?%%%?=", "", id="base64 of nothing"),
        pytest.param("=?utf-8?x?hoi?=", "=?utf-8?x?hoi?=", id="an unknown encoding stays"),
        pytest.param("caf\udcc3\udca9", "café", id="raw UTF-8"),
        pytest.param("caf\udce9", "café", id="raw Latin-1"),
        pytest.param("Klacht\r\n\tover mijn\r\n bestelling", "Klacht over mijn bestelling", id="folded"),
    ],
)
def test_a_header_is_read_as_it_was_meant(value: str, text: str) -> None:
    assert decode_header(value) == text
