"""The folders of a shop's post folder: what a clerk sees. Sources and outlets stand on these names."""

INCOMING, PROCESSING, DONE, FAILED = "incoming", "processing", "done", "failed"
DUPLICATES = f"{DONE}/duplicates"
DRAFTS, OUTGOING, POSTED = "drafts", "outgoing", "posted"
FOLDERS = (INCOMING, PROCESSING, DONE, DUPLICATES, FAILED, DRAFTS, OUTGOING, POSTED)
