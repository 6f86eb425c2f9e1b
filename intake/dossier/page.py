"""From a dossier's content to what its layout prints: sections of plain blocks. What people wrote is data, cleaned for
paper, never markup; lists show no whole account numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from intake.config import DisputeBody, Shop
from intake.dossier.archive import SUMS, Entry, State
from intake.dossier.content import Content, Dated, Piece, Way
from intake.dossier.counting import Counted, Day, counted_days
from intake.dossier.names import masked
from intake.dossier.words import LANGUAGES, Words
from intake.replies.printable import SHOWN_FOR_MISSING, breakable, clean, one_line
from intake.rules.clocks import month_after
from storage.models import Channel, DeadlineKind, Event

Block = dict[str, object]
TEXT_AT_MOST = 100_000
LINES_AT_MOST = 3_000
QUOTED_AT_MOST = 20_000
# Of all pieces together: setting a million characters takes some 200 pages, three seconds and 300 MB.
ALL_AT_MOST = 2_000_000
SHORT_AT_LEAST = 2_000  # so much of each piece is there in any case
TITLE_AT_MOST = 90
COVER_AT_MOST = 160
DOCUMENTS = "documents"
COMPLAINT = "complaint"
POSITION = "position"
APART = ("pieces", DOCUMENTS)  # chapters that begin a page
HASH_HALF = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """What a dossier is made for: its shop, the dispute body (None where there is none) and since when that has it,
    whether it is only supposed from the shop's own country, the day on which it is made, and the name of the ZIP."""

    shop: Shop
    body: DisputeBody | None
    taken_on: date | None
    supposed: bool
    made_on: date
    archive: str


def page_data(content: Content, entries: Sequence[Entry], frame: Frame, words: Words) -> dict[str, object]:
    """All that the layout prints."""
    case = content.case
    title = f"{words.plain('title')} {case.reference}"
    return {
        "language": words.language,
        "title": title,
        "author": one_line(frame.shop.name),
        "date": {"year": frame.made_on.year, "month": frame.made_on.month, "day": frame.made_on.day},
        "header": [title, one_line(frame.shop.name)],
        "page": words.told["page"],
        "contents": words.plain("contents"),
        "cover": _Cover(content, frame, words).value(),
        "sections": list(_Sections(content, entries, frame, words)),
    }


def _listed(text: str, most: int = TITLE_AT_MOST) -> str:
    line = masked(one_line(text))
    return breakable(line if len(line) <= most else f"{line[: most - 1]}…")


class _Cover:
    """The first page: who is in it, and the dates."""

    def __init__(self, content: Content, frame: Frame, words: Words) -> None:
        self._content, self._frame, self._words = content, frame, words

    def value(self) -> dict[str, object]:
        case, words = self._content.case, self._words
        return {
            "kicker": words.plain("title"),
            "reference": case.reference,
            "subject": _listed(case.subject, 200),
            "also": list(self._content.references[1:]),
            "also_label": words.say("cover", "references"),
            "parties": [{"label": label, "lines": lines} for label, lines in self._parties()],
            "dates_label": words.say("cover", "dates"),
            "dates": [[label, value] for label, value in self._dates()],
        }

    def _parties(self) -> Iterator[tuple[str, list[str]]]:
        case, shop, words = self._content.case, self._frame.shop, self._words
        postal = case.postal or {}
        street = f"{postal.get('street', '')} {postal.get('house_number', '')}"
        town = f"{postal.get('postal_code', '')} {postal.get('city', '')}"
        country = str(postal.get("country", ""))
        abroad = country if country != shop.address.country else ""
        name = case.complainant_name or str(postal.get("name", ""))
        customer = [name, str(postal.get("organisation", "")), street, town, abroad, case.complainant_address]
        place = shop.address
        yield words.say("cover", "customer"), _lines(customer)
        yield words.say("cover", "shop"), _lines([shop.name, place.street, f"{place.postal_code} {place.city}"])
        yield words.say("cover", "manager"), _lines([shop.manager.name, shop.manager.role])
        yield words.say("cover", "body"), list(self._body())

    def _body(self) -> Iterator[str]:
        body, words = self._frame.body, self._words
        if self._frame.supposed:
            yield words.say("cover", "country_unknown")
        if body is None:
            yield words.say("cover", "no_body")
            return
        yield from _lines([body.name, body.address, body.website])
        if body.takes_part is not None:
            yield words.say("cover", "takes_part" if body.takes_part else "no_part")
        if self._frame.taken_on is not None:
            yield words.say("cover", "taken", day=words.day(self._frame.taken_on))
        elif body.term_months is not None:
            received_on = self._content.case.received_at.astimezone(self._frame.shop.zone).date()
            yield words.say("cover", "bring_by", day=words.day(month_after(received_on, body.term_months)))

    def _dates(self) -> Iterator[tuple[str, str]]:
        case, words, zone = self._content.case, self._words, self._frame.shop.zone
        assumed = f" ({words.say('text', 'assumed')})" if case.assumed else ""
        yield words.say("cover", "received"), self._received() + assumed
        promised = [one.deadline.due_on for one in self._content.dates if one.deadline.kind is DeadlineKind.PROMISE]
        yield words.say("cover", "promised"), words.day(promised[0] if promised else case.due_on)
        if case.answered_at is not None:
            how = words.say("how", case.answered_how)
            answered = words.moment(case.answered_at.astimezone(zone))
            yield words.say("cover", "answered"), f"{answered}, {how}" if how else answered
        if case.closed_at is not None:
            yield words.say("cover", "closed"), words.moment(case.closed_at.astimezone(zone))
        yield words.say("cover", "made"), words.day(self._frame.made_on)

    def _received(self) -> str:
        case = self._content.case
        local = case.received_at.astimezone(self._frame.shop.zone)
        return self._words.when(local, day_only=case.channel is Channel.LETTER)


