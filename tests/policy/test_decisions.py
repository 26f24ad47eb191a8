"""Reasons as they are declared and used, and decisions as they are told, word for word."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from tests.policy.support import START, case, sealed

from gdprkit.errors import InvalidValue
from gdprkit.policy.decisions import (
    Decision,
    NotAllowed,
    Outcome,
    Reason,
    allow,
    decide,
    forbid,
    need,
)
from gdprkit.policy.explain import LANGUAGES, READERS, Language, Reader, explain, sentence, text
from gdprkit.policy.languages import check_reader
from gdprkit.policy.matrix import A, Allowed, Column, F, Forbidden, Row, _table
from gdprkit.words.citations import ecsa, gdpr, project
from gdprkit.words.identifiers import SubjectId

NOTICE, DUTY = gdpr("13"), gdpr("6")
OWN, OBJECTION = project("R-310"), gdpr("21(3)")
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def reasons() -> tuple[Reason, Reason, Reason]:
    """Return one reason of each outcome."""
    return (
        allow("notice-given", "R-313", NOTICE).on(2),
        need("duty-unknown", "R-307", DUTY, missing=("evidence of the duties", "a review")),
        forbid("outside-call-hours", "R-310", OWN, OBJECTION).on(3, 9),
    )


def decision(*given: Reason, cell: str | None = None, until: datetime | None = None) -> Decision:
    return Decision(
        question="may_contact",
        about=None,
        at=START,
        law="FI-2026-11",
        reasons=given,
        cell=cell,
        law_until=until,
    )


class TestReasons:
    """What a declared reason holds."""

    def test_each_maker_gives_its_own_outcome(self) -> None:
        """Code, rule and every cited place are kept; only what needs something says what."""
        assert allow("a", "R-1", NOTICE, DUTY) == Reason(
            "a", Outcome.ALLOWED, "R-1", (NOTICE, DUTY), (), (), None
        )
        assert forbid("f", "R-2", OBJECTION, OWN) == Reason(
            "f", Outcome.FORBIDDEN, "R-2", (OBJECTION, OWN), (), (), None
        )
        assert need("n", "R-3", DUTY, OWN, missing="a review") == Reason(
            "n", Outcome.NEEDS, "R-3", (DUTY, OWN), (), ("a review",), None
        )

    def test_several_things_may_be_missing(self) -> None:
        """Each thing that is missing stays apart."""
        assert need("n", "R-3", DUTY, missing=("one", "two")).missing == ("one", "two")

    def test_a_reason_rests_on_entries_and_holds_until_a_moment(self) -> None:
        """What was declared stays; position 0 stands for no entry and is left out."""
        declared = need("n", "R-3", DUTY, missing="a review")
        found = declared.on(4, 0, 2, until=LATER)
        assert found == declared._replace(evidence=(4, 2), until=LATER)
        assert declared.on(4, 2) == declared._replace(evidence=(4, 2))
        assert declared.on(0).evidence == ()
        assert declared.evidence == ()

    def test_every_rule_is_asked(self) -> None:
        """All reasons of all rules are kept, in order, and each rule gets the case."""
        one, two, three = reasons()
        rules = [lambda case: iter((one, case)), lambda _: iter(()), lambda _: iter((three,))]
        assert decide(rules, two) == (one, two, three)


def test_a_case_gives_its_person_moment_and_law_to_the_decision() -> None:
    """Who, when and under which law was asked stands in every answer."""
    person = SubjectId(sealed("person").slot)
    asked = attrs.evolve(case(at=LATER), about=person)
    given = reasons()
    assert asked.decision("may_process", given, cell="M-EM/CON/N") == Decision(
        question="may_process",
        about=person,
        at=LATER,
        law="FI-2026-11",
        reasons=given,
        cell="M-EM/CON/N",
    )


class TestMatrixCells:
    """How the tables of the matrix are written down."""

    def test_cells(self) -> None:
        """An allowing cell holds its conditions in order, each cell the place in the law."""
        section = ecsa("200(3)")
        assert A(section, "own", "optout") == Allowed(("own", "optout"), section)
        assert F(section) == Forbidden(section)

    def test_a_line_is_read_in_the_order_of_the_columns(self) -> None:
        """C+, C-, S, N, OBJ: each answer stands under its own column."""
        line = (A(NOTICE), F(DUTY), A(DUTY), F(NOTICE), F(OBJECTION))
        assert _table({Row.CON: line}) == {
            Row.CON: {
                Column.GIVEN: line[0],
                Column.STOPPED: line[1],
                Column.SOFT: line[2],
                Column.NEVER: line[3],
                Column.OBJECTED: line[4],
            }
        }

    def test_a_line_that_lacks_a_column_is_refused(self) -> None:
        """No cell is left without an answer by mistake."""
        with pytest.raises(ValueError, match="shorter"):
            _table({Row.CON: (F(DUTY),) * 4})  # type: ignore[dict-item]


TOLD: dict[tuple[Language, Reader], str] = {
    ("en", "controller"): """\
may_contact: forbidden [M-PH/CON/N] at 2026-01-05 09:00 UTC
  + the notice was given (GDPR Art. 13; R-313; entry 2)
  ? nobody has looked into the contact's duties (GDPR Art. 6; R-307); \
missing: evidence of the duties, a review
  - the hours set for calls on a working day are missing: it is too early, too late or a free day \
(project setting R-310, GDPR Art. 21(3); R-310; entry 3, 9)
  holds until 2027-01-01 00:00 UTC if nothing new is recorded""",
    ("fi", "controller"): """\
