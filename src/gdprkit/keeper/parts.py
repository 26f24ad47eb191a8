"""What a keeper is made of, refused at once where it is something else.

A path where the thing itself belongs would fail late and say nothing useful. Only what each part is
used by is looked at, so a host's own store, provider or ledger passes.
"""

from __future__ import annotations

from gdprkit.errors import InvalidValue
from gdprkit.register.register import Register
from gdprkit.sealing.settings import KeySettings

__all__ = ["check_parts"]


def check_parts(
    register: object, store: object, keys: object, key_settings: object, erasures: object
) -> None:
    """Refuse what is no register, store, key provider, settings of keys or erasure ledger.

    Raises:
        InvalidValue: names the part and what to pass.
    """
    if not isinstance(register, Register):
        raise InvalidValue("register", "is no register", "pass Register.load(path)")
    if not callable(getattr(store, "commit", None)):
        raise InvalidValue("store", "is no store", "pass SqliteStore(path) or MemoryStore()")
    if not callable(getattr(keys, "unwrap", None)):
        raise InvalidValue("keys", "is no key provider", "pass Keyring.from_file(path)")
    if not isinstance(key_settings, KeySettings):
        raise InvalidValue("key_settings", "is no KeySettings", "pass KeySettings()")
    if erasures is not None and not callable(getattr(erasures, "records", None)):
        raise InvalidValue("erasures", "is no erasure ledger", "pass FileErasureLedger(path)")