class _Sections:
    """The chapters, each a title and its blocks."""

    def __init__(self, content: Content, entries: Sequence[Entry], frame: Frame, words: Words) -> None:
        self._content, self._entries, self._frame, self._words = content, entries, frame, words
        self._zone = frame.shop.zone
        self._left = ALL_AT_MOST

    def __iter__(self) -> Iterator[dict[str, object]]:
        for key, blocks in (
            (COMPLAINT, self._complaint()),
            ("timeline", self._timeline()),
            ("pieces", self._pieces()),
            ("dates", self._dates()),
            (POSITION, self._position()),
            ("disputes", self._disputes()),
            (DOCUMENTS, self._documents()),
        ):
            title = self._words.say("sections", key)
            yield {"id": key, "title": title, "apart": key in APART, "blocks": list(blocks)}

    def _complaint(self) -> Iterator[Block]:
        piece, words = self._content.complaint, self._words
        if piece is None:
            yield _note(words.say("text", "no_complaint"))
            return
        moment = words.when(piece.at.astimezone(self._zone), day_only=piece.way is Way.LETTER_IN)
        way = words.say("ways", piece.way)
        yield _note(words.say("text", "complaint", moment=moment, way=way))
        yield from self._text_of(piece)

    def _timeline(self) -> Iterator[Block]:
        words = self._words
        columns = [words.say("timeline", key) for key in ("when", "what", "who")]
        rows = [list(self._event(reference, event)) for reference, event in self._content.events]
        yield {"kind": "timeline", "columns": columns, "rows": rows}
        if self._content.left_out:
            yield _note(words.say("text", "left_out", count=self._content.left_out))

    def _event(self, reference: str, event: Event) -> Iterator[str]:
        words = self._words
        values = {name: words.iso(value) for name, value in event.data.items()}
        if event.kind == "closed":
            values["why"] = words.say("closing", str(event.data.get("why", "")))
        if event.kind == "escalated":
            names = {one["to"]: one["name"] for one in self._content.case.escalations}
            values["to"] = names.get(event.data.get("to"), event.data.get("to"))
        other = f" ({reference})" if reference != self._content.case.reference else ""
        actor = event.actor if event.actor != "intake" else words.say("timeline", "intake")
        yield words.moment(event.at.astimezone(self._zone))
        yield breakable(one_line(words.say("events", event.kind, **values))) + other
        yield breakable(one_line(words.say("timeline", actor)))

    def _pieces(self) -> Iterator[Block]:
        words = self._words
        for piece in self._content.pieces:
            way, day = words.say("ways", piece.way), words.day(piece.at.astimezone(self._zone).date())
            title = f"{piece.number}. {way[:1].upper()}{way[1:]}, {day}"
            kind = f"{words.plain('colon')}{words.say('kinds', piece.kind)}" if piece.kind else ""
            yield {"kind": "piece", "title": f"{title}{kind}", "id": _piece_id(piece.number)}
            yield {"kind": "rows", "rows": [[label, value] for label, value in self._head(piece) if value]}
            yield from self._body(piece)

    def _head(self, piece: Piece) -> Iterator[tuple[str, str]]:
        words, draft = self._words, piece.draft
        yield words.say("text", "from"), _listed(piece.who, 200)
        yield words.say("text", "to"), _listed(piece.to, 300)
        yield words.say("cover", "subject"), _listed(piece.subject, 300)
        if piece.way is Way.LETTER_OUT and draft is not None and draft.posted_on is not None:
            yield words.say("text", "posted"), words.day(draft.posted_on)
            yield words.say("text", "delivery"), words.day(draft.delivery_on) if draft.delivery_on else ""
        else:
            moved = words.say("text", "sent" if piece.way is Way.MAIL_OUT else "received")
            yield moved, words.when(piece.at.astimezone(self._zone), day_only=piece.way is Way.LETTER_IN)
        if len(self._content.references) > 1:
            yield words.say("text", "in_case"), piece.reference
        numbers = ", ".join(str(entry.number) for entry in self._entries if entry.piece == piece.number)
        yield words.say("sections", DOCUMENTS), numbers

    def _body(self, piece: Piece) -> Iterator[Block]:
        words, apart = self._words, {COMPLAINT: self._content.complaint, POSITION: self._content.final}
        section = next((key for key, one in apart.items() if one is not None and one.number == piece.number), "")
        if section:
            yield _note(words.say("text", "above", section=words.say("sections", section)), to=section)
        elif piece.way is Way.COPY:
            yield _note(words.say("text", "same"))
        else:
            yield from self._text_of(piece)

    def _text_of(self, piece: Piece) -> Iterator[Block]:
        """What was written, with what there is to say about reading it."""
        words, message = self._words, piece.message
        room = max(self._left, SHORT_AT_LEAST)
        text, was_cut = _paragraphs(piece.text, min(TEXT_AT_MOST, room), LINES_AT_MOST)
        if message is not None and (message.recognised or message.confidence is not None):
            yield _note(words.say("text", "recognised"))
        if not text:
            yield _note(words.say("text", "no_text"))
        elif message is not None and not message.readable:
            yield _note(words.say("text", "unreadable"))
        spoken = {"language": language} if (language := _language_of(piece)) else {}
        if text:
            yield {"kind": "text", "paragraphs": text, "small": False, **spoken}
        quoted, quote_cut = _paragraphs(piece.quoted, min(QUOTED_AT_MOST, room), LINES_AT_MOST // 10)
        self._left -= min(len(piece.text), room) + min(len(piece.quoted), room)
        if quoted:
            title = words.say("text", "quoted")
            yield {"kind": "text", "paragraphs": quoted, "small": True, "title": title, **spoken}
        if was_cut or quote_cut:
            yield _note(words.say("text", "cut"))
        if any(SHOWN_FOR_MISSING in line for part in (*text, *quoted) for line in part):
            yield _note(words.say("text", "boxes"))

    def _dates(self) -> Iterator[Block]:
        words = self._words
        for number, dated in enumerate(self._content.dates, 1):
            deadline = dated.deadline
            kind = "moved" if deadline.kind is DeadlineKind.PROMISE and deadline.because else deadline.kind.value
            other = f" ({dated.reference})" if len(self._content.references) > 1 else ""
            title = words.say("dates", kind, day=words.long_day(deadline.due_on)) + other
            yield {"kind": "piece", "title": title, "id": f"date-{number}"}
            yield {"kind": "rows", "rows": [[label, value] for label, value in self._date_rows(dated) if value]}
            days = counted_days(deadline, self._zone)
            if days:
                yield {"kind": "days", "rows": [self._counted(day, deadline.due_on) for day in days]}
            elif deadline.trace and deadline.kind is DeadlineKind.PROMISE:
                yield _note(words.say("text", "as_recorded"))
                lines = [[breakable(masked(one_line(line))) for line in deadline.trace]]
                yield {"kind": "text", "paragraphs": lines, "small": True, "language": "en"}

    def _date_rows(self, dated: Dated) -> Iterator[tuple[str, str]]:
        words, deadline = self._words, dated.deadline
        yield (
            words.say("dates", "counted_from"),
            words.when(deadline.received_at.astimezone(self._zone), day_only=dated.letter),
        )
        yield words.say("dates", "post_by"), words.long_day(deadline.post_by) if deadline.post_by else ""
        if deadline.kind is not DeadlineKind.PROMISE or deadline.because:
            yield words.say("dates", "made"), words.moment(deadline.made_at.astimezone(self._zone))
            yield words.say("dates", "by"), words.say("timeline", deadline.actor) if deadline.actor else ""
        if deadline.kind is not DeadlineKind.HOLDING:
            yield words.say("dates", "because"), _listed(deadline.because, 500)

    def _counted(self, one: Counted, due_on: date) -> list[str]:
        words = self._words
        told = words.say("text", one.what, number=one.number, name=one.name)
        due = (
            f"{words.plain('colon')}{words.say('text', 'due')}" if one.what is Day.COUNTED and one.day == due_on else ""
        )
        return [words.long_day(one.day), f"{told}{due}"]

    def _position(self) -> Iterator[Block]:
        words, final, answer = self._words, self._content.final, self._content.answer
        if final is not None:
            day, outcome = words.day(final.at.astimezone(self._zone).date()), words.say("outcomes", final.outcome)
            told = words.say("text", "position", day=day, number=final.number, outcome=outcome)
            yield _note(told, to=_piece_id(final.number))
            yield from self._text_of(final)
            return
        yield _note(words.say("text", "no_position"))
        case = self._content.case
        if answer is not None:
            day = words.day(answer.at.astimezone(self._zone).date())
            told = words.say("text", "last_answer", number=answer.number, day=day)
            yield _note(told, to=_piece_id(answer.number))
        elif case.answered_at is not None:
            day = words.day(case.answered_at.astimezone(self._zone).date())
            yield _note(words.say("text", "answered_how", day=day, how=words.say("how", case.answered_how)))
        else:
            yield _note(words.say("text", "no_answer"))

    def _disputes(self) -> Iterator[Block]:
        words, case = self._words, self._content.case
        rows = []
        for taken in case.escalations:
            told = [one_line(taken["name"]), str(words.iso(taken["on"]))]
            told += [words.say("clocks", "answer_by", day=words.iso(taken["due_on"]))] if taken.get("due_on") else []
            told += [words.say("clocks", "ended", day=words.iso(taken["ended"]))] if taken.get("ended") else []
            rows.append([words.say("clocks", "taken"), ", ".join(told)])
        known = {(one.get("due_on"), one.get("words")) for one in case.escalations}
        for clock in case.clocks:
            if (clock["due_on"], clock["words"]) not in known:
                rows.append(
                    [words.say("clocks", clock["kind"]), words.say("clocks", "by", day=words.iso(clock["due_on"]))]
                )
        yield {"kind": "rows", "rows": rows} if rows else _note(words.say("text", "no_disputes"))

    def _documents(self) -> Iterator[Block]:
        words = self._words
        yield _note(words.say("text", "zip", zip=self._frame.archive, sums=SUMS))
        columns = [words.say("documents", key) for key in ("number", "document", "size")]
        yield {"kind": "documents", "columns": columns, "rows": [self._entry(entry) for entry in self._entries]}
        yield _note(words.say("text", "masked"))

    def _entry(self, entry: Entry) -> dict[str, object]:
        words = self._words
        why = "" if entry.state is State.THERE else words.say("states", entry.state)
        return {
            "number": str(entry.number),
            "name": _listed(entry.name) or words.say("what", entry.what),
            "what": words.say("what", entry.what),
            "piece": str(entry.piece),
            "to": _piece_id(entry.piece),
            "place": why or breakable(entry.path),
            "there": not why,
            "hash": [entry.sha256[:HASH_HALF], entry.sha256[HASH_HALF:]],
            "size": words.size(entry.size) if entry.size else "",
        }


def _note(text: str, to: str = "") -> Block:
    return {"kind": "note", "text": text, "to": to}


def _language_of(piece: Piece) -> str:
    """The language of what was written, for who has it read aloud; "" where it is not one of ours."""
    language = piece.message.language if piece.message else piece.draft.language if piece.draft else ""
    return language if language in LANGUAGES else ""


def _piece_id(number: int) -> str:
    return f"piece-{number}"


def _lines(texts: Sequence[str]) -> list[str]:
    return [_listed(text, COVER_AT_MOST) for text in texts if one_line(text)]


def _paragraphs(text: str, most: int, lines_at_most: int) -> tuple[list[list[str]], bool]:
    """The text in paragraphs of lines, as far as it is printed, and whether that is not all."""
    lines = clean(text[:most]).strip("\n").split("\n")
    kept: list[list[str]] = [[]]
    for line in lines[:lines_at_most]:
        if line.strip():
            kept[-1].append(breakable(line.rstrip()))
        elif kept[-1]:
            kept.append([])
    return [part for part in kept if part], len(text) > most or len(lines) > lines_at_most
