"""A store file together with the keyring file that its keys are under.

Decides how the two are opened for ``gdprkit keys`` and which root keys a store has no use for.
Leaves out what the commands do with that (``keys_cli``). Always true: neither file is made here;
only the store that was named is looked at, and a keyring may serve others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.providers import Keyring
from gdprkit.sealing.rotation import KeyStatus
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage import SqliteStore
from gdprkit.storage.sqlite_file import asked

__all__ = ["Opened", "opened_store"]

_ROOTS: Final = "SELECT tenant, epoch, provider_key FROM gdprkit_epoch WHERE state <> 'destroyed'"
_TENANTS: Final = "SELECT DISTINCT tenant FROM gdprkit_epoch ORDER BY tenant"


@final
@attrs.frozen(kw_only=True)
class Opened:
    """A store that is there, and the keys of one tenant in it.

    Args:
        store: The store of the tenant.
        file: Where it is.
        ring: Where the keyring is.
        ttl: Seconds for which a process believes an opened key.
    """

    store: SqliteStore
    file: Path
    ring: Path
    ttl: float

    def keys(self) -> SubjectKeys:
        """Return the keys under the keyring as it is now."""
        return SubjectKeys(
            Keyring.from_file(self.ring),
            self.store,
            tenant=self.store.tenant,
            settings=KeySettings(ttl=self.ttl),
        )

    def lacking(self, found: KeyStatus) -> list[str]:
        """Return the root keys that are needed to go on and that the keyring does not hold."""
        held = Keyring.from_file(self.ring).root_ids
        return sorted({e.root for e in found.epochs if e.moves and e.root not in held})

    def free_roots(self, gone: Sequence[str] = ()) -> list[str]:
        """Return the root keys that wrap nothing live, of whatever tenant in the file.

        Another file may have epochs under them all the same.

        Args:
            gone: Epochs of this tenant that count as destroyed, also where they only would be.
        """
        ring = Keyring.from_file(self.ring)
        dead = {(self.store.tenant, epoch) for epoch in gone}
        live = {root for *which, root in asked(self.file, _ROOTS) if tuple(which) not in dead}
        used = {ring.describe().key_id, *live}
        return [root for root in ring.root_ids if root not in used]


@contextmanager
def opened_store(
    file: Path, ring: Path, tenant: str, ttl: float = KeySettings().ttl
) -> Iterator[Opened]:
    """Open a store that is there and has keys of the tenant: a slip of the pen makes nothing new.

    Raises:
        InvalidValue: there is no such store, or no keys of the tenant.
        GdprkitError: the file is no store, or the store or the keyring does not work.
    """
    if not file.is_file() or not file.stat().st_size:
        raise InvalidValue("STORE", "is no store", "name one that is there")
    Keyring.from_file(ring)
    with SqliteStore(file, tenant=tenant) as store:
        held = [name for (name,) in asked(file, _TENANTS)]
        if tenant not in held:
            others = ", ".join(held) or "no keys at all"
            raise InvalidValue("--tenant", "has no keys here", f"the file holds: {others}")
        yield Opened(store=store, file=file, ring=ring, ttl=ttl)
