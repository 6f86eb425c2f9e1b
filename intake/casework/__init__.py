"""What people do to arrivals, letters and cases. The command line calls these; the desk will call the same ones.

Every change is one transaction and an event with who, when, from and to.
"""

from intake.casework.arrivals import join_arrival, open_arrival
from intake.casework.held import get_case
from intake.casework.letters import approve_letter, mark_posted, print_letters, set_address

__all__ = [
    "approve_letter",
    "get_case",
    "join_arrival",
    "mark_posted",
    "open_arrival",
    "print_letters",
    "set_address",
]
