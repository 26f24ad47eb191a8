from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest

from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.policy.breach import breach_clock, processor_tells_by
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import (
    ExtensionProblem,
    Judged,
    Moved,
    NotPaused,
    NotPausedBecause,
    Open,
    Paused,
    Question,
)
from gdprkit.policy.deadline_words import sentence
from gdprkit.policy.deadlines import (
    ClockState,
    Deadline,
    HouseDays,
    deadline,
    explain_deadline,
    is_overdue,
    is_refusal_late,
    post_by,
)
from gdprkit.policy.law import FI_2026, SOURCES, ExtensionMethod, with_settings
from gdprkit.testing.vectors import breach_failures, deadline_failures, load_vectors
from gdprkit.words.holidays import FINLAND, FINLAND_WITH_EVES, NO_HOLIDAYS

HELSINKI = ZoneInfo("Europe/Helsinki")
REQUESTS, BREACHES = load_vectors(Path(__file__).parent.parent / "vectors" / "deadlines.json")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
IDENTITY, CLARIFICATION = Question.IDENTITY, Question.CLARIFICATION


def at(text: str) -> datetime:
    """Read a moment of Helsinki's civil time; a day alone means its noon."""
    moment = datetime.fromisoformat(text if "T" in text else f"{text}T12:00")
    return moment.replace(tzinfo=HELSINKI)


def of(received: str, *events: ClockEvent) -> Deadline:
    return deadline(at(received), zone=HELSINKI, holidays=FINLAND, events=events)


def asked(on: str, question: Question = IDENTITY, *, prompt: bool = True) -> Asked:
    return Asked(question=question, at=at(on), prompt=prompt, grounded=True)


def answered(on: str, question: Question = IDENTITY) -> Answered:
    return Answered(question=question, at=at(on))


def extended(on: str, *, months: int = 2, promised: date | None = None) -> Extended:
    return Extended(at=at(on), months=months, reasons=True, promised=promised)


class TestVectors:
    @pytest.mark.parametrize("vector", REQUESTS, ids=[vector["id"] for vector in REQUESTS])
    def test_request(self, vector: dict[str, object]) -> None:
        """Every field of every request vector comes out as a lawyer's file expects."""
        assert deadline_failures(vector) == ()

    @pytest.mark.parametrize("vector", BREACHES, ids=[vector["id"] for vector in BREACHES])
    def test_breach(self, vector: dict[str, object]) -> None:
        """Both limits of every breach vector come out, in UTC and on the local clock."""
        assert breach_failures(vector) == ()

    def test_none_is_missing(self) -> None:
        """The file in the tree holds all the vectors it was shared with."""
        assert (len(REQUESTS), len(BREACHES)) == (83, 10)


class TestArticle12:
    def test_chained_from_the_end_of_january(self) -> None:
        """31 January: 30 April counted from receipt, 28 April counted on from the first end."""
        received, told = at("2025-01-31"), extended("2025-02-10")
        plain, chained = (
            deadline(received, zone=HELSINKI, holidays=FINLAND, events=[told], method=method)
            for method in (ExtensionMethod.FROM_RECEIPT, ExtensionMethod("chained_min"))
        )
        assert plain.effective_due == date(2025, 4, 30)
        assert chained.effective_due == date(2025, 4, 28)
        assert "two months from 28 February 2025 ends on 28 April 2025" in explain_deadline(chained)

    def test_same_engine_for_other_limits(self) -> None:
        """Two and four months are counted by the same rules when a law asks for them."""
        found = deadline(
            at("2026-01-31"), zone=HELSINKI, holidays=NO_HOLIDAYS, months=2, extended_months=4
        )
        assert (found.due, found.extended_due) == (date(2026, 3, 31), date(2026, 6, 1))

    def test_no_extension_at_all(self) -> None:
        """A controller that allows itself no extension can tell none that is valid."""
        found = deadline(
            at("2026-02-02"),
            zone=HELSINKI,
            holidays=FINLAND,
            events=[extended("2026-02-10", months=1)],
            extended_months=1,
        )
        assert found.extension_problem is ExtensionProblem.WRONG_LENGTH
        assert found.effective_due == date(2026, 3, 2)

    @pytest.mark.parametrize(("months", "longest"), [(0, 3), (3, 2), (-1, 2)])
    def test_months_must_grow(self, months: int, longest: int) -> None:
        """A limit of no months, or one that an extension makes shorter, is refused."""
        with pytest.raises(InvalidValue, match="months do not grow"):
            deadline(
                at("2026-01-31"),
                zone=HELSINKI,
                holidays=FINLAND,
                months=months,
                extended_months=longest,
            )

    def test_eves_are_free_only_when_chosen(self) -> None:
        """24 December is a working day by default and free where the national style is chosen."""
        received = at("2026-11-24")
        assert deadline(received, zone=HELSINKI, holidays=FINLAND).due == date(2026, 12, 24)
        assert deadline(received, zone=HELSINKI, holidays=FINLAND_WITH_EVES).due == date(
            2026, 12, 28
        )


