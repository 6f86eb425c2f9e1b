"""The three steps in order. They call, store and log; they decide nothing.

    mailbox ─┐                                                        ┌─ draft in the manager's Drafts folder
             ├─► receive ────────► process ─────────────► deliver ───┼─ preview and letter in the post folder
    scans ───┘   bytes, then row    examine in children,   effects,  └─ scan moved on, with a note
                 and cursor, one    decide purely, one     each once,
                 commit a batch     transaction a batch    by its key

Each step may be killed anywhere and repeated. `House` is what they work with; `intake.bootstrap` builds it.
"""

from intake.pipeline.delivering import deliver
from intake.pipeline.house import House
from intake.pipeline.processing import process
from intake.pipeline.receiving import receive_files, receive_mail, receive_post

__all__ = ["House", "deliver", "process", "receive_files", "receive_mail", "receive_post"]
