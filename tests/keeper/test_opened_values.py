"""What the keeper opens comes out as Personal, and nothing else of it comes out (crypto D.44).

A canary lives a whole life; every public method of the keeper is called, and all that comes back,
is raised or is logged is searched for its marks.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest
from tests.keeper.support import House, evidence, house_on, jot, relevance

from gdprkit import (
    GdprkitError,
    NewPerson,
    Personal,
    RecordKeeper,
    connection,
    consent,
    data,
    marketing,
    requests,
    retention,
)
from gdprkit.keeper.answer import Bundle
from gdprkit.register.register import Register
from gdprkit.sealing.envelope import Opened, SealedField
from gdprkit.sealing.erasures import MemoryErasureLedger
from gdprkit.storage import MemoryStore
from gdprkit.testing.canary import Canary
from gdprkit.testing.canary_scan import Search
from gdprkit.words.identifiers import SubjectId

KIND = "company-contact"


def saferepr(thing: object) -> str:
    try:
        return repr(thing)
    except AttributeError:  # it was being made when the error came
        return ""


class Watch:
    """Looks for the marks of one canary in whatever comes out."""

    def __init__(self) -> None:
        self.canary = Canary.of(jot(), kind=KIND)
        self.opened = 0

    def text(self, where: str, text: str) -> None:
        search = Search(self.canary._marks)
        search.text(where, text)
        assert search.findings == (), where

    def value(self, where: str, thing: Any) -> None:
        """Look at a value and all that it is made of; what is Personal is counted and closed."""
        if isinstance(thing, Personal):
            self.opened += 1
            return
        if isinstance(thing, Register):  # the controller's own words
            return
        self.text(where, repr(thing))
        self.text(where, str(thing))
        if isinstance(thing, bytes):
            self.text(where, thing.decode("latin-1"))
        elif isinstance(thing, Mapping):
            for key, part in thing.items():
                self.value(where, key)
                self.value(f"{where}[{key}]", part)
        elif isinstance(thing, tuple | list | set | frozenset | Iterator):
            for number, part in enumerate(thing):
                self.value(f"{where}[{number}]", part)
        elif attrs.has(type(thing)):
            for field in attrs.fields(type(thing)):
                self.value(f"{where}.{field.name}", getattr(thing, field.name))

    def error(self, where: str, error: GdprkitError) -> None:
        """Look at an error, at what caused it, and at the variables of every frame of ours."""
        one: BaseException | None = error
        while one is not None:
            self.text(where, f"{one} {one!r} {vars(one)}")
            for frame, _ in traceback.walk_tb(one.__traceback__):
                name = frame.f_code.co_filename
                if "gdprkit" in name and "tests" not in name:
                    shown = "".join(map(saferepr, frame.f_locals.values()))
                    self.text(f"{where}, frame of {frame.f_code.co_name}", shown)
            one = one.__cause__ or one.__context__
        self.text(where, pickle.dumps(error).decode("latin-1"))


class Life:
    """A person whose every value is a mark, in a house in memory."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.house: House = house_on(MemoryStore(), erasures=MemoryErasureLedger())
        self.keeper: RecordKeeper = self.house.keeper
        self.about: SubjectId = self.keeper.add_person(
            KIND, self.values(), source="contact-form", notice="v7"
        )
        text = f"I am {self.watch.canary.values['name']}"
        received = requests.receive(right="access", channel="email", text=text)
        self.case: Any = self.keeper.record(self.about, received).case

    def values(self) -> dict[str, object]:
        return dict(self.watch.canary.values)


