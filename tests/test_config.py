"""The configuration: what it takes, and what it says of what it does not take."""

import shutil
from dataclasses import fields, is_dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from intake.bootstrap import check_rules
from intake.config import Config, load_config, missing_secrets
from intake.errors import ConfigError
from intake.types import Counting

ROOT = Path(__file__).parent.parent
SHOP = """
[[shops]]
id = "sis"
name = "Smart Import Solutions"
prefix = "SIS"
manager = { name = "Mirjam", addresses = ["mirjam@example.nl"] }
address = { street = "Plattenborgstraat 20", postal_code = "8043 TT", city = "Zwolle" }
phone = { number = "06-29557135" }
"""
MAILBOX = """
[shops.mailbox]
host = "imap.example.nl"
username = "mirjam"
"""
SECOND = SHOP.replace('"sis"', '"two"').replace('"SIS"', '"TWO"')


def load(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def mistakes(folder: Path, text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        load(folder, text, **environ)
    assert error.value.exit_code == 2
    return error.value.mistakes


def settings_of(section: Any) -> set[str]:
    """The names of all settings below a section."""
    found: set[str] = set()
    named: dict[str, Any]
    if isinstance(section, type) and issubclass(section, BaseModel):
        named = {name: field.annotation for name, field in section.model_fields.items() if field.repr}
    elif isinstance(section, type) and is_dataclass(section):
        named = {field.name: field.type for field in fields(section)}
    else:
        return found.union(*(settings_of(inner) for inner in get_args(section)))
    for name, annotation in named.items():
        found |= {name} | settings_of(annotation)
    return found


def test_the_smallest_configuration_has_the_defaults_of_the_promise(tmp_path: Path) -> None:
    shop = load(tmp_path, SHOP).shop("sis")
    assert (shop.promise.business_days, shop.promise.counting) == (4, "event-day")
    assert shop.calendar.open == ("Good Friday",)
    assert shop.languages == ("nl", "en", "de", "fr")
    assert shop.mailbox is None


def test_the_delivered_configuration_is_complete_and_says_what_the_shop_publishes() -> None:
    config = load_config(ROOT / "config.toml", {})
    (shop,) = config.shops
    assert shop.name == "Smart Import Solutions"
    assert (shop.address.street, shop.address.postal_code, shop.address.city) == (
        "Plattenborgstraat 20",
        "8043 TT",
        "Zwolle",
    )
    assert shop.phone.number == "06-29557135"
    assert (shop.phone.first_day, shop.phone.last_day) == ("monday", "friday")
    assert (shop.phone.opens, shop.phone.closes) == (None, time(17))
    assert shop.manager.name == "Mirjam"
    assert shop.promise.business_days == 4
    assert shop.mailbox is not None
    assert shop.mailbox.start == "now"
    assert [(term.since, term.delivery_days) for term in shop.post.terms][1] == (date(2027, 7, 1), 3)
    assert config.data == ROOT / "var"


def test_the_delivered_configuration_mentions_every_setting() -> None:
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    words = set(text.replace("[", " ").replace("]", " ").replace(".", " ").split())
    unsaid = settings_of(Config) - words - {"protocol"}
    assert unsaid == set()


MISTAKES = {
    "mail to the manager in no hours at all": (
        SHOP + 'notices = { opens = "09:00", closes = "09:00" }\n',
        "shops[0].notices.closes: found '09:00'; should be later than opens: mail goes out in between",
    ),
    "an unknown key near a known one": (
        SHOP + 'phne = { number = "1" }\n',
        "shops[0].phne: there is no such setting; did you mean 'phone'?",
    ),
    "an unknown key near one of another section only": (
        SHOP + 'hosst = "x"\n',
        "shops[0].hosst: there is no such setting; remove it",
    ),
    "an unknown key in a section": (
        SHOP + "[shops.promise]\nbusines_days = 5\n",
        "shops[0].promise.busines_days: there is no such setting; did you mean 'business_days'?",
    ),
    "an unknown key in the calendar": (
        SHOP + "[shops.calendar]\nclosd = []\n",
        "shops[0].calendar.closd: there is no such setting; did you mean 'closed'?",
    ),
    "an unknown key in a term of the post": (
        SHOP + "[shops.post]\nterms = [{ since = 2000-01-01, delivery_days = 2, deliverydays = 3 }]\n",
        "shops[0].post.terms[0].deliverydays: there is no such setting; did you mean 'delivery_days'?",
    ),
    "an unknown key near none": ("zebra = 1\n" + SHOP, "zebra: there is no such setting; remove it"),
    "a section that nobody knows": (
        SHOP + "[dsk]\nenabled = false\n",
        "dsk: there is no such setting; did you mean 'desk'?",
    ),
    "a missing key": (
        SHOP.replace('name = "Smart Import Solutions"\n', ""),
        "shops[0].name: is missing; it has to be set",
    ),
    "no shop": ("", "shops: is missing; it has to be set"),
    "an empty list of shops": ("shops = []", "shops: should be at least one"),
    "one shop without a list": (
        SHOP.replace("[[shops]]", "[shops]"),
        "shops: should be a list; write [[shops]], with two brackets",
    ),
    "text for a number": (
        SHOP + '[shops.promise]\nbusiness_days = "four"\n',
        "shops[0].promise.business_days: found 'four'; should be a whole number",
    ),
    "a number out of range": (
        SHOP + "[shops.promise]\nbusiness_days = -1\n",
        "shops[0].promise.business_days: found -1; should be greater than or equal to 0",
    ),
    "an unknown choice": (
        SHOP + '[shops.promise]\ncounting = "fast"\n',
        "shops[0].promise.counting: found 'fast'; should be one of 'event-day' or 'cut-off'",
    ),
    "a time that is none": (
        SHOP + '[shops.promise]\ncut_off = "5 pm"\n',
        "shops[0].promise.cut_off: found '5 pm'; should be a time of day, like \"17:00\"",
    ),
    "a time with a zone": (
        SHOP + '[shops.promise]\ncut_off = "17:00+01:00"\n',
        "shops[0].promise.cut_off: found '17:00+01:00'; should be a time of day, like \"17:00\"",
    ),
    "a date that is none": (
        SHOP + '[shops.calendar]\nclosed = ["Friday"]\n',
        "shops[0].calendar.closed[0]: found 'Friday'; should be a date, like 2026-05-15",
    ),
    "text for a list": (
        SHOP + 'languages = "nl"\n',
        'shops[0].languages: found \'nl\'; should be a list, like ["one", "two"]',
    ),
    "a language without templates": (
        SHOP + 'languages = ["nl", "es"]\n',
        "shops[0].languages[1]: found 'es'; should be one of 'nl', 'en', 'de' or 'fr'",
    ),
    "a zone that is none": (
        SHOP + 'time_zone = "Amsterdam"\n',
        "shops[0].time_zone: found 'Amsterdam'; should be an IANA time zone, like \"Europe/Amsterdam\"",
    ),
    "an address that is none": (
        SHOP.replace("mirjam@example.nl", "mirjam"),
        "shops[0].manager.addresses[0]: found 'mirjam'; should be a mail address, like \"manager@example.com\"",
    ),
    "no password and no encryption on the network": (
        SHOP + MAILBOX + 'security = "plain"\n',
        'shops[0].mailbox.security: found \'plain\'; should be "tls" or "starttls": '
        '"plain" is for this machine (loopback) only',
    ),
    "the closed platform": (
        SHOP + '[[shops.dispute_bodies]]\nid = "odr"\nname = "ODR"\nwebsite = "https://ec.europa.eu/consumers/odr"\n',
        "shops[0].dispute_bodies[0].website: found 'https://ec.europa.eu/consumers/odr'; should be a body that is "
        "open: the EU's ODR platform closed on 20 July 2025",
    ),
    "a database of another kind": (
        'database = "mysql://localhost/intake"\n' + SHOP,
        "database: found 'mysql://localhost/intake'; should be a database, like "
        '"postgresql+psycopg://intake@localhost/intake" or "sqlite:///intake.db"',
    ),
    "a start that is none": (
        SHOP + MAILBOX + 'start = "yesterday"\n',
        'shops[0].mailbox.start: found \'yesterday\'; should be "now", "all" or a date, like 2026-11-01',
    ),
    "a start with a time": (
        SHOP + MAILBOX + "start = 2026-11-01T10:00:00\n",
        'shops[0].mailbox.start: found 2026-11-01 10:00:00; should be "now", "all" or a date, like 2026-11-01',
    ),
    "a post that never delivers": (
        SHOP + "[shops.post]\nweekdays = []\n",
        "shops[0].post: should be delivered on one or more weekdays from 0 (Monday) to 6",
    ),
    "the desk switched on": (
        "desk = { enabled = true }\n" + SHOP,
        "desk.enabled: found true; should be one of False",
    ),
    "the same id twice": (
        SHOP + SHOP.replace('"SIS"', '"TWO"'),
        "shops[1].id: found 'sis'; should differ from that of shops[0]",
    ),
    "the same prefix twice": (
        SHOP + SECOND.replace('"TWO"', '"SIS"'),
        "shops[1].prefix: found 'SIS'; should differ from that of shops[0]",
    ),
    "the same mailbox twice": (
        SHOP + MAILBOX + SECOND + MAILBOX + 'folder = "INBOX"\n',
        "shops[1].mailbox: should be another mailbox or folder than that of shops[0]",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_remedy(tmp_path: Path, case: str) -> None:
    text, line = MISTAKES[case]
    assert mistakes(tmp_path, text) == (line,)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        'database = "postgresql+psycopg://app:hunter2@db/intake"\nzebra = 1\n'
        + SHOP.replace('"SIS"', '"s"')
        + MAILBOX
        + 'port = "imap"\npassword = "hunter2"\n'
        + SHOP
    )
    found = mistakes(tmp_path, text)
    assert {line.partition(":")[0] for line in found} == {
        "database",
        "zebra",
        "shops[0].prefix",
        "shops[0].mailbox.port",
        "shops[0].mailbox.password",
        "shops[1].id",
    }
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("inner", ["post", "post/sub", "post/sub/../sub", "./post/"])
def test_post_folders_do_not_lie_inside_each_other(tmp_path: Path, inner: str) -> None:
    folder = '[shops.post_folder]\nroom_address = "post@example.nl"\npath = "{}"\n'
    text = SHOP + folder.format("post") + SECOND + folder.format(inner)
    (line,) = mistakes(tmp_path, text)
    assert line.startswith("shops[1].post_folder.path: found ")
    assert line.endswith("should not be, or lie inside, that of shops[0]")


def test_post_folders_beside_each_other_are_fine(tmp_path: Path) -> None:
    folder = '[shops.post_folder]\nroom_address = "post@example.nl"\npath = "{}"\n'
    assert load(tmp_path, SHOP + folder.format("post/a") + SECOND + folder.format("post/ab"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "LOCALHOST"])
def test_plain_is_taken_on_this_machine(tmp_path: Path, host: str) -> None:
    text = SHOP + MAILBOX.replace("imap.example.nl", host) + 'security = "plain"\n'
    mailbox = load(tmp_path, text).shops[0].mailbox
    assert mailbox is not None
    assert mailbox.address == (host, 143)


@pytest.mark.parametrize(
    "host", ["imap.example.nl", "10.0.0.1", "0.0.0.0", "localhost.example.nl", "127.0.0.1.example.nl"]
)
def test_plain_is_refused_elsewhere(tmp_path: Path, host: str) -> None:
    text = SHOP + MAILBOX.replace("imap.example.nl", host) + 'security = "plain"\n'
    assert "loopback" in mistakes(tmp_path, text)[0]


@pytest.mark.parametrize(
    "link",
    [
        "https://ec.europa.eu/odr",
        "http://EC.europa.eu/consumers/ODR/main",
        "webgate.ec.europa.eu/odr/main/index.cfm",
    ],
)
def test_the_closed_platform_is_refused_on_the_letter_page_too(tmp_path: Path, link: str) -> None:
    assert "closed on 20 July 2025" in mistakes(tmp_path, SHOP + f'[shops.letter]\nlines = ["x", "{link}"]\n')[0]


def test_secrets_come_from_the_environment_or_a_file_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "smtp").write_text("hunter3\n")
    text = SHOP + MAILBOX + 'password_env = "BOX"\n'
    text += '[shops.outgoing]\nhost = "smtp.example.nl"\nsender = "m@example.nl"\nusername = "m"\n'
    text += 'password_file = "secrets/smtp"\n'
    config = load(tmp_path, text, BOX="hunter2")
    shop = config.shops[0]
    assert shop.mailbox is not None
    assert shop.outgoing is not None
    assert shop.mailbox.password is not None
    assert shop.outgoing.password is not None
    assert shop.mailbox.password.get_secret_value() == "hunter2"
    assert shop.outgoing.password.get_secret_value() == "hunter3"
    for shown in (repr(config), str(config), repr(config.model_dump()), config.model_dump_json()):
        assert "hunter" not in shown
    assert missing_secrets(config) == []


def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, SHOP + MAILBOX + 'password = "hunter2"\n')
    assert line == ("shops[0].mailbox.password: secrets do not stand in this file; use password_env or password_file")


@pytest.mark.parametrize("value", ['"hunter2!"', "5", '["hunter2"]'])
def test_a_password_where_the_name_of_a_variable_belongs_is_not_repeated(tmp_path: Path, value: str) -> None:
    (line,) = mistakes(tmp_path, SHOP + MAILBOX + f"password_env = {value}\n")
    assert line.startswith("shops[0].mailbox.password_env")
    assert "hunter" not in line


def test_a_missing_secret_is_told_with_the_place_it_should_be_in(tmp_path: Path) -> None:
    config = load(tmp_path, SHOP + MAILBOX + 'password_file = "there/not"\n' + SECOND + MAILBOX + 'folder = "B"\n')
    assert missing_secrets(config) == [
        f"shops[0].mailbox: no password; put it in the file {tmp_path / 'there' / 'not'}",
        "shops[1].mailbox: no password; name an environment variable in password_env, or a file in password_file",
    ]


def test_a_secret_file_that_is_no_text_is_a_missing_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    config = load(tmp_path, SHOP + MAILBOX + 'password_file = "secret"\n')
    assert len(missing_secrets(config)) == 1


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://app:hunter2@db.example.nl/intake", "postgresql+psycopg://db/intake?user=a&password=hunter2"],
)
def test_the_databases_password_does_not_stand_in_the_file(tmp_path: Path, url: str) -> None:
    (line,) = mistakes(tmp_path, f'database = "{url}"\n' + SHOP)
    assert line.startswith("database: holds a password; leave it out, and use database_password_env")
    assert "hunter2" not in line


