"""A sealed value as facts name it: by a slot in the vault and the hash of its envelope.

The ledger never holds personal data, not even sealed. Erasing a value deletes its envelope; the
fact that names it stays, and the line verifies as before.
"""

from __future__ import annotations

import re
from typing import final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.facts._shape import name
from gdprkit.words.identifiers import FieldId, Slot
from gdprkit.words.vocabulary import FilingSystem

__all__ = ["SealedValue"]

_SHA256_HEX = re.compile(r"[0-9a-f]{64}\Z")


@final
@attrs.frozen(kw_only=True)
class SealedValue:
    """One value in the vault.

    Args:
        field: The declared field.
        slot: Its row in the vault.
        digest: SHA-256 of the envelope, 64 hexadecimal digits.
        filing: The filing system it lies in; each is sealed apart.
    """

    field: FieldId = attrs.field(validator=name)
    slot: Slot
    digest: str = attrs.field()
    filing: FilingSystem = FilingSystem.CUSTOMER

    @digest.validator
    def _is_sha256(self, _: object, value: str) -> None:
        if not _SHA256_HEX.match(value):
            raise InvalidValue("digest", "is not a SHA-256", "pass 64 hexadecimal digits")
