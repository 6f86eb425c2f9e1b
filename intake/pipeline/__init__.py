"""The steps in order. They call, store and log; they decide nothing.

    mailbox ─┐                                                                 ┌─ draft in the manager's Drafts folder
    Sent ────┼─► receive ───────────────────► process ──────────► deliver ─────┼─ preview and letter in the post folder
    scans ───┘   bytes, then   recognise      examine in     │     effects,    ├─ scan moved on, with a note
                 row and       (scans only)   children,      │     each once,  └─ what was sent, filed in Sent
                 cursor, one   Tesseract in   decide purely, │     by its key
                 commit a      a process of   one trans-     └───► send ─────── acknowledgement, mail to the manager
                 batch         its own        action a batch       (SMTP)
                                                                   posted ◄─── PDFs that the clerk moved to posted/

Each step may be killed anywhere and repeated. `House` is what they work with; `intake.bootstrap` builds it.
"""

from intake.pipeline.delivering import deliver
from intake.pipeline.feeding import keep_calendar
from intake.pipeline.house import House
from intake.pipeline.notifying import keep_awake
from intake.pipeline.processing import process
from intake.pipeline.receiving import receive_files, receive_mail, receive_sent
from intake.pipeline.recognising import recognise
from intake.pipeline.retaining import keep_retention
from intake.pipeline.sending import send
from intake.pipeline.watching_answers import AnswerWatch
from intake.pipeline.watching_post import watch_post

__all__ = [
    "AnswerWatch",
    "House",
    "deliver",
    "keep_awake",
    "keep_calendar",
    "keep_retention",
    "process",
    "receive_files",
    "receive_mail",
    "receive_sent",
    "recognise",
    "send",
    "watch_post",
]
