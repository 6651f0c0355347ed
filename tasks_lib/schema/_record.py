"""What all parts of a log share: they keep what newer versions and other engines wrote."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Record(BaseModel):
    """A part of a log. Fields that this version does not know are kept and written again.

    They are in `model_extra`, as JSON.
    """

    model_config = ConfigDict(extra="allow")


class AnyText:
    """Marks a type of a few texts: those that are known. Others, of newer versions, are kept.

    For what engines write into logs; what users write is checked.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept any text."""
        return core_schema.str_schema()