class TestMoments:
    def test_naive_receipt(self) -> None:
        """A receipt without a time zone is refused, naming the field."""
        naive = datetime(2026, 1, 14, 12)  # noqa: DTZ001
        with pytest.raises(NaiveMoment, match="received has no time zone"):
            deadline(naive, zone=HELSINKI, holidays=FINLAND)
        with pytest.raises(NaiveMoment, match="aware_at has no time zone"):
            breach_clock(naive)

    def test_naive_event(self) -> None:
        """No event can be made with a naive moment."""
        naive = datetime(2026, 1, 14, 12)  # noqa: DTZ001
        for make in (
            lambda: Asked(question=IDENTITY, at=naive, prompt=True, grounded=True),
            lambda: Answered(question=IDENTITY, at=naive),
            lambda: Extended(at=naive, months=2, reasons=True),
        ):
            with pytest.raises(NaiveMoment, match="at has no time zone"):
                make()

    def test_the_zone_of_the_controller_decides(self) -> None:
        """22:30 UTC on 14 January is 15 January in Helsinki, wherever the sender is."""
        received = datetime(2026, 1, 14, 22, 30, tzinfo=UTC)
        assert deadline(received, zone=HELSINKI, holidays=FINLAND).receipt_date == date(2026, 1, 15)

    @pytest.mark.parametrize(
        ("received", "end"),
        [
            ("2026-02-27", "2026-03-27T22:00:00+00:00"),  # Friday before the clocks go forward
            ("2026-03-02", "2026-04-02T21:00:00+00:00"),  # summer time by then
            ("2026-10-01", "2026-11-02T22:00:00+00:00"),  # winter time by then, moved from Sunday
        ],
    )
    def test_ends_with_real_zone_rules(self, received: str, end: str) -> None:
        """The closing midnight is Helsinki's on that day, not a fixed offset (R-557)."""
        found = of(received)
        assert found.effective_end == datetime.fromisoformat(end)
        assert found.effective_end is not None
        assert not is_overdue(found, found.effective_end - SECOND)
        assert is_overdue(found, found.effective_end)

    def test_never_overdue_while_suspended(self) -> None:
        """While a question is open nothing is overdue; the safe end stands beside it."""
        found = of("2026-02-02", asked("2026-02-03"))
        assert found.state is ClockState.SUSPENDED
        assert not is_overdue(found, found.safe_end + 400 * DAY)

    def test_breach_runs_through_clock_changes(self) -> None:
        """72 hours are elapsed hours: over the spring change the local clock shows one more."""
        found = breach_clock(at("2026-03-27T12:17"))
        assert found.strict.astimezone(HELSINKI) == at("2026-03-30T13:17")
        assert found.outer.astimezone(HELSINKI) == at("2026-03-30T14:00")

    def test_breach_limit_of_another_profile(self) -> None:
        """The number of hours is the profile's: a proposal would make it 96."""
        aware = datetime(2026, 3, 9, 12, 17, tzinfo=UTC)
        proposed = attrs.evolve(FI_2026, breach_hours=96)
        assert breach_clock(aware, law=proposed).strict - aware == timedelta(hours=96)
        stricter = with_settings(FI_2026, {"breach_hours": 48})
        assert breach_clock(aware, law=stricter).outer == datetime(2026, 3, 11, 13, tzinfo=UTC)

    def test_a_processor_has_its_own_hours(self) -> None:
        """A processor tells within 24 hours unless the controller set another number (R-570)."""
        aware = at("2026-03-28T12:17")
        assert processor_tells_by(aware).astimezone(HELSINKI) == at("2026-03-29T13:17")
        own = with_settings(FI_2026, {"processor_tells_hours": 12})
        assert processor_tells_by(aware, law=own) - aware == timedelta(hours=12)


