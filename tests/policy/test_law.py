"""The law by the day: profiles, books, and what a controller may change in them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import case

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.policy.law import (
    EU_2026,
    EUROPEAN_UNION,
    FI_2026,
    FINLAND,
    SOURCES,
    LawBook,
    LawProfile,
    with_settings,
)

LAWS = sorted(name for name, source in SOURCES.items() if source.is_law)
SETTINGS = sorted(name for name, source in SOURCES.items() if not source.is_law)


def test_every_value_has_a_source_and_every_source_a_value() -> None:
    """No number of a profile is a hidden constant."""
    told = {f.name for f in attrs.fields(LawProfile)} - {"id", "valid_from", "valid_to"}
    assert set(SOURCES) == told


@pytest.mark.parametrize(
    ("day", "age", "name"),
    [
        (date(2017, 1, 1), 16, "FI-2026-11/until-2018-12-31"),
        (date(2018, 5, 25), 16, "FI-2026-11/until-2018-12-31"),
        (date(2018, 12, 31), 16, "FI-2026-11/until-2018-12-31"),
        (date(2019, 1, 1), 13, "FI-2026-11"),
        (date(2099, 1, 1), 13, "FI-2026-11"),
    ],
)
def test_a_day_has_the_profile_in_force_on_it(day: date, age: int, name: str) -> None:
    """The Finnish age of 13 counts from the day of its act; before, the Union's 16 did."""
    found = FINLAND.on(day)
    assert (found.information_service_age, found.id) == (age, name)


def test_the_union_alone_knows_no_law_of_a_member_state() -> None:
    """What only a member state decides is not guessed for all of them."""
    assert EUROPEAN_UNION.on(date(2026, 1, 1)) is EU_2026
    assert EU_2026.information_service_age == 16
    national = ("voucher_years", "ledger_years", "vat_real_estate_years", "damages_years")
    assert [getattr(EU_2026, name) for name in national] == [None] * 4
    assert [getattr(FI_2026, name) for name in national] == [6, 10, 13, 10]


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("value", [0, 1000, True, "13", -1])
def test_law_is_never_relaxed(name: str, value: object) -> None:
    """No value that is laxer than the law, or of another kind, gets through."""
    if (name, value) == ("extension_months", 0):
        return  # no extension at all is stricter
    with pytest.raises(InvalidValue, match="is set by law"):
        with_settings(FI_2026, {name: value})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("name", "stricter", "laxer"),
    [
        ("extension_months", (0, 1), (3, 24)),
        ("breach_hours", (1, 24, 71), (0, 73, 96)),
        ("information_service_age", (14, 16), (12, 17)),
    ],
)
def test_law_may_be_made_stricter(
    name: str, stricter: tuple[int, ...], laxer: tuple[int, ...]
) -> None:
    """A shorter extension, fewer hours, a higher age up to 16; nothing on the other side."""
    for value in stricter:
        found = with_settings(FI_2026, {name: value})
        assert getattr(found, name) == value
        assert found.id == f"FI-2026-11+{name}={value}"
    for value in laxer:
        with pytest.raises(InvalidValue, match="it may be made stricter only"):
            with_settings(FI_2026, {name: value})


def test_saying_what_the_law_says_changes_nothing() -> None:
    """A setting equal to the law is no change, and the profile keeps its name."""
    assert with_settings(FI_2026, {"answer_months": 1, "breach_hours": 72}) is FI_2026


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_changed_and_named(name: str) -> None:
    """Each setting of the project takes another value; the decision's profile then says so."""
    known = getattr(FI_2026, name)
    value: bool | int | str = (not known) if isinstance(known, bool) else 5
    if name == "extension_method":
        value = "chained_min"
    found = with_settings(FI_2026, {name: value})
    assert getattr(found, name) == value
    assert found.id == f"FI-2026-11+{name}={value}"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("review_days", 0, "is out of range"),
        ("review_days", 1201, "is out of range"),
        ("review_days", True, "has another type"),
        ("review_days", "30", "has another type"),
        ("strict_notice", 1, "has another type"),
        ("register_cap_months", 37, "use 1 to 36 (R-406)"),
        ("register_months", 37, "use 1 to 36"),
        ("soft_opt_in_months", 37, "use 1 to 36"),
        ("consent_proof_months", 121, "use 1 to 120"),
        ("call_weekday_from", 24, "use 1 to 23"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(name: str, value: object, problem: str) -> None:
    """A setting has a type, a lowest and a highest value."""
    with pytest.raises(InvalidValue) as caught:
        with_settings(FI_2026, {name: value})  # type: ignore[dict-item]
    assert problem in str(caught.value)


def test_the_bounds_of_a_setting_are_inside() -> None:
    """1 and the highest value themselves are settings."""
    for name, value in (("review_days", 1), ("review_days", 1200), ("register_months", 36)):
        assert getattr(with_settings(FI_2026, {name: value}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "breach_hours",
            73,
            "breach_hours is set by law; see GDPR Art. 33(1); it may be made stricter only",
        ),
        (
            "ledger_years",
            9,
            "ledger_years is set by law; see Accounting Act s. 2:10; it is not a setting",
        ),
        (
            "review_days",
            "30",
            "review_days has another type; use a whole number, or true or false",
        ),
        ("review_days", 0, "review_days is out of range; use 1 to 1200 (R-402)"),
        ("register_months", 37, "register_months is out of range; use 1 to 36 (R-406)"),
    ],
)
def test_a_refused_setting_is_told_with_its_cure(name: str, value: object, words: str) -> None:
    """The setting, what is wrong with it, where the law says so, and what may be done."""
    with pytest.raises(InvalidValue) as caught:
        with_settings(FI_2026, {name: value})  # type: ignore[dict-item]
    assert str(caught.value) == words


