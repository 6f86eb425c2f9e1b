"""Tests mirror the packages; `tests/system` talks to real servers, `tests/bench` measures."""
