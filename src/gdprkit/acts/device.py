"""Questions about visitors' devices (ECSA s. 205; R-230 to R-238).

A choice is a consent like others, on a line of kind ``website-visitor`` whose id is random and says
nothing about anybody: ``consent.give`` and ``consent.withdraw`` record it.
"""

from __future__ import annotations

from gdprkit.policy.device import MayStore

__all__ = ["MayStore", "may_store"]


def may_store(item: str) -> MayStore:
    """Ask whether a declared item may be stored on, or read from, the visitor's device (R-230)."""
    return MayStore(item=item)
