"""What every part of a keeper works with, passed on whole.

Decides which law a case is judged under. Leaves out everything that is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, final

import attrs

from gdprkit.keeper.line import View, surviving_of
from gdprkit.keeper.memory import Memory
from gdprkit.policy.case import Case
from gdprkit.policy.law import LawBook
from gdprkit.register.register import Register
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.storage.protocol import Store
from gdprkit.words.moments import civil_date

__all__ = ["Bench"]


@final
@attrs.frozen(kw_only=True)
class Bench:
    """What the keeper works with; passed on whole so that every part uses the same."""

    register: Register
    store: Store
    keys: SubjectKeys
    law: LawBook
    random: Callable[[int], bytes]
    memory: Memory = attrs.field(factory=Memory, eq=False, repr=False)

    def case(self, view: View, at: datetime, **more: Any) -> Case:
        """Return the case of a view at a moment, under the law of that day.

        The lines that go on in its place are those of now, unless *more* gives those of then.
        """
        if "surviving" not in more:
            more["surviving"] = surviving_of(self.store, view, memory=self.memory)
        return Case(
            standing=view.standing,
            register=self.register,
            at=at,
            law=self.law.on(civil_date(at, self.register.zone)),
            about=view.about,
            **more,
        )
