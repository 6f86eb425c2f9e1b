"""What a shop's promise is worth, measured: from plain facts about cases to rows, figures and levels.

    facts ─► rows (one a promise) ─► outcomes (one a case) ─► figures ─► level

Pure: no storage, no clock, no files. The same functions serve the badge, the evidence that an auditor recomputes, and
the reports; `METHOD` names the way of counting, and changes whenever a figure could.
"""

METHOD = "1"
