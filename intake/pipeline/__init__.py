"""The steps in order. They call, store and log; they decide nothing.

    mailbox ─┐                                                                 ┌─ draft in the manager's Drafts folder
    Sent ────┼─► receive ───────────────────► process ──────────► deliver ─────┼─ preview and letter in the post folder
    scans ───┘   bytes, then   recognise      examine in           effects,    └─ scan moved on, with a note
                 row and       (scans only)   children, decide     each once,
                 cursor, one   Tesseract in   purely, one trans-   by its key
                 commit a      a process of   action a batch
                 batch         its own                             posted ◄─── PDFs that the clerk moved to posted/

Each step may be killed anywhere and repeated. `House` is what they work with; `intake.bootstrap` builds it.
"""

from intake.pipeline.delivering import deliver
from intake.pipeline.house import House
from intake.pipeline.processing import process
from intake.pipeline.receiving import receive_files, receive_mail, receive_sent
from intake.pipeline.recognising import recognise
from intake.pipeline.watching_post import watch_post

__all__ = ["House", "deliver", "process", "receive_files", "receive_mail", "receive_sent", "recognise", "watch_post"]
