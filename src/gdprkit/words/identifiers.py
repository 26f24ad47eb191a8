"""Opaque ids and declared names.

A data subject is known by a random UUID, never by an address: ids stand in ledgers, logs and
errors, and must say nothing about the person. Declared names (purposes, fields, notices,
recipients) are slugs chosen by the controller.
"""

from __future__ import annotations

import re
from typing import NewType
from uuid import UUID

from gdprkit.errors import InvalidValue, NotASubjectId

__all__ = [
    "CaseId",
    "FieldId",
    "NoticeId",
    "PurposeId",
    "RecipientId",
    "Slot",
    "SourceId",
    "SubjectId",
    "slug",
    "subject_id",
    "uuid_from",
]

SubjectId = NewType("SubjectId", UUID)
"""One data subject (GDPR Art. 4(1)) in one controller's register."""
Slot = NewType("Slot", UUID)
"""One sealed value in the vault."""
CaseId = NewType("CaseId", UUID)
"""One request of a data subject (GDPR Art. 12)."""
PurposeId = NewType("PurposeId", str)
FieldId = NewType("FieldId", str)
NoticeId = NewType("NoticeId", str)
RecipientId = NewType("RecipientId", str)
SourceId = NewType("SourceId", str)

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")


def uuid_from(entropy: bytes) -> UUID:
    """Make a random UUID (version 4) of 16 bytes that the caller drew."""
    return UUID(bytes=entropy, version=4)


def subject_id(value: object) -> SubjectId:
    """Return *value* as a subject id.

    Raises:
        NotASubjectId: *value* is neither a UUID nor the canonical text of one; the error says what
            it looks like, never what it is.
    """
    if isinstance(value, UUID):
        return SubjectId(value)
    if isinstance(value, str):
        try:
            parsed = UUID(value)
        except ValueError:
            parsed = None
        if parsed is not None and str(parsed) == value.lower():
            return SubjectId(parsed)
        looks_like = "an e-mail address" if "@" in value else "some other text"
        raise NotASubjectId(looks_like) from None
    raise NotASubjectId(f"a {type(value).__name__}")


def slug(value: object, field: str) -> str:
    """Return *value* when it is a declared name's shape: lower-case letters, digits, ``. _ -``.

    Raises:
        InvalidValue: it is not; the value is not repeated.
    """
    if isinstance(value, str) and _SLUG.match(value):
        return value
    raise InvalidValue(
        field, "is not a declared name", "use 1 to 64 lower-case letters, digits, '.', '_' or '-'"
    )
