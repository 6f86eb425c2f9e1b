"""A calendar part (RFC 5545, RFC 5546) as text that a person can read. Answers no invitation and keeps no calendar."""

import re

MAX_LINES = 5000
FOLD = re.compile(r"\n[ \t]")
ESCAPE = re.compile(r"\\([nN,;\\])")
KINDS = {"REQUEST": "Invitation", "REPLY": "Reply to an invitation", "CANCEL": "Cancelled", "COUNTER": "New proposal"}
WHEN = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{0,2}(Z?))?")


def read_invitation(text: str) -> str:
    """The first event of a calendar object: what, when, where, who, and its description; empty where it has none."""
    method, event = _first_event(text)
    if not event:
        return ""
    lines = [
        f"{KINDS.get(method, 'Appointment')}: {event.get('SUMMARY', ('', ''))[1]}".rstrip(": "),
        _labelled("When", _period(event)),
        _labelled("Where", event.get("LOCATION", ("", ""))[1]),
        _labelled("Organiser", _person(event.get("ORGANIZER", ("", "")))),
        _labelled("Status", event.get("STATUS", ("", ""))[1].lower()),
        event.get("DESCRIPTION", ("", ""))[1],
    ]
    return "\n".join(line for line in lines if line.strip())


def _first_event(text: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """(method, properties of the first event as (parameters, value))."""
    method = inside = ""
    event: dict[str, tuple[str, str]] = {}
    for line in FOLD.sub("", text).split("\n")[:MAX_LINES]:
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        name = name.strip().upper()
        if name == "METHOD":
            method = value.strip().upper()
        elif name == "BEGIN" and value.strip().upper() in ("VEVENT", "VTODO", "VALARM"):
            inside = value.strip().upper()
        elif name == "END" and value.strip().upper() in ("VEVENT", "VTODO"):
            break
        elif name == "END":
            inside = "VEVENT" if inside == "VALARM" else inside
        elif inside in ("VEVENT", "VTODO"):
            event.setdefault(name, (parameters, ESCAPE.sub(_unescaped, value).strip()))
    return method, event


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] in "nN" else match[1]


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _period(event: dict[str, tuple[str, str]]) -> str:
    start, end = (_moment(event.get(name, ("", ""))) for name in ("DTSTART", "DTEND"))
    return f"{start} to {end}" if start and end else start


def _moment(item: tuple[str, str]) -> str:
    parameters, value = item
    found = WHEN.match(value)
    if found is None:
        return ""
    day = f"{found[1]}-{found[2]}-{found[3]}"
    if not found[4]:
        return day
    zone = re.search(r"TZID=\"?([^;\":]{1,60})", parameters, re.IGNORECASE)
    return f"{day} {found[4]}:{found[5]}" + (" UTC" if found[6] else f" ({zone[1]})" if zone else "")


def _person(item: tuple[str, str]) -> str:
    parameters, value = item
    name = re.search(r"CN=\"?([^;\":]{1,100})", parameters, re.IGNORECASE)
    address = re.sub(r"(?i)^mailto:", "", value)
    return f"{name[1]} <{address}>" if name and address else address
