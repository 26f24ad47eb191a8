"""A citation as each language writes it.

Decides how a law and a place in it are said in Finnish and Swedish, and that a person is not told
the number of a rule of ours. Leaves out what the place says. Always true: a place that is written
in no known manner is shown as it stands, so a citation is never lost.
"""

from __future__ import annotations

import re
from typing import Final

from gdprkit.policy.languages import Language, Reader
from gdprkit.policy.phrases import read_phrases
from gdprkit.words.citations import Citation, Law

__all__ = ["cited"]

_FILE: Final = "laws.toml"

#: How places of articles are written: 6(1)(f), 21(3), 87.
_ARTICLE: Final = re.compile(r"(?P<a>\d+)(?:\((?P<b>\d+)\))?(?:\((?P<c>[a-z])\))?")
#: Sections: 200(3), 29; in acts divided in chapters a colon stands between chapter and section.
_SECTION: Final = re.compile(r"(?P<a>\d+\w?)(?:\((?P<b>\d+)\))?")
_CHAPTER: Final = re.compile(r"(?P<a>\d+)(?::(?P<b>\d+\w?))?")
_PARAGRAPH: Final = re.compile(r"(?P<a>[\d/]+) para(?P<many>s)? (?P<b>[\d-]+)")
_RECITAL: Final = re.compile(r"recital (?P<a>\d+)")


def cited(cite: Citation, language: Language = "en", reader: Reader = "controller") -> str:
    """Return a citation: ``GDPR Art. 21(3)``, ``tietosuoja-asetuksen 21 artiklan 3 kohta``."""
    said = read_phrases(_FILE)
    if cite.law is Law.PROJECT and reader == "person":
        return str(said["own"]["choice"][language])
    if language == "en":
        return str(cite)
    place = _place(cite, language)
    return str(said["laws"][cite.law][language]).format(place=place)


def _place(cite: Citation, language: Language) -> str:
    kind, found = _read(cite)
    if found is None:
        return cite.place
    # 11a is written 11 a
    parts = {k: re.sub(r"(?<=\d)(?=[a-z])", " ", v) for k, v in found.groupdict("").items()}
    return str(read_phrases(_FILE)["places"][kind][language]).format(**parts)


def _read(cite: Citation) -> tuple[str, re.Match[str] | None]:
    """Return the manner in which a place is written, and its parts."""
    if found := _RECITAL.fullmatch(cite.place):
        return "recital", found
    match cite.law:
        case Law.GDPR | Law.TIME_LIMITS:
            return _counted("article", _ARTICLE.fullmatch(cite.place))
        case Law.KSL | Law.ACCOUNTING_FI:
            return _counted("chapter", _CHAPTER.fullmatch(cite.place))
        case Law.ECSA | Law.DPA_FI | Law.CREDIT_FI | Law.LIMITATION_FI | Law.POPULATION_FI:
            return _counted("section", _SECTION.fullmatch(cite.place))
        case Law.EDPB:
            found = _PARAGRAPH.fullmatch(cite.place)
            return "paragraphs" if found and found["many"] else "paragraph", found
        case Law.PROJECT | Law.VAT_FI:
            return "", None


def _counted(kind: str, found: re.Match[str] | None) -> tuple[str, re.Match[str] | None]:
    depth = 0 if found is None else sum(found[name] is not None for name in found.groupdict())
    return f"{kind}-{depth}", found
