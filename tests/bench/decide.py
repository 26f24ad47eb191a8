"""Figures of the pure parts: a decision with its reasons, and the fold of twenty facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

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
    pairs = {
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