def calls(life: Life) -> dict[str, Callable[[], object]]:
    """Return a call of every public method of the keeper, in the order of a life."""
    keeper, about, case = life.keeper, life.about, life.case
    values = life.watch.canary.values
    anew = Canary.of(jot(), kind=KIND).values

    def applied() -> object:
        plan = keeper.plan(about, retention.erasure(reason="objected", reference="r-1"))
        return keeper.apply(plan, approve=plan.digest)

    def sealed() -> object:
        note = SealedField("elsewhere", "note")
        envelope = keeper.fields.seal(about, values["name"], note, "r-1")
        return keeper.fields.open(about, envelope, note, "r-1")

    def erased() -> object:
        gone = keeper.add_person("consumer", {"name": values["name"]}, source="contact-form")
        plan = keeper.plan(gone, retention.erasure(reason="objected", reference="r-2"))
        keeper.apply(plan, approve=plan.digest)
        return keeper.receipt(gone)

    def cared() -> object:
        care = keeper.keys
        care.renew(about)
        return [
            care.rotate(terms=True),
            care.rewrap(),
            care.renew_all(since=keeper.now()),
            care.destroy_all_old_versions(columns_renewed=True),
            care.status(),
        ]

    other = keeper.add_person(KIND, anew, source="agreement")

    return {
        "register": lambda: keeper.register,
        "now": keeper.now,
        "keys": cared,
        "add_person": lambda: keeper.add_person(
            KIND, {"name": values["name"]}, source="contact-form"
        ),
        "add_people": lambda: keeper.add_people(
            [NewPerson(kind=KIND, fields={"name": values["name"]}, source="contact-form")]
        ),
        "record": lambda: keeper.record(
            about,
            data.rectify({"name": values["name"], "title": values["title"]}, source="employer"),
            connection.start(reference="c-1"),
            relevance(),
            consent.give("newsletter", evidence=evidence()),
            marketing.object_to(via="email"),
        ),
        "record_many": lambda: keeper.record_many(
            [(about, [data.collect({"message": values["message"]}, source="contact-form")])]
        ),
        "on": lambda: keeper.on(life.house.store).standing(about),
        "standing": lambda: keeper.standing(about),
        "ask": lambda: keeper.ask(
            about, marketing.may_contact(channel="email", purpose="direct-marketing")
        ),
        "connection_end": lambda: keeper.connection_end(about),
        "deadline": lambda: keeper.deadline(about, case),
        "handling": lambda: keeper.handling(about, case),
        "to_tell": lambda: keeper.to_tell(about),
        "fields": sealed,
        "find": lambda: keeper.find(email=values["email"]),
        "read": lambda: keeper.read(about),
        "line": lambda: keeper.line(about),
        "answer": lambda: keeper.answer(about, case),
        "merge": lambda: keeper.merge(about, other, verified=True),
        "unmerge": lambda: keeper.unmerge(about, other),
        "waking": lambda: list(keeper.waking(keeper.now() + timedelta(days=9999))),
        "people": lambda: list(keeper.people()),
        "audience": lambda: list(
            keeper.audience(marketing.may_contact(channel="email", purpose="direct-marketing"))
        ),
        "verify": lambda: keeper.verify(about),
        "reindex_person": lambda: keeper.reindex_person(about),
        "reindex": keeper.reindex,
        "plan": lambda: keeper.plan(about, retention.due()),
        "apply": applied,
        "receipt": erased,
        "replay_erasures": keeper.replay_erasures,
    }


def test_d44_every_method_of_the_keeper_is_called() -> None:
    """A method that is added to the keeper has to be added to this audit."""
    public = {name for name in vars(RecordKeeper) if not name.startswith("_")}
    assert set(calls(Life())) == public


def test_d44_what_the_keeper_gives_back_holds_nothing_in_clear() -> None:
    """Through a whole life every value that comes back is closed, and no log record shows one."""
    life = Life()
    with life.watch.canary.listening():
        for name, call in calls(life).items():
            before = life.watch.opened
            life.watch.value(name, call())
            opened = life.watch.opened - before
            assert bool(opened) == (name in {"fields", "read", "answer"}), name
    for number, record in enumerate(life.watch.canary._records):
        search = Search(life.watch.canary._marks)
        search.record(number, record)
        assert search.findings == ()


def test_d44_what_is_opened_is_declared_personal() -> None:
    """The methods whose types say Personal are those that open values, an answer's included."""
    opening = {
        name
        for name, method in inspect.getmembers(RecordKeeper, inspect.isfunction)
        if not name.startswith("_")
        and ("Personal" in str(hint := get_type_hints(method).get("return")) or hint is Bundle)
    }
    assert opening == {"read", "answer"}
    life = Life()
    read = life.keeper.read(life.about)
    assert read.keys() == life.watch.canary.values.keys()
    assert all(type(value) is Personal for value in read.values())
    assert {str(name): value.reveal() for name, value in read.items()} == life.values()
    bundle = life.keeper.answer(life.about, life.case)
    parts = [value for fields in bundle.values.values() for of in fields.values() for value in of]
    assert len(parts) == len(read) + 1  # and the text of the request
    assert all(type(value) is Personal for value in parts)


def failing(life: Life) -> dict[str, Callable[[], object]]:
    """Return calls that are refused while values are at hand."""
    keeper, about = life.keeper, life.about
    mail = life.watch.canary.values["email"]
    name = life.watch.canary.values["name"]
    future = keeper.now() + timedelta(days=400)
    return {
        "add: already known": lambda: keeper.add_person(KIND, life.values(), source="contact-form"),
        "add: no such source": lambda: keeper.add_person(KIND, life.values(), source="nowhere"),
        "add: no such field": lambda: keeper.add_person(
            KIND, {"emial": mail}, source="contact-form"
        ),
        "add: no address": lambda: keeper.add_person(KIND, {"email": name}, source="contact-form"),
        "add: no number": lambda: keeper.add_person(KIND, {"phone": mail}, source="contact-form"),
        "add: no text": lambda: keeper.add_person(KIND, {"email": [mail]}, source="contact-form"),
        "add: not sealable": lambda: keeper.add_person(
            KIND, {"name": {1: name}}, source="contact-form"
        ),
        "add: lone surrogate": lambda: keeper.add_person(
            KIND, {"name": name + "\ud800"}, source="contact-form"
        ),
        "add: in the future": lambda: keeper.add_person(
            KIND, {"name": name}, source="contact-form", at=future
        ),
        "add many: twice": lambda: keeper.add_people(
            [NewPerson(kind=KIND, fields=life.values(), source="contact-form")] * 2
        ),
        "find: no address": lambda: keeper.find(email=name),
        "find: no look-up": lambda: keeper.find(name=name),
        "find: closed": lambda: keeper.find(email=Personal(name)),
        "record: no address": lambda: keeper.record(
            about, data.collect({"email": name}, source="agreement")
        ),
        "record: not sealable": lambda: keeper.record(
            about, data.collect({"name": (name,)}, source="agreement")
        ),
        "record: too large": lambda: keeper.record(
            about, data.collect({"message": name * 99999}, source="agreement")
        ),
        "record: in the future": lambda: keeper.record(
            about, data.rectify({"name": name}, source="employer", at=future)
        ),
        "read: no such field": lambda: keeper.read(about, "emial"),
    }


