"""How deadlines are told: in three languages, to controller and person, with nothing left out."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdprkit
from gdprkit.errors import InvalidValue, NaiveMoment
from gdprkit.policy.breach import breach_clock, explain_breach
from gdprkit.policy.clock import Answered, Asked, ClockEvent, Extended
from gdprkit.policy.deadline_steps import (
    Added,
    Closed,
    Counted,
    ExtensionProblem,
    Judged,
    Limit,
    Moved,
    NotPaused,
    NotPausedBecause,
    Open,
    Paused,
    Promised,
    Question,
    Step,
)
from gdprkit.policy.deadline_words import clauses, sentence
from gdprkit.policy.deadlines import (
    Deadline,
    HouseDays,
    deadline,
    explain_deadline,
)
from gdprkit.policy.explain import LANGUAGES, READERS, Language, Reader
from gdprkit.policy.phrases import counted, full_day, holiday, long_date, on_day, phrases
from gdprkit.words.holidays import FINLAND, FINLAND_WITH_EVES, NO_HOLIDAYS, holiday_name

HELSINKI = ZoneInfo("Europe/Helsinki")
FOLDER = Path(gdprkit.__file__).parent / "policy" / "texts" / "phrases"
BOTH = [(language, reader) for language in LANGUAGES for reader in READERS]
IDENTITY, CLARIFICATION = Question.IDENTITY, Question.CLARIFICATION


def at(text: str) -> datetime:
    moment = datetime.fromisoformat(text if "T" in text else f"{text}T12:00")
    return moment.replace(tzinfo=HELSINKI)


def of(received: str, *events: ClockEvent) -> Deadline:
    return deadline(at(received), zone=HELSINKI, holidays=FINLAND, events=events)


def asked(on: str, question: Question = IDENTITY) -> Asked:
    return Asked(question=question, at=at(on), prompt=True, grounded=True)


def blanks(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


class TestPhrases:
    @pytest.mark.parametrize("name", phrases())
    def test_every_phrase_stands_in_every_language(self, name: str) -> None:
        """Controller and person find each phrase in three languages, ready to stand in a list."""
        for language, reader in BOTH:
            words = phrases()[name][reader][language]
            assert words.strip()
            assert not words.endswith((".", ";"))

    @pytest.mark.parametrize("name", phrases())
    def test_languages_tell_the_same(self, name: str) -> None:
        """The blanks of a phrase agree: what one language tells, the others tell.

        A language may say a day as that on which something happens, where another just names it.
        """
        same = {"on": "day", "end": "day", "due": "day", "day": "day"}
        for reader in READERS:
            told = [
                {same.get(blank, blank) for blank in blanks(phrases()[name][reader][language])}
                for language in LANGUAGES
            ]
            assert told[0] == told[1] == told[2]

    def test_the_person_is_spoken_to_in_one_manner(self) -> None:
        """Finnish says ``sinä`` here too, never ``te``."""
        formal = re.compile(r"\b(te|teitä|teille|teidän|teiltä|olette|ette)\b|(?!kunne)\b\w+nne\b")
        assert [n for n, said in phrases().items() if formal.search(said["person"]["fi"])] == []

    def test_every_name_of_a_day_is_there(self) -> None:
        """Seven weekdays in three forms and twelve months, none twice."""
        days = tomllib.loads((FOLDER / "days.toml").read_text(encoding="utf-8"))
        for language in LANGUAGES:
            said = days[language]
            for form in ("weekdays", "weekdays_full", "weekdays_on"):
                assert len(set(said[form])) == 7
            assert len(set(said["months"])) == 12


class TestDays:
    @pytest.mark.parametrize(
        ("language", "plain", "full", "on"),
        [
            ("en", "31 January 2026", "Saturday 31 January 2026", "Saturday 31 January 2026"),
            (
                "fi",
                "31. tammikuuta 2026",
                "lauantai 31. tammikuuta 2026",
                "lauantaina 31. tammikuuta 2026",
            ),
            (
                "sv",
                "den 31 januari 2026",
                "lördagen den 31 januari 2026",
                "lördagen den 31 januari 2026",
            ),
        ],
    )
    def test_each_language_has_its_manner(
        self, language: Language, plain: str, full: str, on: str
    ) -> None:
        """A day is written as the language writes it, alone, with its weekday, and as when."""
        day = date(2026, 1, 31)
        assert long_date(day, language) == plain
        assert full_day(day, language) == full
        assert on_day(day, language) == on

    @pytest.mark.parametrize(
        ("count", "en", "fi", "sv"),
        [
            (1, "one month", "yhden kuukauden", "en månad"),
            (3, "three months", "kolmen kuukauden", "tre månader"),
            (4, "4 months", "4 kuukauden", "4 månader"),
        ],
    )
    def test_counts(self, count: int, en: str, fi: str, sv: str) -> None:
        """Small counts of months are words, others numbers."""
        said = [counted("months", count, language) for language in LANGUAGES]
        assert said == [en, fi, sv]

    @given(st.integers(1900, 2200))
    def test_every_finnish_holiday_has_a_name(self, year: int) -> None:
        """A public holiday has a word and a name in each language; any other day has none."""
        for calendar in (FINLAND, FINLAND_WITH_EVES):
            for day in calendar(year):
                assert all(holiday(calendar.name, day, language) for language in LANGUAGES)
        assert len({holiday_name("FI", day) for day in FINLAND(year)}) == len(FINLAND(year))
        assert holiday_name("FI", date(year, 12, 24)) is None
        assert holiday_name("FI+eves", date(year, 12, 24)) == "christmas-eve"

    @pytest.mark.parametrize(
        ("day", "en", "fi", "sv"),
        [
            (date(2026, 1, 6), "Epiphany", "loppiainen", "trettondagen"),
            (date(2026, 4, 3), "Good Friday", "pitkäperjantai", "långfredagen"),
            (date(2026, 5, 14), "Ascension Day", "helatorstai", "Kristi himmelsfärdsdag"),
            (date(2026, 6, 20), "Midsummer Day", "juhannuspäivä", "midsommardagen"),
            (date(2026, 10, 31), "All Saints' Day", "pyhäinpäivä", "alla helgons dag"),
            (date(2026, 12, 6), "Independence Day", "itsenäisyyspäivä", "självständighetsdagen"),
            (date(2026, 12, 26), "St Stephen's Day", "tapaninpäivä", "annandag jul"),
        ],
    )
    def test_names_of_holidays(self, day: date, en: str, fi: str, sv: str) -> None:
        """The names stand on the right days of 2026, read off a calendar."""
        assert [holiday("FI", day, language) for language in LANGUAGES] == [en, fi, sv]
        assert holiday("SE", day) is None


class TestDeadlines:
    def test_clamped_month_and_roll(self) -> None:
        """31 January, a short February, a Sunday: told in each language in its own way."""
        found = of("2027-01-31")
        assert explain_deadline(found, "fi").splitlines() == [
            "Pyyntö on vastaanotettu sunnuntaina 31. tammikuuta 2027.",
            (
                "Yhden kuukauden määräaika 31. tammikuuta 2027 lukien päättyy 28. helmikuuta 2027, "
                "joka on kuukauden viimeinen päivä ja sunnuntai; seuraava työpäivä on "
                "maanantai 1. maaliskuuta 2027."
            ),
            "Viimeinen hetki on maanantaina 1. maaliskuuta 2027 kello 24 (Europe/Helsinki).",
        ]
        assert explain_deadline(found, "sv", "person").splitlines() == [
            "Vi fick din begäran söndagen den 31 januari 2027.",
            (
                "Tiden att svara, en månad från den 31 januari 2027, går ut den 28 februari 2027, "
                "månadens sista dag och en söndag; nästa arbetsdag är måndagen den 1 mars 2027."
            ),
            "Sista dagen att svara dig är måndagen den 1 mars 2027.",
        ]

    @pytest.mark.parametrize(
        ("received", "clamped"),
        [("2026-01-31", True), ("2026-01-28", False), ("2026-02-28", False), ("2026-08-31", True)],
    )
    def test_only_a_shortened_month_is_called_so(self, received: str, *, clamped: bool) -> None:
        """28 February to 28 March is no last day of a month, and 28 January fits (R-552)."""
        assert ("last day of that month" in explain_deadline(of(received))) is clamped

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("en", "6 December 2026, which is Independence Day, a public holiday"),
            ("fi", "6. joulukuuta 2026, joka on itsenäisyyspäivä, yleinen vapaapäivä"),
            ("sv", "den 6 december 2026, som är självständighetsdagen, en helgdag"),
        ],
    )
    def test_a_holiday_is_named(self, language: Language, words: str) -> None:
        """An end that is a public holiday says which."""
        assert words in explain_deadline(of("2026-11-06"), language)

    @pytest.mark.parametrize(
        ("language", "words"),
        [
            ("en", "since Easter Monday (6 April 2026) lies between"),
            ("fi", "sillä välissä on toinen pääsiäispäivä (6. huhtikuuta 2026)"),
            ("sv", "eftersom annandag påsk (den 6 april 2026) ligger emellan"),
        ],
    )
    def test_a_holiday_passed_is_named(self, language: Language, words: str) -> None:
        """The way to the working day names the last holiday it passes."""
        assert words in explain_deadline(of("2026-03-03"), language)

    def test_a_holiday_of_another_country_has_no_name(self) -> None:
        """Where the calendar gives no words, the controller is told which calendar it is."""
        day = date(2026, 6, 6)
        move = Moved(
            limit=Limit.DUE,
            start=day,
            end=date(2026, 6, 8),
            holidays=frozenset({day, date(2026, 6, 7)}),
            calendar="SE",
        )
        assert sentence(move) == (
            "6 June 2026 is a public holiday (SE); the next working day is Monday 8 June 2026, "
            "since a public holiday (7 June 2026) lies between"
        )
        assert "en helgdag; nästa arbetsdag" in sentence(move, "sv", "person")

    @pytest.mark.parametrize(
        ("language", "reader", "pause", "added"),
        [
            ("en", "controller", "until the answer on 10 February 2026: 7 days.", "Adding 7 days"),
            (
                "fi",
                "person",
                "kunnes saimme vastauksesi 10. helmikuuta 2026: 7 päivää.",
                "7 päivää",
            ),
            ("sv", "person", "tills vi fick ditt svar den 10 februari 2026: 7 dagar.", "7 dagar"),
        ],
    )
    def test_suspension(self, language: Language, reader: Reader, pause: str, added: str) -> None:
        """The days that the clock stood still are told, and added in a line of their own."""
        found = of(
            "2026-02-02", asked("2026-02-03"), Answered(question=IDENTITY, at=at("2026-02-10"))
        )
        lines = explain_deadline(found, language, reader).splitlines()
        assert lines[1].endswith(pause)
        assert added in lines[3]

    @pytest.mark.parametrize(
        ("questions", "language", "words"),
        [
            ((IDENTITY,), "en", "show who you are, so the time to answer stands still"),
            ((CLARIFICATION,), "fi", "että täsmennät pyyntöäsi, joten vastausaika ei kulu"),
            ((IDENTITY, CLARIFICATION), "sv", "styrker din identitet och förtydligar din begäran"),
        ],
    )
    def test_suspended(
        self, questions: tuple[Question, ...], language: Language, words: str
    ) -> None:
        """While a question is open no last day is told, and the person is told what we wait for."""
        found = of("2026-02-02", *(asked("2026-02-03", question) for question in questions))
        text = explain_deadline(found, language, "person", at=at("2026-12-31"))
        assert words in text.splitlines()[-1]
        assert not any(isinstance(step, Closed) for step in found.steps)

    @pytest.mark.parametrize(
        ("language", "reader", "words"),
        [
            ("en", "controller", "With the extension, three months from 2 February 2026 ends"),
            ("fi", "controller", "Jatkettuna kolmen kuukauden määräaika 2. helmikuuta 2026 lukien"),
            ("sv", "person", "Med förlängningen går tiden på tre månader från den 2 februari 2026"),
        ],
    )
    def test_extension(self, language: Language, reader: Reader, words: str) -> None:
        """A valid extension is told, and the end it gives."""
        found = of("2026-02-02", Extended(at=at("2026-02-10"), months=2, reasons=True))
        text = explain_deadline(found, language, reader)
        assert words in text
        last, refusal = text.splitlines()[-2:]
        assert long_date(date(2026, 5, 4), language) in last
        assert on_day(date(2026, 3, 2), language) in refusal

    @pytest.mark.parametrize(
        ("language", "reader", "running", "waiting"),
        [
            (
                "en",
                "controller",
                "so the house aims at Monday 16 February 2026; a letter is posted by Wednesday",
                "by Monday 2 March 2026; without an answer by Tuesday 2 June 2026 the request may",
            ),
            (
                "fi",
                "controller",
                "joten oma tavoite on vastata maanantaina 16. helmikuuta 2026; kirje postitetaan",
                "jos vastausta ei tule viimeistään tiistaina 2. kesäkuuta 2026, pyynnön voi",
            ),
            (
                "sv",
                "controller",
                "att svara måndagen den 16 februari 2026; ett brev postas senast onsdagen den 25",
                "utan svar senast tisdagen den 2 juni 2026 får begäran avslutas, med skäl",
            ),
            (
                "en",
                "person",
                "so that day is a limit and not a goal",
                "without an answer from you by Tuesday 2 June 2026 we may close your request",
            ),
            (
                "fi",
                "person",
                "joten tuo päivä on raja eikä tavoite",
                "jos et vastaa viimeistään tiistaina 2. kesäkuuta 2026, voimme sulkea pyyntösi",
            ),
            (
                "sv",
                "person",
                "så den dagen är en gräns och inget mål",
                "om du inte svarar senast tisdagen den 2 juni 2026 får vi avsluta din begäran",
            ),
        ],
    )
    def test_the_days_of_the_house(
        self, language: Language, reader: Reader, running: str, waiting: str
    ) -> None:
        """The controller reads its own days; no person is promised the target (R-561)."""
        house = HouseDays(target_working_days=10, post_working_days=3, no_answer_months=3)
        for words, events in ((running, ()), (waiting, (asked("2026-02-03"),))):
            found = deadline(
                at("2026-02-02"), zone=HELSINKI, holidays=FINLAND, events=events, house=house
            )
            assert words in explain_deadline(found, language, reader).splitlines()[-1]

    def test_overdue(self) -> None:
        """The end is inclusive: the last second is in time, the midnight after is one day late."""
        found = of("2026-02-02")
        assert found.effective_end is not None
        last = found.effective_end - timedelta(seconds=1)
        assert "late" not in explain_deadline(found, at=last)
        assert explain_deadline(found, at=found.effective_end).endswith("the answer is 1 day late.")
        assert explain_deadline(found, "fi", at=at("2026-03-12")).endswith(
            "vastaus on myöhässä 10 päivää."
        )
        with pytest.raises(NaiveMoment, match="at has no time zone"):
            explain_deadline(found, at=datetime(2026, 3, 12))  # noqa: DTZ001

    @pytest.mark.parametrize(("language", "reader"), [("de", "person"), ("en", "lawyer")])
    def test_unknown_language_or_reader(self, language: Language, reader: Reader) -> None:
        """A language or reader without words is refused, as ``explain`` refuses it."""
        with pytest.raises(InvalidValue, match="language or reader has no words"):
            explain_deadline(of("2026-02-02"), language, reader)
        with pytest.raises(InvalidValue, match="language or reader has no words"):
            explain_breach(breach_clock(at("2026-02-02")), language, reader, zone=HELSINKI)


DAY = date(2026, 3, 31)


def every_step() -> list[Step]:
    """Give a step of each kind and each word of its closed lists."""
    found: list[Step] = [
        Paused(start=DAY, end=DAY + timedelta(days=3)),
        Promised(day=DAY),
        Closed(due=DAY, zone="Europe/Helsinki"),
        *(Open(questions=(q,), since=DAY) for q in Question),
        Open(questions=tuple(Question), since=DAY),
    ]
    for limit in Limit:
        found.append(Counted(limit=limit, months=1, start=DAY, end=date(2026, 4, 30)))
        found.append(Added(limit=limit, days=2, start=DAY, end=DAY + timedelta(days=2)))
        found.append(Moved(limit=limit, start=DAY, end=DAY, holidays=frozenset(), calendar="NONE"))
    found += [
        NotPaused(question=q, asked=DAY, because=because)
        for q in Question
        for because in NotPausedBecause
    ]
    found += [
        Judged(told=DAY, in_force=None, problem=problem, after_safe=after)
        for problem in (None, *ExtensionProblem)
        for after in (True, False)
    ]
    return found


class TestEverything:
    @pytest.mark.parametrize(("language", "reader"), BOTH)
    def test_every_step_can_be_told(self, language: Language, reader: Reader) -> None:
        """No kind of step and no reason lacks words, and no blank is left."""
        for step in every_step():
            assert "{" not in sentence(step, language, reader)

    def test_languages_differ(self) -> None:
        """No phrase was left in another language by mistake."""
        for step in every_step():
            said = {sentence(step, language) for language in LANGUAGES}
            assert len(said) == len(LANGUAGES)

    @pytest.mark.parametrize("reader", READERS)
    @given(
        received=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
        extended=st.booleans(),
        wait=st.integers(0, 40),
    )
    def test_what_is_in_force_is_told(
        self, reader: Reader, received: datetime, wait: int, *, extended: bool
    ) -> None:
        """Whatever the history, the words name the day in force, in every language."""
        start = received.replace(tzinfo=UTC)
        events: list[ClockEvent] = [
            Asked(question=IDENTITY, at=start, prompt=True, grounded=True),
            Answered(question=IDENTITY, at=start + timedelta(days=wait)),
        ]
        if extended:
            events.append(Extended(at=start + timedelta(days=5), months=2, reasons=True))
        found = deadline(start, zone=HELSINKI, holidays=FINLAND, events=events)
        assert found.effective_due is not None
        for language in LANGUAGES:
            told = explain_deadline(found, language, reader).splitlines()
            last = told[-2 if extended else -1]  # behind an extension the day for a refusal is told
            assert long_date(found.effective_due, language) in last
        lines = {len(clauses(found.steps, language, reader)) for language in LANGUAGES}
        assert len(lines) == 1

    def test_weekends_only(self) -> None:
        """Without a calendar a Sunday is told as a Sunday."""
        found = deadline(at("2026-11-06"), zone=HELSINKI, holidays=NO_HOLIDAYS)
        assert "6. joulukuuta 2026, joka on sunnuntai;" in explain_deadline(found, "fi")


class TestBreach:
    def test_plain(self) -> None:
        """Both limits are told; where the clocks do not change nothing is said of it."""
        text = explain_breach(breach_clock(at("2026-03-09T12:17")), zone=HELSINKI)
        assert text.splitlines() == [
            (
                "The controller knew of the breach on Monday 9 March 2026 at 12:17 (UTC+2) "
                "in Europe/Helsinki."
            ),
            (
                "72 hours later, nights, weekends and holidays included, is "
                "Thursday 12 March 2026 at 12:17 (UTC+2); notify by then."
            ),
            (
                "The outer limit leaves out the hour of awareness: 72 hours begin on "
                "Monday 9 March 2026 at 13:00 (UTC+2) and end on "
                "Thursday 12 March 2026 at 13:00 (UTC+2)."
            ),
        ]

    @pytest.mark.parametrize(
        ("aware", "language", "end", "clocks"),
        [
            (
                "2026-03-27T12:17",
                "fi",
                "maanantai 30. maaliskuuta 2026 klo 13.17 (UTC+3)",
                "Kellot siirtyvät välillä eteenpäin",
            ),
            (
                "2026-10-23T12:17",
                "sv",
                "måndagen den 26 oktober 2026 kl. 11.17 (UTC+2)",
                "Klockorna ställs tillbaka däremellan",
            ),
        ],
    )
    def test_clock_changes(self, aware: str, language: Language, end: str, clocks: str) -> None:
        """72 elapsed hours over a change of the clocks show another time of day, and say why."""
        told = explain_breach(breach_clock(at(aware)), language, zone=HELSINKI).splitlines()
        assert end in told[1]
        assert told[2].startswith(clocks)

    def test_the_zone_of_telling(self) -> None:
        """Told in a zone without whole hours the offset has its minutes."""
        clock = breach_clock(datetime(2026, 3, 9, 10, 17, tzinfo=UTC))
        assert "15:47 (UTC+5:30)" in explain_breach(clock, zone=ZoneInfo("Asia/Kolkata"))

    @pytest.mark.parametrize(
        ("after", "words"),
        [(71, None), (72, "the outer limit has not"), (73, "both limits have passed")],
    )
    def test_overdue(self, after: int, words: str | None) -> None:
        """Past the strict limit only, and past both, is told apart."""
        aware = at("2026-03-09T12:00")
        text = explain_breach(breach_clock(aware), zone=HELSINKI, at=aware + timedelta(hours=after))
        passed = text.splitlines()[3:]
        assert passed == [] if words is None else words in passed[0].lower()

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_person_is_told_too(self, language: Language) -> None:
        """The one concerned reads when we knew and by when the authority is told."""
        text = explain_breach(
            breach_clock(at("2026-03-09T12:17")), language, "person", zone=HELSINKI
        )
        assert on_day(date(2026, 3, 12), language) in text
        assert "Europe/Helsinki" not in text
