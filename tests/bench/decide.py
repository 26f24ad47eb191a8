"""Figures of the pure parts: a decision with its reasons, and the fold of twenty facts.

``decide`` is the whole policy against a function written by hand for one thing; ``decide.casbin``
is the same decision against one comparable rule in an access-control library, in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
from tests.bench.people import ADDED, NOW, consent_act, keeper_on, load_register, move_in
from tests.bench.timing import Case, Figure, Job, measure, ratio

from gdprkit import Keyring, RecordKeeper, consent, marketing
from gdprkit.facts.consent import ConsentGiven, ConsentWithdrawn
from gdprkit.facts.entry import Entry
from gdprkit.policy.case import Case as PolicyCase
from gdprkit.policy.case import Suppressed
from gdprkit.policy.marketing import may_contact
from gdprkit.state.consent import ConsentStatus
from gdprkit.state.standing import Standing, fold
from gdprkit.storage import MemoryStore
from gdprkit.words.identifiers import SubjectId
from gdprkit.words.vocabulary import Channel

__all__ = ["bench_decide"]

_FACTS: Final = 20
_TWO_YEARS: Final = timedelta(days=730)
_QUESTION: Final = marketing.may_contact(channel="email", purpose="newsletter")


def bench_decide(folder: Path, rounds: int, per_job: int) -> list[Figure]:
    """Measure deciding and folding, each against a function written by hand for that one thing."""
    keys = Keyring.create(folder / "decide.key")
    register = load_register()
    store = MemoryStore()
    (about,), (other,) = move_in(keeper_on(store, keys, register, ADDED), 2)
    keeper = keeper_on(store, keys, register)
    standing = keeper.standing(about)
    looked = Suppressed(looked=frozenset({Channel.EMAIL}))

    def ours() -> bool:
        case = PolicyCase(
            standing=standing, register=register, at=NOW, about=about, suppressed=looked
        )
        return bool(may_contact(case, _QUESTION))

    def by_hand() -> bool:
        return _may_mail(standing, NOW)

    line = _twenty_facts(keeper_on(store, keys, register), other)
    if not (ours() and by_hand()) or _newest_words(line) != {("newsletter", Channel.EMAIL): False}:
        raise AssertionError("the hand-written side answers something else")
    if fold(line).consent.words[0].status is not ConsentStatus.WITHDRAWN:
        raise AssertionError("the fold answers something else")
    enforcer = _enforcer()
    facts = _Mailable.of(standing)

    def by_casbin() -> bool:
        return bool(enforcer.enforce(facts, "email", "newsletter", NOW))

    if not by_casbin():
        raise AssertionError("the rule of the other library answers something else")
    pairs = {
        "decide.casbin": (
            ours,
            by_casbin,
            "pycasbin: erased, restricted, stopped, consent and its end as one rule in its matcher",
        ),
        "decide": (
            ours,
            by_hand,
            "one function for this question, returning a bool: erased, restricted, stops, consent",
        ),
        "fold20": (
            lambda: fold(line),
            lambda: _newest_words(line),
            "a loop that keeps the newest word of consent for each purpose and channel",
        ),
    }
    cases = [
        Case(name=f"{side}.{name}", items=per_job, prepare=_repeat(do, per_job))
        for name, (one, other, _) in pairs.items()
        for side, do in (("ours", one), ("hand", other))
    ]
    samples = measure(cases, rounds)
    return [
        ratio(name, samples[f"ours.{name}"], samples[f"hand.{name}"], words)
        for name, (_, _, words) in pairs.items()
    ]


def _repeat(do: Callable[[], object], times: int) -> Callable[[], Job]:
    def job() -> None:
        for _ in range(times):
            do()

    return lambda: job


def _twenty_facts(keeper: RecordKeeper, about: SubjectId) -> tuple[Entry, ...]:
    """Let somebody change their mind until the line has twenty facts; it ends with a withdrawal."""
    left = _FACTS - len(keeper.line(about))
    acts = [
        consent.withdraw("newsletter", via="email", channels=["email"], at=at)
        if (left - number) % 2
        else consent_act(at)
        for number in range(left)
        for at in (ADDED + timedelta(hours=1 + number),)
    ]
    keeper.record(about, *acts)
    return keeper.line(about)


_MODEL: Final = """
[request_definition]
r = sub, channel, purpose, at
[policy_definition]
p = channel, purpose
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.channel == p.channel && r.purpose == p.purpose && r.sub.erased == False \
  && r.sub.restricted == False && r.sub.given > r.sub.stopped && r.at < r.sub.ends
"""


@attrs.frozen(kw_only=True)
class _Mailable:
    """What the one rule of the other library looks at, ready to be compared."""

    erased: bool
    restricted: bool
    given: datetime
    stopped: datetime
    ends: datetime

    @classmethod
    def of(cls, standing: Standing) -> _Mailable:
        word = next(w for w in standing.consent.words if w.purpose == "newsletter")
        never = datetime(1970, 1, 1, tzinfo=UTC)
        return cls(
            erased=standing.data.erased_at is not None,
            restricted=bool(standing.objection.restrictions),
            given=word.at,
            stopped=max((stop.at for stop in standing.objection.stops), default=never),
            ends=word.at + _TWO_YEARS,
        )


def _enforcer() -> Any:
    """Return pycasbin with that rule; its own chatter about loading stays off the screen."""
    import casbin  # type: ignore[import-untyped]

    model = casbin.Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model, enable_log=False)
    enforcer.add_policy("email", "newsletter")
    return enforcer


def _may_mail(standing: Standing, at: datetime) -> bool:
    if standing.data.erased_at is not None or standing.objection.restrictions:
        return False
    for word in standing.consent.words:
        if word.purpose == "newsletter" and word.channel is Channel.EMAIL:
            break
    else:
        return False
    for stop in standing.objection.stops:
        reaches = not stop.channels or Channel.EMAIL in stop.channels
        if reaches and stop.purpose in (None, "newsletter") and stop.at >= word.at:
            return False
    return word.status is ConsentStatus.GIVEN and at < word.at + _TWO_YEARS


def _newest_words(line: Sequence[Entry]) -> dict[tuple[str, Channel], bool]:
    newest: dict[tuple[str, Channel], bool] = {}
    for entry in line:
        fact = entry.fact
        kind = type(fact)
        if kind is ConsentGiven or kind is ConsentWithdrawn:
            for channel in fact.channels:  # type: ignore[union-attr]
                newest[fact.purpose, channel] = kind is ConsentGiven  # type: ignore[union-attr,index]
    return newest