may_contact: kielletty [M-PH/CON/N] hetkellä 2026-01-05 09:00 UTC
  + tiedote on annettu (tietosuoja-asetuksen 13 artikla; R-313; merkintä 2)
  ? selvitys yhteyshenkilön työtehtävistä puuttuu (tietosuoja-asetuksen 6 artikla; R-307)
  - puheluille sallittu aika puuttuu: on liian aikaista, liian myöhäistä tai vapaapäivä \
(kirjaston valinta R-310, tietosuoja-asetuksen 21 artiklan 3 kohta; R-310; merkintä 3, 9)
  voimassa 2027-01-01 00:00 UTC saakka, jos mitään uutta ei kirjata""",
    ("sv", "controller"): """\
may_contact: förbjudet [M-PH/CON/N] vid 2026-01-05 09:00 UTC
  + informationen har lämnats (artikel 13 i dataskyddsförordningen; R-313; anteckning 2)
  ? en utredning av kontaktens arbetsuppgifter saknas (artikel 6 i dataskyddsförordningen; R-307)
  - tiden för samtal på en vardag saknas: det är för tidigt, för sent eller en ledig dag \
(bibliotekets val R-310, artikel 21.3 i dataskyddsförordningen; R-310; anteckning 3, 9)
  gäller till 2027-01-01 00:00 UTC om inget nytt antecknas""",
    ("en", "person"): """\
Forbidden:
  + you have been told how we use your details (GDPR Art. 13)
  ? we have not looked into whether the offer concerns your work (GDPR Art. 6)
  - we do not call at this hour (our own rule, GDPR Art. 21(3))""",
    ("fi", "person"): """\
Kielletty:
  + sinulle on kerrottu, miten käytämme tietojasi (tietosuoja-asetuksen 13 artikla)
  ? emme ole selvittäneet, koskeeko tarjous työtäsi (tietosuoja-asetuksen 6 artikla)
  - emme soita tähän aikaan (oma sääntömme, tietosuoja-asetuksen 21 artiklan 3 kohta)""",
    ("sv", "person"): """\
Förbjudet:
  + du har fått information om hur vi använder dina uppgifter \
(artikel 13 i dataskyddsförordningen)
  ? vi har inte utrett om erbjudandet gäller ditt arbete (artikel 6 i dataskyddsförordningen)
  - vi ringer inte vid den här tiden (vår egen regel, artikel 21.3 i dataskyddsförordningen)""",
}


class TestWords:
    """A decision as it is read."""

    @pytest.mark.parametrize(("language", "reader"), TOLD, ids=str)
    def test_the_whole_of_a_decision(self, language: Language, reader: Reader) -> None:
        """Controller: outcome, cell, moment, each reason, how long it holds; person: reasons."""
        found = decision(*reasons(), cell="M-PH/CON/N", until=LATER)
        assert explain(found, language, reader) == TOLD[language, reader]
        assert found.explain(language, reader) == TOLD[language, reader]

    def test_english_for_the_controller_unless_told_otherwise(self) -> None:
        """The first language and reader are what a program gets that names none."""
        found = decision(*reasons(), cell="M-PH/CON/N", until=LATER)
        assert found.explain() == explain(found) == TOLD["en", "controller"]
        assert text("objected") == "the person has objected"
        assert sentence(forbid("objected", "R-311", OBJECTION)) == (
            "the person has objected (GDPR Art. 21(3); R-311)"
        )

    def test_an_answer_without_cell_or_end_says_nothing_of_them(self) -> None:
        """What is not there leaves no trace: no brackets, no entries, no end."""
        assert explain(decision(allow("notice-given", "R-313", NOTICE))) == (
            "may_contact: allowed at 2026-01-05 09:00 UTC\n"
            "  + the notice was given (GDPR Art. 13; R-313)"
        )

    def test_what_is_said_to_the_person_is_said_once(self) -> None:
        """Two entries for one reason are one line to the person, two to the controller."""
        notice = allow("notice-given", "R-313", NOTICE)
        found = decision(notice.on(2), notice.on(5))
        assert len(explain(found, "en", "person").splitlines()) == 2
        assert len(explain(found).splitlines()) == 3

    def test_an_act_that_is_not_allowed_says_why(self) -> None:
        """The error names the outcome and the codes against, and where the words are."""
        with pytest.raises(NotAllowed) as caught:
            decision(*reasons()).require()
        assert str(caught.value) == (
            "forbidden: duty-unknown, outside-call-hours; "
            "decision.explain() tells each reason in words"
        )

    @pytest.mark.parametrize(
        ("code", "language", "reader"),
        [
            ("no-such-code", "en", "controller"),
            ("objected", "de", "controller"),
            ("objected", "en", "lawyer"),
        ],
    )
    def test_what_has_no_words(self, code: str, language: Language, reader: Reader) -> None:
        """An unknown code, language or reader is refused with what there is."""
        with pytest.raises(InvalidValue) as caught:
            text(code, language, reader)
        assert str(caught.value) == (
            "code, language or reader has no words; "
            "use a code of the reference, one of en, fi, sv, and controller or person"
        )

    @pytest.mark.parametrize(("language", "reader"), [("de", "person"), ("en", "lawyer")])
    def test_an_unknown_language_or_reader(self, language: Language, reader: Reader) -> None:
        """Either alone is refused, before anything is told."""
        words = "language or reader has no words; use en, fi or sv; controller or person"
        for act in (check_reader, decision().explain):
            with pytest.raises(InvalidValue) as caught:
                act(language, reader)
            assert str(caught.value) == words

    def test_every_language_and_reader_there_is_passes(self) -> None:
        """What is listed is told."""
        for language in LANGUAGES:
            for reader in READERS:
                check_reader(language, reader)
                assert decision().explain(language, reader)