@pytest.mark.parametrize("name", list(failing(Life())))
def test_d44_errors_of_the_keeper_and_their_frames_hold_no_value(name: str) -> None:
    """Text, fields, causes, pickle and the variables of our frames show nothing that was given."""
    life = Life()
    with life.watch.canary.listening(), pytest.raises(GdprkitError) as raised:
        failing(life)[name]()
    life.watch.error(name, raised.value)


def test_d44_a_value_in_the_place_of_a_name_is_not_repeated() -> None:
    """Who mixes up field and value reads an error without the value."""
    life = Life()
    mail = life.watch.canary.values["email"]
    for wrong in (
        lambda: life.keeper.add_person(KIND, {mail: "email"}, source="contact-form"),
        lambda: life.keeper.find(**{mail: "email"}),
        lambda: life.keeper.read(life.about, mail),
        lambda: life.keeper.read(mail),  # type: ignore[arg-type]
        lambda: data.collect({mail: "email"}, source="contact-form"),
    ):
        with pytest.raises(GdprkitError) as raised:
            wrong()
        life.watch.text("an error", f"{raised.value} {raised.value!r} {vars(raised.value)}")


@pytest.mark.parametrize("call", ["read", "answer", "verify"])
def test_d44_a_damaged_value_shows_none_of_the_others(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened before the damage was met is in no frame that the error carries."""
    life = Life()
    if call == "answer":  # from now on invoices are in the archive, opened just before requests
        plan = life.keeper.plan(life.about, retention.erasure(reason="objected", reference="r-1"))
        life.keeper.apply(plan, approve=plan.digest)
        text = life.watch.canary.values["message"]
        again = requests.receive(right="access", channel="email", text=text)
        life.keeper.record(life.about, again)
    held = life.keeper.standing(life.about).data.values
    slots = [value.slot for value in sorted(held, key=lambda value: value.filing == "requests")]
    whole = life.house.store.values(life.about, slots)
    last = {**whole, slots[-1]: whole[slots[0]]}  # the text of the request
    if call == "verify":
        monkeypatch.setattr(life.house.store, "values", lambda *_: last)
    else:
        monkeypatch.setattr("gdprkit.keeper.sealed.check_envelopes", lambda *_: last)
    if call == "read":
        last[slots[0]], last[slots[1]] = last[slots[1]], last[slots[0]]
    deeds: dict[str, Callable[[], object]] = {
        "read": lambda: life.keeper.read(life.about),
        "answer": lambda: life.keeper.answer(life.about, life.case),
        "verify": lambda: life.keeper.verify(life.about),
    }
    with pytest.raises(GdprkitError) as raised:
        deeds[call]()
    assert raised.value.code == ("chain-broken" if call == "verify" else "authentication-failed")
    life.watch.error(call, raised.value)


def test_d44_an_answer_that_cannot_be_written_shows_nothing(tmp_path: Path) -> None:
    """A full disk or a folder in the way raises an error whose frames do not hold the answer."""
    life = Life()
    bundle = life.keeper.answer(life.about, life.case)
    (tmp_path / "answer.md").mkdir()
    with pytest.raises(OSError, match="answer") as raised:
        bundle.write(tmp_path)
    assert raised.value.__context__ is None
    for frame, _ in traceback.walk_tb(raised.value.__traceback__):
        if "tests" not in frame.f_code.co_filename:
            life.watch.text(frame.f_code.co_name, "".join(map(saferepr, frame.f_locals.values())))


def test_d44_what_holds_keys_or_values_does_not_travel() -> None:
    """A keeper holds keys, a bundle and a new person values: none is pickled or copied deep."""
    life = Life()
    bundle = life.keeper.answer(life.about, life.case)
    new = NewPerson(kind=KIND, fields=life.values(), source="contact-form")
    act = data.collect(life.values(), source="contact-form")
    for thing in (bundle, new, act, life.keeper.read(life.about), life.keeper._bench.keys):
        for move in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="neither pickled nor copied") as refused:
                move(thing)
            life.watch.text(type(thing).__name__, str(refused.value))
    for move in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            move(life.keeper)
    for whole in (bundle, new, act):
        life.watch.value("asdict", attrs.asdict(whole))
        life.watch.value("astuple", attrs.astuple(whole))
    life.watch.text("opened", repr(Opened(life.watch.canary.values["name"])))
