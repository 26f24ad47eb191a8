"""How keys are kept: what a controller chooses about sealing, as one value.

Decides the defaults and what fits together. Leaves out what the choices do: ``keys``, ``cache`` and
the keeper act on them. Always true: the suite that writes is among those that are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.sealing.form import SUITES

__all__ = ["KeySettings"]

_DAY: Final = 86_400


def _suites(values: Iterable[int]) -> frozenset[int]:
    return frozenset(values)


def _names(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):  # or each letter would be a place
        raise InvalidValue("sinks", "is one text", 'give a list of names, such as ["search"]')
    return tuple(values)


@final
@attrs.frozen(kw_only=True)
class KeySettings:
    """What a controller chooses about its keys.

    Args:
        suite: The cipher suite that new values are sealed under, a number of ``form.SUITES``.
        suites: The suites that are read. A value under another one is refused.
        ttl: Seconds a process believes an opened key; after that an erasure holds in it too.
        capacity: Most people whose keys a process keeps open.
        strict_writes: Read the state of a key anew before each write outside the store's batch.
        epoch_days: Days after which key epochs are replaced and the old ones destroyed with their
            root key; None says that nobody does. With *backup_days* it bounds how long a backup of
            the key store can open what was erased (GDPR Art. 17, 5(1)(e)).
        backup_days: Days until every copy of a backup is under the same rule.
        sinks: Names of other places that hold copies: logs, a search engine, exports. A receipt of
            an erasure lists them until somebody says that they are done.

    Raises:
        InvalidValue: a number is out of range, *suite* is not among *suites*, or *sinks* is one
            text.
    """

    suite: int = 1
    suites: frozenset[int] = attrs.field(default=frozenset({1}), converter=_suites)
    ttl: float = 300.0
    capacity: int = 1000
    strict_writes: bool = False
    epoch_days: int | None = None
    backup_days: int | None = None
    sinks: tuple[str, ...] = attrs.field(default=(), converter=_names)

    def __attrs_post_init__(self) -> None:
        known = ", ".join(map(str, sorted(SUITES)))
        if not self.suites <= SUITES.keys():
            raise InvalidValue("suites", "names a suite that is not known", f"choose from {known}")
        if self.suite not in self.suites:
            raise InvalidValue("suite", "is not among the suites that are read", "add it to suites")
        if not 0 <= self.ttl <= _DAY:
            raise InvalidValue("ttl", "is out of range", f"give 0 to {_DAY} seconds")
        if self.capacity < 0:
            raise InvalidValue("capacity", "is negative", "give the most people kept, or 0")
        for name, days in (("epoch_days", self.epoch_days), ("backup_days", self.backup_days)):
            if days is not None and days < 0:
                raise InvalidValue(name, "is negative", "give days, or None")
