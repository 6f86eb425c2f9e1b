"""Bytes → Message: mail, scans and records, each total over hostile input. Decides nothing."""
