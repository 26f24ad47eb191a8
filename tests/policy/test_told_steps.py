"""Each step of a deadline and of a breach's hours, and each day and count, word for word."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from gdprkit.policy.breach import breach_clock, explain_breach
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
from gdprkit.policy.explain import LANGUAGES, Language, Reader
from gdprkit.policy.phrases import counted, full_day, holiday, long_date, moment, on_day, weekday

HELSINKI = ZoneInfo("Europe/Helsinki")
START, END = date(2026, 3, 31), date(2026, 4, 30)

#: a step -> as it is told in English, Finnish and Swedish
TOLD: list[tuple[Step, tuple[str, str, str]]] = [
    (
        Counted(limit=Limit.SAFE, months=1, start=START, end=END),
        (
            (
                "without any suspension, one month from 31 March 2026 ends on 30 April 2026, "
                "the last day of that month"
            ),
            (
                "ilman keskeytyksiä yhden kuukauden määräaika 31. maaliskuuta 2026 lukien päättyy "
                "30. huhtikuuta 2026, joka on kuukauden viimeinen päivä"
            ),
            (
                "utan avbrott löper tidsfristen på en månad från den 31 mars 2026 ut "
                "den 30 april 2026, månadens sista dag"
            ),
        ),
    ),
    (
        Paused(start=START, end=END),
        (
            (
                "the time limit stood still from 31 March 2026 until the answer on 30 April 2026: "
                "30 days"
            ),
            (
                "määräaika oli keskeytyneenä 31. maaliskuuta 2026 alkaen, kunnes vastaus saatiin "
                "30. huhtikuuta 2026: 30 päivää"
            ),
            (
                "tidsfristen stod stilla från den 31 mars 2026 tills svaret kom den 30 april 2026: "
                "30 dagar"
            ),
        ),
    ),
    (
        Open(questions=(Question.CLARIFICATION,), since=START),
        (
            (
                "clarification has been awaited since 31 March 2026, "
                "so no time limit runs until it comes"
            ),
            (
                "pyynnön täsmennystä on odotettu 31. maaliskuuta 2026 alkaen, "
                "joten määräaika ei kulu ennen sitä"
            ),
            (
                "ett förtydligande har inväntats sedan den 31 mars 2026, "
                "så ingen tidsfrist löper förrän det kommer"
            ),
        ),
    ),
    (
        NotPaused(question=Question.IDENTITY, asked=START, because=NotPausedBecause.NO_GROUND),
        (
            (
                "asking for proof of identity on 31 March 2026 suspended nothing: "
                "the law gave no ground to ask"
            ),
            (
                "henkilöllisyyden osoittamista koskeva kysymys 31. maaliskuuta 2026 "
                "ei keskeyttänyt määräaikaa: kysymiselle ei ollut laissa perustetta"
            ),
            (
                "frågan om identiteten den 31 mars 2026 avbröt inte tidsfristen: "
                "lagen gav ingen grund att fråga"
            ),
        ),
    ),
    (
        Added(limit=Limit.EXTENDED, days=1, start=START, end=END),
        (
            "with the extension, adding 1 day leads to 30 April 2026",
            "jatkettuna, kun lisätään 1 päivä, määräaika päättyy 30. huhtikuuta 2026",
            "med förlängningen och ett tillägg på 1 dag löper tidsfristen ut den 30 april 2026",
        ),
    ),
    (
        Judged(told=START, in_force=END, problem=None, after_safe=False),
        (
            "the extension told on 31 March 2026 is valid",
            "määräajan jatkaminen, josta ilmoitettiin 31. maaliskuuta 2026, on pätevä",
            "förlängningen som meddelades den 31 mars 2026 är giltig",
        ),
    ),
    (
        Judged(told=START, in_force=END, problem=None, after_safe=True),
        (
            "the extension told on 31 March 2026 is valid; it was told after the safe date",
            (
                "määräajan jatkaminen, josta ilmoitettiin 31. maaliskuuta 2026, on pätevä; "
                "siitä ilmoitettiin turvallisen päivän jälkeen"
            ),
            (
                "förlängningen som meddelades den 31 mars 2026 är giltig; "
                "den meddelades efter det säkra datumet"
            ),
        ),
    ),
    (
        Judged(told=START, in_force=END, problem=ExtensionProblem.LATE, after_safe=True),
        (
            "the extension told on 31 March 2026 is not valid: it was told too late",
            (
                "määräajan jatkaminen, josta ilmoitettiin 31. maaliskuuta 2026, ei ole pätevä: "
                "siitä ilmoitettiin liian myöhään"
            ),
            "förlängningen som meddelades den 31 mars 2026 är inte giltig: den meddelades för sent",
        ),
    ),
    (
        Promised(day=START),
        (
            "the person was promised 31 March 2026, which is the day to work towards",
            (
                "henkilölle on luvattu vastaus viimeistään tiistaina 31. maaliskuuta 2026, "
                "ja se on tavoitepäivä"
            ),
            (
                "personen har utlovats svar senast tisdagen den 31 mars 2026, "
                "och det är dagen att arbeta mot"
            ),
        ),
    ),
    (
        Closed(due=START, zone="Europe/Helsinki"),
        (
            "the last moment is the end of Tuesday 31 March 2026 in Europe/Helsinki",
            "viimeinen hetki on tiistaina 31. maaliskuuta 2026 kello 24 (Europe/Helsinki)",
            "sista ögonblicket är tisdagen den 31 mars 2026 klockan 24 (Europe/Helsinki)",
        ),
    ),
    (
        Moved(
            limit=Limit.DUE,
            start=date(2026, 5, 2),
            end=date(2026, 5, 4),
            holidays=frozenset(),
            calendar="FI",
        ),
        (
            "2 May 2026 is a Saturday; the next working day is Monday 4 May 2026",
            "2. toukokuuta 2026 on lauantai; seuraava työpäivä on maanantai 4. toukokuuta 2026",
            "den 2 maj 2026 är en lördag; nästa arbetsdag är måndagen den 4 maj 2026",
        ),
    ),
]

BREACH: dict[tuple[Language, Reader], list[str]] = {
    ("en", "controller"): [
        (
            "The controller knew of the breach on Friday 27 March 2026 at 12:17 (UTC+2) "
            "in Europe/Helsinki."
        ),
        (
            "72 hours later, nights, weekends and holidays included, is "
            "Monday 30 March 2026 at 13:17 (UTC+3); notify by then."
        ),
        "Clocks go forward in between, so the local time of day is later.",
        (
            "The outer limit leaves out the hour of awareness: 72 hours begin on "
            "Friday 27 March 2026 at 13:00 (UTC+2) and end on "
            "Monday 30 March 2026 at 14:00 (UTC+3)."
        ),
    ],
    ("fi", "controller"): [
        (
            "Rekisterinpitäjä sai loukkauksen tietoonsa perjantaina 27. maaliskuuta 2026 klo 12.17 "
            "(UTC+2), aikavyöhyke Europe/Helsinki."
        ),
        (
            "72 tuntia myöhemmin, yöt, viikonloput ja vapaapäivät mukaan lukien, on "
            "maanantai 30. maaliskuuta 2026 klo 13.17 (UTC+3); ilmoitus on tehtävä siihen mennessä."
        ),
        "Kellot siirtyvät välillä eteenpäin, joten paikallinen kellonaika on myöhempi.",
        (
            "Uloimmassa rajassa tietoon tulon tuntia ei lasketa: 72 tuntia alkaa "
            "perjantaina 27. maaliskuuta 2026 klo 13.00 (UTC+2) ja päättyy "
            "maanantaina 30. maaliskuuta 2026 klo 14.00 (UTC+3)."
        ),
    ],
    ("fi", "person"): [
        (
            "Saimme tietoturvaloukkauksen tietoomme perjantaina 27. maaliskuuta 2026 klo 12.17 "
            "(UTC+2)."
        ),
        (
            "Meillä on 72 tuntia aikaa ilmoittaa valvontaviranomaiselle, viimeistään "
            "maanantaina 30. maaliskuuta 2026 klo 13.17 (UTC+3)."
        ),
        "Kellot siirtyvät välillä eteenpäin, joten paikallinen kellonaika on myöhempi.",
        (
            "Viimeistään, kun tietoon tulon tuntia ei lasketa, aika päättyy "
            "maanantaina 30. maaliskuuta 2026 klo 14.00 (UTC+3)."
        ),
    ],
    ("sv", "person"): [
        "Vi fick vetskap om personuppgiftsincidenten fredagen den 27 mars 2026 kl. 12.17 (UTC+2).",
        (
            "Vi har 72 timmar på oss att anmäla till tillsynsmyndigheten, senast "
            "måndagen den 30 mars 2026 kl. 13.17 (UTC+3)."
        ),
        "Klockorna ställs fram däremellan, så den lokala klockan visar en senare tid.",
        (
            "Allra senast, om timmen då vi fick vetskap inte räknas, går tiden ut "
            "måndagen den 30 mars 2026 kl. 14.00 (UTC+3)."
        ),
    ],
}


@pytest.mark.parametrize(("step", "told"), TOLD, ids=lambda value: type(value).__name__)
def test_a_step_in_each_language(step: Step, told: tuple[str, str, str]) -> None:
    """Every day and count of a step is said in the language of its sentence."""
    assert tuple(sentence(step, language) for language in LANGUAGES) == told


def test_a_move_stands_behind_the_step_that_led_to_it() -> None:
    """An end and its move are one clause; without a step before it the move stands alone."""
    due = Limit.DUE
    clamped = Counted(limit=due, months=1, start=date(2027, 1, 31), end=date(2027, 2, 28))
    plain = Counted(limit=due, months=1, start=date(2027, 1, 28), end=date(2027, 2, 28))
    move = Moved(
        limit=due,
        start=date(2027, 2, 28),
        end=date(2027, 3, 1),
        holidays=frozenset(),
        calendar="FI",
    )
    next_day = "the next working day is Monday 1 March 2027"
    assert clauses([plain, clamped, move]) == [
        sentence(plain),
        f"{sentence(clamped)} and a Sunday; {next_day}",
    ]
    assert clauses([clamped, plain, move]) == [
        sentence(clamped),
        f"{sentence(plain)}, which is a Sunday; {next_day}",
    ]
    assert clauses([move]) == [f"28 February 2027 is a Sunday; {next_day}"]


@pytest.mark.parametrize(("language", "reader"), BREACH, ids=str)
def test_a_breach_in_full(language: Language, reader: Reader) -> None:
    """72 elapsed hours over a change of the clocks, to controller and person (R-570)."""
    clock = breach_clock(datetime(2026, 3, 27, 12, 17, tzinfo=HELSINKI))
    told = explain_breach(clock, language, reader, zone=HELSINKI)
    assert told.splitlines() == BREACH[language, reader]


class TestDays:
    """Days, moments and counts as they stand in every sentence."""

    def test_english_unless_told_otherwise(self) -> None:
        """A program that names no language is answered in English."""
        day = date(2026, 12, 6)
        assert long_date(day) == "6 December 2026"
        assert full_day(day) == "Sunday 6 December 2026"
        assert on_day(day) == "Sunday 6 December 2026"
        assert weekday(day) == "Sunday"
        assert holiday("FI", day) == "Independence Day"
        assert counted("days", 2) == "2 days"
        assert moment(datetime(2026, 12, 6, 9, 5, tzinfo=HELSINKI)) == (
            "Sunday 6 December 2026 at 09:05 (UTC+2)"
        )

    @pytest.mark.parametrize(
        ("zone", "offset"),
        [
            ("UTC", "UTC+0"),
            ("Africa/Abidjan", "UTC+0"),
            ("Europe/Helsinki", "UTC+2"),
            ("Asia/Kathmandu", "UTC+5:45"),
            ("America/New_York", "UTC-5"),
            ("America/St_Johns", "UTC-3:30"),
        ],
    )
    def test_a_moment_says_how_far_its_clock_is_from_utc(self, zone: str, offset: str) -> None:
        """East of Greenwich ahead, west of it behind; minutes only where there are some."""
        told = moment(datetime(2026, 1, 15, 9, 5, tzinfo=ZoneInfo(zone)))
        assert told == f"Thursday 15 January 2026 at 09:05 ({offset})"

    @pytest.mark.parametrize(
        ("unit", "count", "words"),
        [
            ("days", 0, "0 days"),
            ("days", 1, "1 day"),
            ("days", 2, "2 days"),
            ("hours", 1, "1 hour"),
            ("hours", 72, "72 hours"),
            ("months", 2, "two months"),
            ("months", 3, "three months"),
            ("months", 4, "4 months"),
            ("months", 12, "12 months"),
        ],
    )
    def test_a_count_takes_its_own_form(self, unit: str, count: int, words: str) -> None:
        """One, two and three have forms of their own where the language has them."""
        assert counted(unit, count) == words
