"""A Personal shows its value through ``reveal()`` and through nothing else (crypto D.44)."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import io
import json
import logging
import os
import pickle
import pprint
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter, Template
from typing import Any

import attrs
import cattrs
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from gdprkit import Personal
from gdprkit.words.personal import reveal

MARK = "Zq7Marker"
NUMBER = int.from_bytes(MARK.encode(), "big")

#: A value of each type that can be sealed, made anew so that no frame here holds it.
VALUES: dict[str, Callable[[], Any]] = {
    "str": lambda: f"{MARK}@example.com",
    "bytes": MARK.encode,
    "int": lambda: NUMBER,
    "Decimal": lambda: Decimal(NUMBER),
    "datetime": lambda: datetime(1987, 11, 23, 4, 5, 6, 789, tzinfo=UTC),
    "list": lambda: [MARK],
    "dict": lambda: {MARK: MARK},
}
TRACES = (MARK, MARK.encode().hex(), str(NUMBER), "1987", repr(MARK.encode())[2:-1])


def clean(text: object) -> None:
    """Fail when a value shows in *text*, without repeating it."""
    assert not any(trace.lower() in str(text).lower() for trace in TRACES), "a value shows"


@attrs.frozen
class Row:
    name: str
    mail: Personal[Any]


@dataclasses.dataclass
class Card:
    name: str
    mail: Personal[Any]


every_type = pytest.mark.parametrize("make", list(VALUES.values()), ids=list(VALUES))


@every_type
def test_d44_every_way_to_text_is_redacted(make: Callable[[], Any]) -> None:
    """repr, str, format with any spec, % and templates give the same words for every value."""
    p = Personal(make())
    assert (repr(p), str(p), ascii(p)) == ("Personal(***)", "***", "Personal(***)")
    assert [f"{p}", f"{p!r}", f"{p!s}", f"{p:>40}", f"{p:d}", f"{p:%Y}", format(p, "x")] == [
        "***",
        "Personal(***)",
        "***",
        "***",
        "***",
        "***",
        "***",
    ]
    assert "%s %r %a %20s" % (p, p, p, p) == f"*** Personal(***) Personal(***) {'***':>20}"  # noqa: UP031
    assert Template("$p").substitute(p=p) == "***"
    assert Formatter().format("{0} {0!r}", p) == "*** Personal(***)"
    for shown in (
        [p],
        {"mail": p},
        (p,),
        Row("x", p),
        Card("x", p),
        attrs.asdict(Row("x", p)),
        attrs.astuple(Row("x", p)),
        pprint.pformat({"mail": [p]}),
        pretty_repr({"mail": [Row("x", p), Card("x", p)]}),
    ):
        assert "***" in str(shown)
        clean(shown)
        clean(repr(shown))


@every_type
def test_d44_nothing_walks_in(make: Callable[[], Any]) -> None:
    """No ``vars``, no ``__dict__``, no member, no item, no length, no state holds the value."""
    p: Any = Personal(make())
    for attempt in (
        lambda: vars(p),
        lambda: p.__dict__,
        lambda: list(p),
        lambda: len(p),
        lambda: p[0],
        lambda: p["x"],
        lambda: "x" in p,
        lambda: bytes(p),
        lambda: int(p),
        lambda: float(p),
        lambda: p + p,
        lambda: "x" + p,
        lambda: p < p,
        p,
        lambda: p.value,
        lambda: p._value,
        lambda: p._Personal__value,
        lambda: "%d" % p,  # noqa: UP031
        lambda: "".join(p),
        lambda: dict(p),
        lambda: {**p},
        lambda: os.fspath(p),
        p.__getstate__,
    ):
        with pytest.raises((TypeError, AttributeError)) as refused:
            attempt()
        clean(refused.value)
    for name, member in inspect.getmembers(p):
        clean(name)
        clean(repr(member))
        assert member != p.reveal()
    assert {name for name in dir(p) if not name.startswith("_")} == {"reveal"}


@every_type
def test_d44_it_does_not_travel(make: Callable[[], Any]) -> None:
    """Pickle, copy, deep copy and JSON are refused, alone and inside of something, and say so."""
    p = Personal(make())
    moves: list[Callable[[Any], object]] = [copy.copy, copy.deepcopy]
    moves += [lambda thing, n=n: pickle.dumps(thing, n) for n in range(6)]  # type: ignore[misc]
    for move in moves:
        with pytest.raises(TypeError, match="neither pickled nor copied") as refused:
            move(p)
        clean(refused.value)
    for whole in ([p], {"mail": p}, Row("x", p), Card("x", p)):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            pickle.dumps(whole)
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            copy.deepcopy(whole)
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        dataclasses.asdict(Card("x", p))
    for body in (p, [p], {"mail": p}):
        with pytest.raises(TypeError, match="Personal is not JSON serializable") as refused:
            json.dumps(body)
        clean(refused.value)
        clean(getattr(refused.value, "__notes__", ""))
    assert json.dumps({"mail": p}, default=str) == '{"mail": "***"}'
    with pytest.raises(TypeError):
        json.dumps({"mail": p}, default=vars)
    with pytest.raises(TypeError):
        json.dumps({p: 1})
    assert attrs.evolve(Row("x", p), name="y").mail is p
    assert cattrs.unstructure(Row("x", p))["mail"] is p


@every_type
def test_d44_comparisons_show_nothing(make: Callable[[], Any]) -> None:
    """Equal values are equal, the plain value differs, and a failed assertion is silent."""
    p, same, other = Personal(make()), Personal(make()), Personal("somebody else")
    assert p == same
    assert p != other
    assert p != make()
    wrong: list[tuple[object, object]] = [(p, other), ([p], [other]), ({"a": p}, {"a": other})]
    wrong += [(Row("x", p), Row("x", other)), (Card("x", p), Card("x", other))]
    for left, right in wrong:
        with pytest.raises(AssertionError) as failed:
            assert left == right
        clean(failed.value)
    with pytest.raises(AssertionError) as failed:
        assert p in [other, Personal(None)]
    clean(failed.value)


def test_d44_an_unhashable_value_is_refused_in_silence() -> None:
    """Equal values have one hash, and the error of a value without any is clean."""
    assert hash(Personal(MARK)) == hash(Personal("".join(MARK)))
    with pytest.raises(TypeError, match="unhashable type: 'list'") as refused:
        hash(Personal([MARK]))
    clean("".join(traceback.TracebackException.from_exception(refused.value).format()))


def fail(mail: Personal[Any]) -> None:
    kept = {"mail": mail, "row": Row("x", mail)}
    try:
        raise KeyError(mail, kept)  # noqa: TRY301 -- what is handled while another is raised
    except KeyError as error:
        error.add_note(f"while asking for {mail}")
        raise LookupError(mail) from error


@every_type
def test_d44_an_error_raised_beside_it_is_clean(make: Callable[[], Any]) -> None:
    """Tracebacks with the variables of every frame, plain, by rich or logged, hold none."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    handler.setFormatter(logging.Formatter("%(message)s %(mail)s"))
    logger = logging.Logger("aside", logging.DEBUG)  # noqa: LOG001 -- nobody else hears it
    logger.addHandler(handler)
    p = Personal(make())
    try:
        fail(p)
    except LookupError as error:
        for frames in (True, False):
            told = traceback.TracebackException.from_exception(error, capture_locals=frames)
            clean("".join(told.format()))
        screen = io.StringIO()
        console = Console(file=screen, width=200)
        console.print(Traceback.from_exception(type(error), error, None, show_locals=True))
        console.print(
            Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        )
        assert "***" in screen.getvalue()
        clean(screen.getvalue())
        logger.exception("%s %r %10s", p, p, p, extra={"mail": p})
        logger.debug({"mail": p}, extra={"mail": [p]})
        logger.debug("%(who)s", {"who": p}, extra={"mail": p}, stack_info=True)
    assert heard.getvalue().count("***") >= 6
    clean(heard.getvalue())


def test_d44_only_reveal_opens() -> None:
    """``reveal()`` and the function of that name give the very value back."""
    value: Any = [MARK]
    assert Personal(value).reveal() is value
    assert reveal(Personal(value)) is value
    assert reveal(value) is value
