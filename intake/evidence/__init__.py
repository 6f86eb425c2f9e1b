"""Evidence of what a shop promised and did: a bundle for an auditor, its verification from the bundle alone, and the
audit of what is stored against the history."""

from intake.evidence.auditing import Report, audit, audit_against, audit_head, audit_originals, name_of
from intake.evidence.bundle import Made, Wanted, last_months, make_bundle, read_window
from intake.evidence.form import Finding
from intake.evidence.verify import Verified, verify

__all__ = [
    "Finding",
    "Made",
    "Report",
    "Verified",
    "Wanted",
    "audit",
    "audit_against",
    "audit_head",
    "audit_originals",
    "last_months",
    "make_bundle",
    "name_of",
    "read_window",
    "verify",
]
