"""The folders of a shop's post folder: what a clerk sees. Sources and outlets stand on these names."""

import re

INCOMING, PROCESSING, DONE, FAILED = "incoming", "processing", "done", "failed"
DUPLICATES = f"{DONE}/duplicates"
DRAFTS, OUTGOING, POSTED = "drafts", "outgoing", "posted"
FOLDERS = (INCOMING, PROCESSING, DONE, DUPLICATES, FAILED, DRAFTS, OUTGOING, POSTED)
# What shares, scanners and desktops leave beside the files that people mean.
IGNORED = re.compile(
    r"^(\..*|~\$.*|.*\.(tmp|part|partial|crdownload|filepart)|thumbs\.db|desktop\.ini|@eadir)$", re.IGNORECASE
)