def test_an_unknown_setting_is_answered_with_the_close_one() -> None:
    """A typing mistake is told."""
    with pytest.raises(UnknownName) as caught:
        with_settings(FI_2026, {"review_day": 3})
    assert str(caught.value) == "the register declares no such setting; did you mean 'review_days'?"


def test_several_settings_are_named_in_order() -> None:
    """The name of a profile does not hang on the order in which its settings were written."""
    settings: dict[str, bool | int | str] = {
        "review_days": 20,
        "breach_hours": 48,
        "notify_days": 7,
    }
    found = with_settings(FI_2026, settings)
    assert found.id == "FI-2026-11+breach_hours=48,review_days=20"


class TestBook:
    """Profiles in a row."""

    def test_none_is_no_law(self) -> None:
        """A book has at least one profile."""
        with pytest.raises(InvalidValue, match="are none"):
            LawBook(())

    @pytest.mark.parametrize(
        ("ends", "begins"),
        [
            (None, date(2020, 1, 1)),
            (date(2020, 1, 1), date(2020, 1, 1)),
            (date(2020, 1, 1), date(2020, 1, 3)),
            (date(2020, 1, 1), date(2019, 1, 1)),
        ],
    )
    def test_no_day_is_in_two_profiles_or_in_none(self, ends: date | None, begins: date) -> None:
        """Each profile begins on the day after the one before it ends."""
        first = LawProfile(id="a", valid_from=date(2019, 1, 1), valid_to=ends)
        with pytest.raises(InvalidValue, match="overlap or leave a day out"):
            LawBook((first, LawProfile(id="b", valid_from=begins)))

    @given(day=st.dates(date(2018, 5, 25), date(2030, 1, 1)))
    def test_each_day_lies_in_the_profile_it_gets(self, day: date) -> None:
        """The profile of a day is in force on that day."""
        found = FINLAND.on(day)
        assert found.valid_from <= day
        assert found.valid_to is None or day <= found.valid_to

    def test_after_the_last_the_nearest_law_stands(self) -> None:
        """A book that ends still answers: nothing is decided without a law."""
        ended = attrs.evolve(FI_2026, valid_to=date(2026, 12, 31))
        assert LawBook((ended,)).on(date(2027, 1, 1)) is ended

    def test_settings_go_through_all_profiles(self) -> None:
        """A setting counts in every profile; what is stricter than the newest law only where it
        is stricter than the older one too."""
        book = FINLAND.with_settings({"review_days": 20, "information_service_age": 15})
        assert [p.review_days for p in book.profiles] == [20, 20]
        assert [p.information_service_age for p in book.profiles] == [16, 15]

    def test_settings_of_a_book_with_one_law(self) -> None:
        """Where one law stands alone it is the newest."""
        (only,) = EUROPEAN_UNION.with_settings({"review_days": 20}).profiles
        assert (only.id, only.review_days) == ("EU-2026-11+review_days=20", 20)
        with pytest.raises(UnknownName):
            EUROPEAN_UNION.with_settings({"review_day": 20})

    def test_what_relaxes_the_newest_law_is_refused(self) -> None:
        """The newest law decides what is stricter."""
        with pytest.raises(InvalidValue, match="is set by law"):
            FINLAND.with_settings({"information_service_age": 12})


def test_an_answer_holds_no_longer_than_its_law() -> None:
    """A decision under a profile that ends holds until the end of its last day."""
    ending = attrs.evolve(FI_2026, valid_to=date(2026, 12, 31))
    found = attrs.evolve(case(), law=ending).decision("may_process", ())
    assert found.valid_until == datetime(2026, 12, 31, 22, tzinfo=UTC)  # midnight in Helsinki
    assert found.law == "FI-2026-11"
    assert case().decision("may_process", ()).valid_until is None


def test_a_setting_of_words_takes_its_words_only() -> None:
    """How an extended end is counted is one of two words, and the refusal names both (R-558)."""
    with pytest.raises(InvalidValue) as caught:
        with_settings(FI_2026, {"extension_method": "chained"})
    told = str(caught.value)
    assert told.startswith("extension_method is no word of its list; ")
    assert "from-receipt" in told
    assert "chained_min" in told
