"""The clerk's record beside a scan, `<stem>.json` → `Record`. Format: `letter-intake/1`.

Unknown keys are kept and named as warnings; a key that is nearly a known one is an error with the suggestion, since
a misspelt `received_on` would move the date.
"""

import difflib
import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intake.errors import RecordError
from intake.post_batch import MISTAKES, SCHEMA
from intake.reading.decoding import clean, one_line
from intake.types import PostalAddress

NEAR = 0.8
MAX_RECORD = 64 * 1024
YEARS_BACK = 10
EXAMPLE = {
    "schema": SCHEMA,
    "received_on": "2026-11-20",
    "channel": "registered",
    "registered_no": "3SABCD1234567",
    "language": "nl",
    "sender": {
        "name": "A. de Boer",
        "street": "Kerkstraat",
        "house_number": "5",
        "postal_code": "1017 GA",
        "city": "Amsterdam",
    },
    "sender_reference": "4711-8823",
    "pages_expected": 2,
    "operator": "ab",
}


class Sender(BaseModel):
    """Who wrote the letter, as the clerk read it from the page or the envelope."""

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True)

    name: str = Field(default="", description="The person.", examples=["A. de Boer"])
    organisation: str = Field(default="", description="The firm or body, where the letter comes from one.")
    street: str = Field(default="", description="The street, or the post-office box.", examples=["Kerkstraat"])
    house_number: str = Field(
        default="", description="The house number with what belongs to it, as text.", examples=["5 bis"]
    )
    postal_code: str = Field(default="", description="The postcode.", examples=["1017 GA"])
    city: str = Field(default="", description="The town.", examples=["Amsterdam"])
    country: str = Field(default="NL", description="The country: two letters (ISO 3166-1).", examples=["NL", "BE"])
    email: str = Field(
        default="",
        pattern=r"^\s*$|^\s*[^\s@<>,;]+@[^\s@<>,;]+\s*$",
        description="A mail address, where the letter gives one.",
        examples=["a.deboer@example.com"],
    )
    phone: str = Field(default="", description="A telephone number, where the letter gives one.")

    @property
    def postal(self) -> PostalAddress:
        """The address as a value."""
        return PostalAddress(
            self.name, self.organisation, self.street, self.house_number, self.postal_code, self.city, self.country
        )


class Record(BaseModel):
    """One letter's record, written by the clerk who opened it: `<name of the scan>.json` beside the scan."""

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True, populate_by_name=True)

    format: Literal["letter-intake/1"] = Field(alias="schema", description="The format of this file.")
    received_on: date = Field(
        description="The day on which the letter fell into the letterbox; the answer date counts from it.",
        examples=["2026-11-20"],
    )
    files: tuple[str, ...] = Field(
        default=(), description="The scans that this record is about, by name.", examples=[["scan0001.pdf"]]
    )
    channel: Literal["post", "registered", "counter", "fax"] = Field(default="post", description="How it came.")
    registered_no: str | None = Field(
        default=None, description="The number of a registered letter.", examples=["3SABCD1234567"]
    )
    letter_date: date | None = Field(default=None, description="The date that the letter itself bears.")
    language: Literal["nl", "fr", "de", "en", "auto"] = Field(
        default="auto", description="The language of the answer; auto: that of the letter."
    )
    sender: Sender = Field(default=Sender(), description="Who wrote the letter.")
    sender_reference: str = Field(
        default="", description="The sender's order or reference number.", examples=["4711-8823"]
    )
    case_id: str | None = Field(
        default=None, description="The case that the letter belongs to, where it is known.", examples=["SIS-2026-0042"]
    )
    subject: str = Field(default="", description="What the letter is about.", examples=["Kapotte waterkoker"])
    category: str | None = Field(default=None, description="The category of the complaint, where the clerk knows it.")
    confidential: bool = Field(default=False, description="Whether the letter is confidential.")
    pages_expected: int | None = Field(
        default=None, ge=1, le=500, description="How many pages the letter has.", examples=[3]
    )
    letters_expected: int | None = Field(
        default=None, ge=1, le=100, description="How many letters the stack holds; another count refuses the scan."
    )
    sha256: str | None = Field(default=None, description="The SHA-256 of the scan in hexadecimal digits.")
    operator: str = Field(default="", description="Who made this record.", examples=["ab"])
    note: str = Field(default="", description="A note for whoever answers the letter.")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Keys that nobody knows; they are kept with the scan."""
        unknown = [*(self.model_extra or {}), *(f"sender.{key}" for key in self.sender.model_extra or {})]
        return tuple(f"the record has a setting that is not used: {key}" for key in unknown)


def schema_of_record() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record. What it refuses, `read_record` refuses too; a date that is yet to
    come and a misspelt key only `read_record` can tell."""
    schema = Record.model_json_schema(by_alias=True)
    title = {"title": f"Record of a letter ({SCHEMA})", "description": Record.__doc__}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, **title, "examples": [EXAMPLE]}


