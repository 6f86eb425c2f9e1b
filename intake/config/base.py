"""What every section of the configuration has in common."""

import re

from pydantic import BaseModel, ConfigDict, field_validator

# The platform closed on 20 July 2025 (Regulation (EU) 2024/3228); sending a consumer there is a dead remedy.
CLOSED_ODR = re.compile(r"ec\.europa\.eu/(consumers/)?odr|webgate\.ec\.europa\.eu/odr", re.IGNORECASE)


class Section(BaseModel):
    """A part of the configuration: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _names_no_dead_remedy(cls, value: object) -> object:
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and CLOSED_ODR.search(text) for text in texts):
            raise ValueError("a body that is open: the EU's ODR platform closed on 20 July 2025")
        return value
