"""The Core tables, by name: what statements are made of. `storage.models` declares them."""

from storage import models
from storage.models import table

ANSWERED = table(models.AnsweredRow)
ARRIVALS = table(models.ArrivalRow)
CASES = table(models.CaseRow)
CLUES = table(models.ClueRow)
COUNTERS = table(models.CounterRow)
CURSORS = table(models.CursorRow)
DEADLINES = table(models.DeadlineRow)
DOCUMENTS = table(models.DocumentRow)
DRAFTS = table(models.DraftRow)
EFFECTS = table(models.EffectRow)
EVENTS = table(models.EventRow)
HEARTBEATS = table(models.HeartbeatRow)
MESSAGES = table(models.MessageRow)
NOTES = table(models.NoteRow)
NOTICES = table(models.NoticeRow)
PARTICIPANTS = table(models.ParticipantRow)
RAISED_ALARMS = table(models.RaisedAlarmRow)
READINGS = table(models.ReadingRow)
STANDINGS = table(models.StandingRow)
TOMBSTONES = table(models.TombstoneRow)
UNDELIVERABLE = table(models.UndeliverableRow)
