"""The dossier of a case for a dispute body: a PDF to read, and a ZIP with the originals."""

from intake.dossier.archive import State
from intake.dossier.making import Made, Wanted, make_dossier
from intake.dossier.words import LANGUAGES

__all__ = ["LANGUAGES", "Made", "State", "Wanted", "make_dossier"]
