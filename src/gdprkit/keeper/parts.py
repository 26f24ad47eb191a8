"""What a keeper is made of, refused at once where it is something else.

A path where the thing itself belongs would fail late and say nothing useful. Only what each part is
used by is looked at, so a host's own store, provider or ledger passes. The parts of a keeper may be
put on the transaction of a host.
"""

from __future__ import annotations

from inspect import iscoroutinefunction

import attrs

from gdprkit.errors import InvalidValue
from gdprkit.keeper.writing import Bench
from gdprkit.register.register import Register
from gdprkit.sealing.settings import KeySettings
from gdprkit.storage.protocol import Store

__all__ = ["check_parts", "on_transaction"]


def check_parts(
    register: object, store: object, keys: object, key_settings: object, erasures: object
) -> None:
    """Refuse what is no register, store, key provider, settings of keys or erasure ledger.

    Raises:
        InvalidValue: names the part and what to pass.
    """
    if not isinstance(register, Register):
        raise InvalidValue("register", "is no register", "pass Register.load(path)")
    _check_store(store, "pass SqliteStore(path), PostgresStore(pool) or MemoryStore()")
    if not callable(getattr(keys, "unwrap", None)):
        raise InvalidValue("keys", "is no key provider", "pass Keyring.from_file(path)")
    if not isinstance(key_settings, KeySettings):
        raise InvalidValue("key_settings", "is no KeySettings", "pass KeySettings()")
    if erasures is not None and not callable(getattr(erasures, "records", None)):
        raise InvalidValue("erasures", "is no erasure ledger", "pass FileErasureLedger(path)")


def _check_store(store: object, cure: str) -> None:
    commit = getattr(store, "commit", None)
    if not callable(commit):
        raise InvalidValue("store", "is no store", cure)
    if iscoroutinefunction(commit):
        raise InvalidValue(
            "store", "is awaited", "pass BlockingStore(store, loop); see AsyncRecordKeeper"
        )


def on_transaction(bench: Bench, store: Store) -> Bench:
    """Return what a keeper works with while it is on a host's transaction.

    Raises:
        InvalidValue: *store* is no store, or another tenant's.
    """
    _check_store(store, "pass one that was given the host's connection, as host_store() gives it")
    if store.tenant != bench.store.tenant:
        raise InvalidValue("store", "is another tenant's", "give it the tenant of the keeper")
    return attrs.evolve(bench, store=store, keys=bench.keys.on(store))