def test_the_databases_password_comes_from_the_environment(tmp_path: Path) -> None:
    text = 'database = "postgresql+psycopg://app@db/intake"\ndatabase_password_env = "DB"\n' + SHOP
    config = load(tmp_path, text, DB="p@ss:/w")
    assert config.database_url == "postgresql+psycopg://app:p%40ss%3A%2Fw@db/intake"
    assert "p@ss" not in repr(config)
    assert "%40ss" not in repr(config)
    assert missing_secrets(load(tmp_path, text)) == ["database: no password; set the environment variable DB"]


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = 'data = "d"\ndatabase = "sqlite:///d/x.db"\n' + SHOP + 'templates = "own"\n' + MAILBOX
    text += 'ca_file = "ca.pem"\n[shops.post_folder]\npath = "../post"\nroom_address = "post@example.nl"\n'
    config = load(tmp_path, text)
    shop = config.shops[0]
    assert config.data == tmp_path / "d"
    assert config.database_url == f"sqlite:///{tmp_path / 'd' / 'x.db'}"
    assert shop.templates == tmp_path / "own"
    assert shop.mailbox is not None
    assert shop.mailbox.ca_file == tmp_path / "ca.pem"
    assert shop.post_folder is not None
    assert shop.post_folder.path.resolve() == tmp_path.parent / "post"
    assert load(tmp_path, SHOP).data == tmp_path / "var"


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    config = load(tmp_path, 'data = "/srv/intake"\ndatabase = "sqlite:////srv/x.db"\n' + SHOP)
    assert (config.data, config.database_url) == (Path("/srv/intake"), "sqlite:////srv/x.db")