def reasons(found: Deadline) -> list[NotPausedBecause]:
    return [step.because for step in found.steps if isinstance(step, NotPaused)]


class TestSuspension:
    def test_asked_after_expiry(self) -> None:
        """A question asked once the month has ended suspends nothing."""
        found = of("2026-02-02", asked("2026-03-03"), answered("2026-03-09"))
        assert (found.suspended_days, found.due) == (0, date(2026, 3, 2))
        assert reasons(found) == [NotPausedBecause.AFTER_EXPIRY]

    def test_asked_on_the_last_day(self) -> None:
        """On its last day the month still runs, so the question counts."""
        found = of("2026-02-02", asked("2026-03-02T23:59"), answered("2026-03-04"))
        assert (found.suspended_days, found.due) == (2, date(2026, 3, 4))

    def test_asked_after_expiry_but_within_an_earlier_suspension(self) -> None:
        """Days already suspended put off the expiry that a later question is measured by."""
        found = of(
            "2026-02-02",
            asked("2026-02-03"),
            answered("2026-02-10"),
            asked("2026-03-09", CLARIFICATION),
            answered("2026-03-11", CLARIFICATION),
        )
        assert (found.suspended_days, found.due) == (9, date(2026, 3, 11))

    def test_asked_while_another_question_is_open(self) -> None:
        """While one question is open nothing expires, so a late second one still counts."""
        found = of(
            "2026-02-02",
            asked("2026-02-03"),
            asked("2026-04-01", CLARIFICATION),
            answered("2026-04-02"),
            answered("2026-04-07", CLARIFICATION),
        )
        assert (found.suspended_days, found.due) == (63, date(2026, 5, 4))

    def test_asked_twice(self) -> None:
        """Asking the same again while it is open neither restarts nor lengthens the pause."""
        found = of("2026-02-02", asked("2026-02-03"), asked("2026-02-05"), answered("2026-02-10"))
        assert found.suspended_days == 7
        assert reasons(found) == [NotPausedBecause.ASKED_BEFORE]

    def test_one_of_two_questions_open(self) -> None:
        """The clock stands until the last open question is answered; both are named."""
        first = (asked("2026-02-03"), asked("2026-02-04", CLARIFICATION))
        found = of("2026-02-02", *first)
        assert [step.questions for step in found.steps if isinstance(step, Open)] == [
            (IDENTITY, CLARIFICATION)
        ]
        found = of("2026-02-02", *first, answered("2026-02-05"))
        assert (found.state, found.suspended_days) == (ClockState.SUSPENDED, None)
        (left,) = (step for step in found.steps if isinstance(step, Open))
        assert (left.questions, left.since) == ((CLARIFICATION,), date(2026, 2, 3))

    def test_days_before_receipt_do_not_count(self) -> None:
        """A pause cannot begin before the request: its days count from receipt."""
        found = of("2026-02-02", asked("2026-01-30"), answered("2026-02-04"))
        assert [step for step in found.steps if isinstance(step, Paused)] == [
            Paused(start=date(2026, 2, 2), end=date(2026, 2, 4))
        ]
        assert of("2026-02-02", asked("2026-01-28"), answered("2026-01-30")).suspended_days == 0

    def test_asking_and_answering_at_once(self) -> None:
        """On one instant the clock runs on: the side of the person wins."""
        found = of("2026-02-02", answered("2026-02-03"), asked("2026-02-03"))
        assert (found.state, found.suspended_days) == (ClockState.RUNNING, 0)

    def test_stray_answer(self) -> None:
        """An answer nobody asked for changes nothing."""
        assert of("2026-02-02", answered("2026-02-03")) == of("2026-02-02")