def parse_record(raw: bytes) -> dict[str, Any]:
    """The JSON object of a record file. Raises `RecordError` with the line."""
    if len(raw) > MAX_RECORD:
        raise RecordError("The record is larger than 64 kB.", "Check that it is the right file.")
    try:
        value = json.loads(clean(raw.decode("utf-8-sig")))
        tidy = {str(key): _tidy(item) for key, item in value.items()} if isinstance(value, dict) else None
    except UnicodeDecodeError as error:
        raise RecordError("The record is not UTF-8.", "Save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        # Besides wrong JSON: numbers of thousands of digits, and brackets in brackets in brackets.
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise RecordError(f"The record is not valid JSON{where}.", "Mend it and put scan and record back.") from error
    if tidy is None:
        raise RecordError("The record is not a JSON object.", 'It looks like {"schema": "letter-intake/1", …}.')
    return tidy


def _tidy(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Every text on one line: an escape in JSON can hold a NUL or a line end, and names go into mail headers."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(key): _tidy(item) for key, item in value.items()}
    return [_tidy(item) for item in value] if isinstance(value, list) else value


def read_record(value: dict[str, Any], today: date) -> Record:
    """Check a record. Raises `RecordError` that names every mistake; `today` catches a date that is yet to come, or so
    long ago that the year must be a slip."""
    own = {key: item for key, item in value.items() if key != MISTAKES}
    mistakes = [str(mistake) for mistake in _listed(value.get(MISTAKES))] + key_mistakes(own)
    record, wrong = validated(own)
    mistakes += wrong
    if record is not None and record.received_on > today:
        mistakes.append(f"received_on: {record.received_on} is yet to come")
    if record is not None and record.received_on.year < today.year - YEARS_BACK:
        mistakes.append(f"received_on: {record.received_on} is more than {YEARS_BACK} years ago")
    if mistakes or record is None:
        raise RecordError("The record has mistakes: " + "; ".join(mistakes) + ".", "Mend it and put both files back.")
    return record


def key_mistakes(value: dict[str, Any]) -> list[str]:
    """The keys that are nearly known ones, with what was meant."""
    return _misspelt(value, Record) + _misspelt(value.get("sender"), Sender, "sender.")


def validated(value: dict[str, Any]) -> tuple[Record | None, list[str]]:
    """The record, or what is wrong with its values. Strict as JSON is: "3" is no number and 0 is no date."""
    try:
        return Record.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return None, [_in_words(detail["loc"], detail["msg"]) for detail in error.errors()]
    except RecursionError:
        return None, ["it holds lists in lists without end"]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _misspelt(value: object, model: type[BaseModel], prefix: str = "") -> list[str]:
    known = {info.alias or name for name, info in model.model_fields.items()}
    found = []
    for key in value if isinstance(value, dict) else ():
        near = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=NEAR) if key not in known else []
        if near:
            found.append(f"{prefix}{key}: did you mean {near[0]!r}?")
    return found


def _in_words(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in place)
    if where == "sender.email":
        message = "is not a mail address"
    return f"{where}: {'is missing' if message == 'Field required' else message[:1].lower() + message[1:]}"
