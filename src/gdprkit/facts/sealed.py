"""A sealed value as facts name it: by a slot in the vault and the hash of its envelope.

The ledger never holds personal data, not even sealed. Erasing a value deletes its envelope; the
fact that names it stays, and the line verifies as before.
"""

from __future__ import annotations

from typing import final

import attrs

from gdprkit.facts._shape import name, sha256_hex
from gdprkit.words.identifiers import FieldId, Slot
from gdprkit.words.vocabulary import FilingSystem

__all__ = ["SealedValue"]


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
    digest: str = attrs.field(validator=sha256_hex)
    filing: FilingSystem = FilingSystem.CUSTOMER