def problems(found: Deadline) -> list[ExtensionProblem | None]:
    return [step.problem for step in found.steps if isinstance(step, Judged)]


class TestExtension:
    @pytest.mark.parametrize(
        ("event", "problem"),
        [
            (extended("2026-03-02T23:59:59"), None),
            (extended("2026-03-03T00:00"), ExtensionProblem.LATE),
            (extended("2026-02-01"), ExtensionProblem.BEFORE_RECEIPT),
            (extended("2026-02-10", months=3), ExtensionProblem.WRONG_LENGTH),
            (extended("2026-02-10", months=0), ExtensionProblem.WRONG_LENGTH),
            (Extended(at=at("2026-02-10"), months=2, reasons=False), ExtensionProblem.NO_REASONS),
        ],
    )
    def test_validity(self, event: Extended, problem: ExtensionProblem | None) -> None:
        """Valid when told in time, with reasons and of the right length; else one month stands."""
        found = of("2026-02-02", event)
        assert found.extension_problem is problem
        assert found.extension_valid is (problem is None)
        assert found.effective_due == (date(2026, 3, 2) if problem else date(2026, 5, 4))

    def test_only_the_first_telling_decides(self) -> None:
        """A second telling neither adds to a valid one nor mends an invalid one."""
        twice = of("2026-02-02", extended("2026-02-10"), extended("2026-04-20"))
        assert problems(twice) == [None, ExtensionProblem.SECOND]
        assert (twice.extension_valid, twice.effective_due) == (True, date(2026, 5, 4))
        bare = Extended(at=at("2026-02-10"), months=2, reasons=False)
        mended = of("2026-02-02", bare, extended("2026-02-12"))
        assert problems(mended) == [ExtensionProblem.NO_REASONS, ExtensionProblem.SECOND]
        assert mended.effective_due == date(2026, 3, 2)

    def test_told_while_suspended(self) -> None:
        """Told while a question is open it is valid, and shows once the clock runs (R-559)."""
        events = (asked("2026-02-03"), extended("2026-03-20"))
        waiting = of("2026-02-02", *events)
        assert (waiting.extension_valid, waiting.effective_due) == (True, None)
        (step,) = (step for step in waiting.steps if isinstance(step, Judged))
        assert (step.in_force, step.after_safe) == (None, True)
        assert "it was told after the safe date" in explain_deadline(waiting)
        ended = of("2026-02-02", *events, answered("2026-04-01"))
        assert ended.effective_due == ended.extended_due == date(2026, 6, 29)

    def test_told_after_the_answer_measures_by_the_moved_date(self) -> None:
        """Suspended days put off the last day for telling, and no further."""
        pause = (asked("2026-02-03"), answered("2026-02-10"))
        assert of("2026-02-02", *pause, extended("2026-03-09")).extension_valid is True
        assert of("2026-02-02", *pause, extended("2026-03-10")).extension_valid is False

    @pytest.mark.parametrize(
        ("event", "promised"),
        [
            (extended("2026-02-10"), None),
            (extended("2026-02-10", months=1), date(2026, 4, 2)),
            (extended("2026-02-10", promised=date(2026, 4, 15)), date(2026, 4, 15)),
            (extended("2026-02-10", promised=date(2026, 6, 15)), None),
            (extended("2026-03-10", months=1), None),
        ],
    )
    def test_promise(self, event: Extended, promised: date | None) -> None:
        """An earlier promise is the day to work towards; the legal end stays (R-559)."""
        found = of("2026-02-02", event)
        assert found.promised_due == promised
        assert found.effective_due == (date(2026, 5, 4) if found.extension_valid else found.due)
        assert ("was promised" in explain_deadline(found)) == (promised is not None)


