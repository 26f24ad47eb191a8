"""How citations are written in Finnish and Swedish."""

from __future__ import annotations

import pytest
from tests.policy.reasons import declared_reasons

from gdprkit.policy.citing import cited
from gdprkit.policy.languages import LANGUAGES, READERS, Reader
from gdprkit.policy.phrases import read_phrases
from gdprkit.words.citations import (
    Citation,
    Law,
    accounting,
    credit_act,
    dpa_fi,
    ecsa,
    edpb,
    gdpr,
    ksl,
    limitation,
    project,
    time_limits,
    vat,
)


@pytest.mark.parametrize(
    ("cite", "fi", "sv"),
    [
        (gdpr("87"), "tietosuoja-asetuksen 87 artikla", "artikel 87 i dataskyddsförordningen"),
        (
            gdpr("21(3)"),
            "tietosuoja-asetuksen 21 artiklan 3 kohta",
            "artikel 21.3 i dataskyddsförordningen",
        ),
        (
            gdpr("6(1)(f)"),
            "tietosuoja-asetuksen 6 artiklan 1 kohdan f alakohta",
            "artikel 6.1 f i dataskyddsförordningen",
        ),
        (
            gdpr("recital 47"),
            "tietosuoja-asetuksen johdanto-osan 47 perustelukappale",
            "skäl 47 i dataskyddsförordningen",
        ),
        (
            ecsa("200(3)"),
            "sähköisen viestinnän palveluista annetun lain 200 §:n 3 momentti",
            "200 § 3 mom. i lagen om tjänster inom elektronisk kommunikation",
        ),
        (dpa_fi("29"), "tietosuojalain 29 §", "29 § i dataskyddslagen"),
        (ksl("6"), "kuluttajansuojalain 6 luku", "6 kap. i konsumentskyddslagen"),
        (
            ksl("6:11a"),
            "kuluttajansuojalain 6 luvun 11 a §",
            "6 kap. 11 a § i konsumentskyddslagen",
        ),
        (credit_act("19"), "luottotietolain 19 §", "19 § i kreditupplysningslagen"),
        (accounting("2:10"), "kirjanpitolain 2 luvun 10 §", "2 kap. 10 § i bokföringslagen"),
        (
            limitation("7"),
            "velan vanhentumisesta annetun lain 7 §",
            "7 § i lagen om preskription av skulder",
        ),
        (vat("on real estate investments"), "arvonlisäverolaki", "mervärdesskattelagen"),
        (
            time_limits("3(2)(c)"),
            "asetuksen (ETY, Euratom) N:o 1182/71 3 artiklan 2 kohdan c alakohta",
            "artikel 3.2 c i förordning (EEG, Euratom) nr 1182/71",
        ),
        (
            edpb("01/2022 para 159"),
            "Euroopan tietosuojaneuvoston ohjeet 01/2022, 159 kohta",
            "Europeiska dataskyddsstyrelsens riktlinjer 01/2022, punkt 159",
        ),
        (
            edpb("05/2020 paras 110-111"),
            "Euroopan tietosuojaneuvoston ohjeet 05/2020, kohdat 110-111",
            "Europeiska dataskyddsstyrelsens riktlinjer 05/2020, punkterna 110-111",
        ),
        (project("R-315"), "kirjaston valinta R-315", "bibliotekets val R-315"),
    ],
    ids=str,
)
def test_each_law_is_cited_in_its_manner(cite: Citation, fi: str, sv: str) -> None:
    """Articles, sections and chapters stand as Finnish and Swedish lawyers write them."""
    assert [cited(cite, language) for language in LANGUAGES] == [str(cite), fi, sv]


def test_every_law_has_a_name() -> None:
    """No law lacks a name in a language."""
    assert set(read_phrases("laws.toml")["laws"]) == {str(law) for law in Law}


def test_every_place_that_is_cited_is_read() -> None:
    """No place of a reason is shown in its short form: brackets and English words are gone."""
    for _, reason in declared_reasons():
        for cite in reason.cites:
            if cite.law is not Law.PROJECT:
                for language in LANGUAGES[1:]:
                    said = cited(cite, language)
                    assert not any(mark in said.replace("(E", "") for mark in ("(", " para", "rec"))


def test_an_unknown_place_is_kept() -> None:
    """A place written otherwise is shown as it stands."""
    assert cited(gdpr("6(1)(f), last sentence"), "fi") == (
        "tietosuoja-asetuksen 6(1)(f), last sentence"
    )


@pytest.mark.parametrize("reader", READERS)
def test_a_person_is_not_told_our_numbers(reader: Reader) -> None:
    """A choice of ours is told to the person as ours, without its number."""
    said = [cited(project("R-310"), language, reader) for language in LANGUAGES]
    own = ["our own rule", "oma sääntömme", "vår egen regel"]
    assert (said == own) is (reader == "person")


def test_the_consumer_act_is_cited_by_chapter() -> None:
    """A number alone is a chapter, a number behind a colon its section."""
    assert [str(ksl("6")), str(ksl("6:11a"))] == ["KSL ch. 6", "KSL s. 6:11a"]


def test_english_for_the_controller_unless_told_otherwise() -> None:
    """A program that names neither is answered in English, in the manner of the reference."""
    cite = gdpr("6(1)(f)")
    assert cited(cite) == cited(cite, "en", "controller") == "GDPR Art. 6(1)(f)"
