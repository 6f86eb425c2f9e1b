"""Kinds of values that several sections of the configuration have: addresses, times, names of days."""

import ipaddress
import re
from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
CountryCode = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
LanguageCode = Literal["nl", "en", "de", "fr"]


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", value):
        raise ValueError('a mail address, like "manager@example.com"')
    return value


def _clock_time(value: object) -> object:
    # TOML has a local time of its own (17:00:00), people write "17:00".
    if not isinstance(value, str):
        return value
    try:
        moment = time.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise ValueError('a time of day, like "17:00"')
    return moment


MailAddress = Annotated[str, AfterValidator(_mail_address)]
ClockTime = Annotated[time, BeforeValidator(_clock_time)]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