HOUSE = HouseDays(target_working_days=10, post_working_days=3, no_answer_months=3)


def with_house(received: str, *events: ClockEvent, house: HouseDays = HOUSE) -> Deadline:
    return deadline(at(received), zone=HELSINKI, holidays=FINLAND, events=events, house=house)


class TestHouseDays:
    def test_internal_target(self) -> None:
        """Ten working days after Monday 14 December 2026 skip Christmas, not its eve."""
        assert with_house("2026-12-14").internal_target == date(2026, 12, 29)

    def test_the_month_is_a_ceiling(self) -> None:
        """A longer target of the house never lies after the safe date (R-561)."""
        slow = attrs.evolve(HOUSE, target_working_days=40)
        assert with_house("2026-02-02", house=slow).internal_target == date(2026, 3, 2)
        told = with_house("2026-02-02", extended("2026-02-10"), house=slow)
        assert told.internal_target == date(2026, 3, 2)

    def test_post_by(self) -> None:
        """Three working days before Tuesday 7 April 2026 skip Easter."""
        assert post_by(date(2026, 4, 7), holidays=FINLAND, working_days=3) == date(2026, 3, 31)
        assert with_house("2026-03-07").post_by == date(2026, 3, 31)

    def test_who_never_answers(self) -> None:
        """A person has three months after the safe date; a letter has no day until then (6.3)."""
        waiting = with_house("2026-02-02", asked("2026-02-03"))
        assert (waiting.no_answer_by, waiting.post_by) == (date(2026, 6, 2), None)
        assert waiting.internal_target == date(2026, 2, 16)
        assert with_house("2026-02-02").no_answer_by is None

    def test_without_days_of_the_house(self) -> None:
        """The law's ends stand by themselves where no number of the house was given."""
        found = of("2026-02-02")
        assert (found.internal_target, found.post_by, found.no_answer_by) == (None, None, None)
        assert "undue delay" not in explain_deadline(found)

    @pytest.mark.parametrize(
        ("name", "value", "rule"),
        [
            ("internal_target_working_days", 10, "R-561"),
            ("post_working_days", 3, "R-557"),
            ("extension_method", "from-receipt", "R-558"),
            ("no_answer_months", 3, "R-554"),
            ("processor_tells_hours", 24, "R-570"),
        ],
    )
    def test_each_number_is_a_named_setting(self, name: str, value: object, rule: str) -> None:
        """What the project chose stands in the profile with its rule, and may be changed."""
        assert (getattr(FI_2026, name), SOURCES[name].rule, SOURCES[name].is_law) == (
            value,
            rule,
            False,
        )

    def test_the_method_is_a_word_of_its_list(self) -> None:
        """Another way to count the extension is one of two, by name."""
        changed = with_settings(FI_2026, {"extension_method": "chained_min"})
        assert changed.extension_method is ExtensionMethod.CHAINED_MIN
        assert changed.id == "FI-2026-11+extension_method=chained_min"
        assert with_settings(FI_2026, {"extension_method": "from-receipt"}) is FI_2026
        for wrong in ("longest", 1, True):
            with pytest.raises(InvalidValue, match="use from-receipt or chained_min"):
                with_settings(FI_2026, {"extension_method": wrong})


class TestRefusal:
    def test_no_extension_moves_it(self) -> None:
        """With three months to answer, a refusal is late after one month (R-529)."""
        found = of("2026-02-02", extended("2026-02-10"))
        assert found.due_end == at("2026-03-03T00:00")
        assert not is_refusal_late(found, at("2026-03-02T23:59:59"))
        assert is_refusal_late(found, at("2026-03-03T00:00"))
        assert not is_overdue(found, at("2026-03-03T00:00"))

    def test_not_while_suspended(self) -> None:
        """While a question is open no day for a refusal runs."""
        assert not is_refusal_late(of("2026-02-02", asked("2026-02-03")), at("2026-12-31"))


