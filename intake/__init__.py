"""Intake turns every complaint that reaches a shop by mail or by letter into a case with an answer date."""

__version__ = "0.1.0"