def test_a_file_of_an_editor_that_writes_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + SHOP)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"shops = [", "cannot be read as TOML"), (b"name = '\xff'", "cannot be read as TOML")],
)
def test_a_file_that_is_no_toml_is_told_so(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        load_config(tmp_path / "config.toml", {})


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no configuration") as error:
        load_config(tmp_path / "config.toml", {})
    assert "--config" in error.value.next_step
    shutil.copytree(ROOT / "templates" / "letter", tmp_path / "folder")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "folder", {})


def test_good_friday_is_open_by_default_in_the_netherlands_alone(tmp_path: Path) -> None:
    assert load(tmp_path, SHOP + '[shops.calendar]\ncountry = "NL"\n').shops[0].calendar.open == ("Good Friday",)
    assert load(tmp_path, SHOP + '[shops.calendar]\ncountry = "DE"\n').shops[0].calendar.open == ()


def test_the_counting_of_the_file_is_that_of_the_promise(tmp_path: Path) -> None:
    """By identity: the rules compare it so."""
    shop = load(tmp_path, SHOP + '[shops.promise]\ncounting = "cut-off"\n').shops[0]
    assert shop.promise_for().counting is Counting.CUT_OFF
    assert shop.promise_for("event-day").counting is Counting.EVENT_DAY


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("refund = 84", {"safety": 60, "refund": 84}),
        ("safety = 120", {"safety": 120}),
        ("other = 12", {"safety": 60, "other": 12}),
    ],
)
def test_safety_is_kept_for_its_term_whatever_else_has_one(
    terms: str, expected: dict[str, int], tmp_path: Path
) -> None:
    config = load(tmp_path, SHOP + f"[shops.retention]\ncategories = {{ {terms} }}\n")
    check_rules(config)
    assert config.shops[0].retention.categories == expected


def test_a_term_for_what_no_case_is_about_is_a_mistake(tmp_path: Path) -> None:
    config = load(tmp_path, SHOP + "[shops.retention]\ncategories = { saftey = 60 }\n")
    with pytest.raises(ConfigError) as error:
        check_rules(config)
    assert error.value.mistakes == ("shops[0].retention.categories: 'saftey' is no category or label",)


def test_the_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load(tmp_path, SHOP)
    with pytest.raises(ValueError, match="frozen"):
        setattr(config.shops[0], "name", "Other")  # noqa: B010 - mypy knows already


def test_a_shop_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no shop 'x'") as error:
        load(tmp_path, SHOP).shop("x")
    assert "sis" in error.value.next_step