class TestWords:
    def test_clamped_and_moved(self) -> None:
        """A clamped month that ends on a Sunday is told in one sentence."""
        assert explain_deadline(of("2027-01-31")) == (
            "The request was received on Sunday 31 January 2027.\n"
            "One month from 31 January 2027 ends on 28 February 2027, the last day of that month "
            "and a Sunday; the next working day is Monday 1 March 2027.\n"
            "The last moment is the end of Monday 1 March 2027 in Europe/Helsinki."
        )

    def test_a_move_alone(self) -> None:
        """A single step can be told by itself, for a list of steps on a page."""
        (move,) = (step for step in of("2027-01-31").steps if isinstance(step, Moved))
        assert sentence(move) == (
            "28 February 2027 is a Sunday; the next working day is Monday 1 March 2027"
        )

    def test_holidays_are_named(self) -> None:
        """A public holiday is told as one, also when the way leads past another."""
        assert (
            "3 April 2026, which is Good Friday, a public holiday; the next working day is "
            "Tuesday 7 April 2026, since Easter Monday (6 April 2026) lies between"
        ) in explain_deadline(of("2026-03-03"))

    def test_everything_at_once(self) -> None:
        """Pauses, a vain question, the safe date, an extension and its end, in this order."""
        found = of(
            "2026-02-02",
            asked("2026-02-03"),
            answered("2026-02-10"),
            asked("2026-02-25", CLARIFICATION, prompt=False),
            extended("2026-03-09"),
        )
        assert explain_deadline(found).splitlines() == [
            "The request was received on Monday 2 February 2026.",
            (
                "The time limit stood still from 3 February 2026 until the answer on "
                "10 February 2026: 7 days."
            ),
            (
                "Asking for clarification on 25 February 2026 suspended nothing: "
                "it was not asked without undue delay."
            ),
            "One month from 2 February 2026 ends on 2 March 2026.",
            "Adding 7 days leads to 9 March 2026.",
            "Without any suspension, one month from 2 February 2026 ends on 2 March 2026.",
            "The extension told on 9 March 2026 is valid; it was told after the safe date.",
            "With the extension, three months from 2 February 2026 ends on 2 May 2026.",
            (
                "With the extension, adding 7 days leads to 9 May 2026, which is a Saturday; "
                "the next working day is Monday 11 May 2026."
            ),
            "The last moment is the end of Monday 11 May 2026 in Europe/Helsinki.",
            "A refusal is told by Monday 9 March 2026 all the same.",
        ]

    def test_waiting(self) -> None:
        """While suspended the words say what is awaited and keep the safe date."""
        text = explain_deadline(of("2026-02-02", asked("2026-02-03"))).splitlines()
        assert text == [
            "The request was received on Monday 2 February 2026.",
            "Without any suspension, one month from 2 February 2026 ends on 2 March 2026.",
            (
                "Proof of identity has been awaited since 3 February 2026, "
                "so no time limit runs until it comes."
            ),
        ]

    def test_invalid_extension(self) -> None:
        """An extension that does not count is told with the reason."""
        text = explain_deadline(of("2026-02-02", extended("2026-03-03")))
        assert "The extension told on 3 March 2026 is not valid: it was told too late." in text

    def test_citations_of_a_plain_request(self) -> None:
        """A plain request rests on Art. 12(3) and the Regulation on time limits."""
        found = of("2026-01-14")
        assert [str(place) for place in found.citations] == [
            "GDPR Art. 12(3)",
            "Reg. 1182/71 Art. 3(1)",
            "Reg. 1182/71 Art. 3(2)(c)",
            "Reg. 1182/71 Art. 2(2)",
            "Reg. 1182/71 Art. 3(4)",
            "EDPB 01/2022 para 161",
        ]
        assert found.rules == ("R-550", "R-551", "R-555", "R-557")
