"""gdprkit: GDPR records a controller can prove.

Facts are recorded, stored, folded into a standing, asked a question, and answered with reasons. The
names here are the face; each is loaded when first used, so importing the package reads no file, no
environment, no clock, and loads neither ciphers nor databases.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdprkit.acts import connection as connection
    from gdprkit.acts import consent as consent
    from gdprkit.acts import data as data
    from gdprkit.acts import device as device
    from gdprkit.acts import marketing as marketing
    from gdprkit.acts import requests as requests
    from gdprkit.acts import retention as retention
    from gdprkit.errors import GdprkitError as GdprkitError
    from gdprkit.keeper.asynchronous import AsyncRecordKeeper as AsyncRecordKeeper
    from gdprkit.keeper.keeper import RecordKeeper as RecordKeeper
    from gdprkit.keeper.values import NewPerson as NewPerson
    from gdprkit.keeper.values import Receipt as Receipt
    from gdprkit.policy.decisions import Decision as Decision
    from gdprkit.policy.decisions import NotAllowed as NotAllowed
    from gdprkit.policy.decisions import Outcome as Outcome
    from gdprkit.policy.plan import Plan as Plan
    from gdprkit.register.register import Register as Register
    from gdprkit.sealing.providers import Keyring as Keyring
    from gdprkit.words.personal import Personal as Personal

__all__ = [
    "AsyncRecordKeeper",
    "Decision",
    "GdprkitError",
    "Keyring",
    "NewPerson",
    "NotAllowed",
    "Outcome",
    "Personal",
    "Plan",
    "Receipt",
    "RecordKeeper",
    "Register",
    "__version__",
    "connection",
    "consent",
    "data",
    "device",
    "marketing",
    "requests",
    "retention",
]

_HOMES = {
    "AsyncRecordKeeper": "gdprkit.keeper.asynchronous",
    "Decision": "gdprkit.policy.decisions",
    "GdprkitError": "gdprkit.errors",
    "Keyring": "gdprkit.sealing.providers",
    "NewPerson": "gdprkit.keeper.values",
    "NotAllowed": "gdprkit.policy.decisions",
    "Outcome": "gdprkit.policy.decisions",
    "Personal": "gdprkit.words.personal",
    "Plan": "gdprkit.policy.plan",
    "Receipt": "gdprkit.keeper.values",
    "RecordKeeper": "gdprkit.keeper.keeper",
    "Register": "gdprkit.register.register",
}
_MODULES = ("connection", "consent", "data", "device", "marketing", "requests", "retention")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("gdprkit")
        except PackageNotFoundError:  # run from its sources, nothing is installed
            return "0+unknown"
    if name in _MODULES:
        return import_module(f"gdprkit.acts.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gdprkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
