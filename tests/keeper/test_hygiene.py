"""A planted value is looked for wherever it must not be: errors, reprs, logs, and all that is
stored but the sealed bytes.
"""

from __future__ import annotations

import logging
import pickle
import tempfile
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.keeper.support import House, evidence, house_on, moment, relevance

from gdprkit import (
    GdprkitError,
    NewPerson,
    Personal,
    connection,
    consent,
    data,
    marketing,
    requests,
    retention,
)
from gdprkit.policy.plan import Plan
from gdprkit.storage import SqliteStore

MARK = "Zq7Marker"
NUMBER = int.from_bytes(MARK.encode(), "big")

#: Values of every type that can be sealed, each with the mark inside.
VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: text + MARK),
    st.binary(max_size=20).map(lambda raw: MARK.encode() + raw),
    st.integers(0, 99).map(lambda extra: NUMBER * 100 + extra),
    st.integers(0, 99).map(lambda extra: Decimal(f"{NUMBER}.{extra}")),
    st.lists(st.integers(), max_size=3).map(lambda more: [MARK, *more]),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3).map(
        lambda more: {**more, MARK: MARK}
    ),
).filter(lambda value: not (isinstance(value, str) and _unwritable(value)))

#: Fields that no index is made of, so that any type may stand in them.
FIELDS = ("name", "title", "company", "message", "invoices", "orders", "feedback", "product-area")


