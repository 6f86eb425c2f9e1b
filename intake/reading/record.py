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
from intake.reading.decoding import clean, one_line
from intake.types import PostalAddress

SCHEMA = "letter-intake/1"
NEAR = 0.8
MAX_RECORD = 64 * 1024


class Sender(BaseModel):
    """Who wrote the letter, as the clerk read it from the page or the envelope."""

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True)

    name: str = ""
    organisation: str = ""
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = "NL"
    email: str = Field(default="", pattern=r"^$|^[^\s@<>,;]+@[^\s@<>,;]+$")
    phone: str = ""

    @property
    def postal(self) -> PostalAddress:
        """The address as a value."""
        return PostalAddress(
            self.name, self.organisation, self.street, self.house_number, self.postal_code, self.city, self.country
        )


class Record(BaseModel):
    """One letter's record. `received_on` is the day it fell into the letterbox."""

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True, populate_by_name=True)

    format: Literal["letter-intake/1"] = Field(alias="schema")
    received_on: date
    files: tuple[str, ...] = ()
    channel: Literal["post", "registered", "counter", "fax"] = "post"
    registered_no: str | None = None
    letter_date: date | None = None
    language: Literal["nl", "fr", "de", "en", "auto"] = "auto"
    sender: Sender = Sender()
    sender_reference: str = ""
    case_id: str | None = None
    subject: str = ""
    category: str | None = None
    confidential: bool = False
    pages_expected: int | None = Field(default=None, ge=1, le=500)
    letters_expected: int = Field(default=1, ge=1, le=100)
    sha256: str | None = None
    operator: str = ""
    note: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Keys that nobody knows; they are kept with the scan."""
        unknown = [*(self.model_extra or {}), *(f"sender.{key}" for key in self.sender.model_extra or {})]
        return tuple(f"the record has a setting that is not used: {key}" for key in unknown)


def parse_record(raw: bytes) -> dict[str, Any]:
    """The JSON object of a record file. Raises `RecordError` with the line."""
    if len(raw) > MAX_RECORD:
        raise RecordError("The record is larger than 64 kB.", "Check that it is the right file.")
    try:
        value = json.loads(clean(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise RecordError("The record is not UTF-8.", "Save it as UTF-8.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise RecordError(f"The record is not valid JSON{where}.", "Mend it and put scan and record back.") from error
    if not isinstance(value, dict):
        raise RecordError("The record is not a JSON object.", 'It looks like {"schema": "letter-intake/1", …}.')
    return {str(key): _tidy(item) for key, item in value.items()}


def _tidy(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Every text on one line: an escape in JSON can hold a NUL or a line end, and names go into mail headers."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(key): _tidy(item) for key, item in value.items()}
    return [_tidy(item) for item in value] if isinstance(value, list) else value


def read_record(value: dict[str, Any], today: date) -> Record:
    """Check a record. Raises `RecordError` that names every mistake; `today` catches a date that is yet to come."""
    mistakes = _misspelt(value, Record) + _misspelt(value.get("sender"), Sender, "sender.")
    record = None
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        mistakes += [_in_words(detail["loc"], detail["msg"]) for detail in error.errors()]
    if record is not None and record.received_on > today:
        mistakes.append(f"received_on: {record.received_on} is yet to come")
    if mistakes or record is None:
        raise RecordError("The record has mistakes: " + "; ".join(mistakes) + ".", "Mend it and put both files back.")
    return record


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
