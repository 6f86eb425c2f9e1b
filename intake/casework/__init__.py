"""What people do to arrivals, letters and cases. The command line calls these; the desk will call the same ones.

Every change is one transaction and an event with who, when, from and to.
"""

from intake.casework.arrivals import join_arrival, open_arrival
from intake.casework.cases import (
    CLOSE_REASONS,
    Answered,
    answer,
    assign,
    close,
    note,
    reopen,
    set_category,
    set_language,
)
from intake.casework.dates import move_due
from intake.casework.disputes import escalate
from intake.casework.drafts import KINDS, OUTCOMES, Asked, redraft
from intake.casework.held import get_case, today
from intake.casework.letters import approve_letter, mark_posted, print_letters, set_address
from intake.casework.merging import merge, split
from intake.pipeline.answering import WAYS

__all__ = [
    "CLOSE_REASONS",
    "KINDS",
    "OUTCOMES",
    "WAYS",
    "Answered",
    "Asked",
    "answer",
    "approve_letter",
    "assign",
    "close",
    "escalate",
    "get_case",
    "join_arrival",
    "mark_posted",
    "merge",
    "move_due",
    "note",
    "open_arrival",
    "print_letters",
    "redraft",
    "reopen",
    "set_address",
    "set_category",
    "set_language",
    "split",
    "today",
]