def _unwritable(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def traces() -> tuple[bytes, ...]:
    """Return the spellings under which the mark may hide."""
    raw = MARK.encode()
    return (
        raw,
        raw.lower(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        b64encode(raw)[:-2],
        MARK.encode("utf-16-le"),
        str(NUMBER).encode(),
    )


def clean(what: object, where: str) -> None:
    """Fail when the mark is found in *what*, without repeating it."""
    raw = what if isinstance(what, bytes) else str(what).encode("utf-8", "replace")
    assert not any(trace in raw for trace in traces()), f"the mark stands in {where}"


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect every log record, of every logger and level."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(f"{record.getMessage()} {record.__dict__}")

    ear, root = Ear(0), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(0)
    try:
        yield heard
    finally:
        root.removeHandler(ear)
        root.setLevel(level)


def attempt(deed: Callable[[], object]) -> object:
    """Return what *deed* gives; an error is a clean one of the family."""
    try:
        found = deed()
    except GdprkitError as error:
        one: BaseException | None = error
        while one is not None:
            clean(one, type(error).__name__)
            clean(repr(one), type(error).__name__)
            clean(repr(vars(one)), type(error).__name__)
            one = one.__cause__ or one.__context__
        clean("".join(traceback.format_exception(error)), "a traceback")
        return None
    clean(repr(found), f"the repr of a {type(found).__name__}")
    clean(found, f"the text of a {type(found).__name__}")
    return found


def whole_life(house: House, fields: dict[str, object]) -> None:
    """Lead one person through everything, with the mark in every value."""
    keeper, clock = house.keeper, house.clock
    new = NewPerson(
        kind="company-contact",
        fields={**fields, "email": f"{MARK}@example.com", "phone": "+358 40 123 4567"},
        source="contact-form",
        notice="v7",
    )
    attempt(lambda: new)
    ids = attempt(lambda: keeper.add_people([new]))
    assert isinstance(ids, list)
    anna = ids[0]
    collected = attempt(lambda: data.collect(fields, source="agreement"))
    assert collected is not None
    bad = dict.fromkeys(("email", "phone"), fields["name"])
    for deed in (
        lambda: keeper.record(anna, data.collect(fields, source="agreement")),
        lambda: keeper.record(anna, data.rectify({"name": f"{MARK} corrected"}, source="employer")),
        lambda: keeper.record(anna, data.collect(bad, source="agreement")),
        lambda: keeper.record(anna, data.collect({MARK: MARK}, source="agreement")),
        lambda: keeper.record(anna, data.collect({"name": object}, source="agreement")),
        lambda: keeper.add_people([new]),
        lambda: keeper.add_person(MARK, fields, source=MARK, notice=MARK),
        lambda: keeper.add_person("consumer", fields, source="contact-form", at=moment(2090, 1, 1)),
        lambda: keeper.find(email=f"{MARK}@example.com"),
        lambda: keeper.find(email=Personal(f"{MARK}@example.com")),
        lambda: keeper.find(email=MARK),
        lambda: keeper.read(anna),
        lambda: keeper.record(
            anna, requests.receive(right="access", channel="email", text=f"I am {MARK}")
        ),
        lambda: keeper.answer(anna, keeper.standing(anna).request.cases[0].case),
        lambda: keeper.record(anna, connection.start(reference="c-1"), relevance()),
        lambda: keeper.record(anna, consent.give("newsletter", evidence=evidence())),
        lambda: house.ask(anna),
        lambda: house.ask(anna).explain(),
        lambda: house.ask(anna).require(),
        lambda: keeper.ask(anna, data.may_process("newsletter")).explain(),
        lambda: keeper.standing(anna),
        lambda: keeper.line(anna),
        lambda: keeper,
        lambda: house.store,
    ):
        attempt(deed)
    clock.now = moment(2026, 4, 2)
    attempt(
        lambda: keeper.record(
            anna, connection.end(on=date(2026, 3, 31), cause="warranty-end", evidence="w-1")
        )
    )
    for question in (
        connection.after_end(),
        retention.due(),
        retention.erasure(reason="objected", reference="r-1"),
    ):
        plan = attempt(partial(keeper.plan, anna, question))
        assert isinstance(plan, Plan)
        attempt(partial(keeper.apply, plan, approve=plan.digest))
        attempt(lambda: keeper.read(anna))
        clock.now += timedelta(days=400)
    attempt(lambda: keeper.add_people([new]))
    attempt(lambda: keeper.verify(anna))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(values=st.lists(VALUES, min_size=len(FIELDS), max_size=len(FIELDS)))
def test_a_planted_value_shows_nowhere(values: list[object]) -> None:
    """Through a whole life no error, repr, log record or byte on disk shows a value in clear."""
    with tempfile.TemporaryDirectory() as folder, listening() as heard:
        path = Path(folder) / "people.db"
        with SqliteStore(path) as store:
            whole_life(house_on(store), dict(zip(FIELDS, values, strict=True)))
            for file in Path(folder).iterdir():
                clean(file.read_bytes(), file.suffix)
    for record in heard:
        clean(record, "a log record")


@pytest.mark.parametrize(
    "value",
    [MARK, MARK.encode(), NUMBER, Decimal(NUMBER), [MARK], {MARK: MARK}, moment(2024, 5, 14)],
    ids=lambda value: type(value).__name__,
)
def test_a_personal_value_shows_itself_to_nobody_by_accident(value: object) -> None:
    """repr, str, format and interpolation of a Personal are the same for every value."""
    personal = Personal(value)
    assert f"{personal} {personal!r} {personal:>5}" == "*** Personal(***) ***"
    assert personal.reveal() is value
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        pickle.dumps(personal)


def test_the_answer_for_the_person_does_show_the_values(filed: House, tmp_path: Path) -> None:
    """What is written for the person holds their data in clear: the planted value is findable."""
    anna = filed.anna(fields={"name": MARK, "email": "anna.example@example.com"})
    case = filed.keeper.record(anna, requests.receive(right="access", channel="email")).case
    assert case is not None
    bundle = filed.keeper.answer(anna, case)
    clean(repr(bundle), "the repr of a bundle")
    written = bundle.write(tmp_path / "answer")
    assert any(MARK in path.read_text(encoding="utf-8") for path in written)


def test_only_the_controllers_own_texts_stand_on_the_line(filed: House, path: Path) -> None:
    """References, wordings and findings are stored in clear, in entries and nowhere else."""
    anna = filed.customer()
    filed.keeper.record(
        anna,
        connection.start(reference=MARK),
        consent.give("newsletter", evidence=evidence(wording=MARK, captured_by=MARK)),
        marketing.object_to(via="email"),
        data.note("adult"),
        key=MARK,
    )
    assert any(MARK.encode() in entry.body for entry in filed.store.line(anna))
    for deed in (
        lambda: filed.ask(anna).require(),
        lambda: filed.keeper.record(anna, consent.give("newsleter", evidence=evidence())),
    ):
        with pytest.raises(GdprkitError) as caught:
            deed()
        clean(repr(caught.value), type(caught.value).__name__)
