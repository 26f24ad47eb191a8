"""The canary kit finds what is left of a person, wherever and however it is spelled."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import logging
import lzma
import os
import quopri
import random
import re
import sqlite3
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from tests.keeper.support import jot

from gdprkit.errors import InvalidValue, UnknownName
from gdprkit.sealing.normalise import normalise
from gdprkit.testing import canary_scan
from gdprkit.testing.canary import Canary, CanaryFound, CanaryUnproven
from gdprkit.testing.canary_marks import OVERLAP
from gdprkit.words.vocabulary import FieldKind


def planted(*fields: str) -> Canary:
    return Canary.of(jot(), *fields)


def every(form: str) -> Callable[[str], bytes]:
    """Escape every character, in the given form."""
    return lambda text: "".join(form.format(ord(letter)) for letter in text).encode()


def mixed(data: bytes) -> bytes:
    """Change lower-case hexadecimal digits into capitals at random places."""
    drawn = random.Random(7)
    return bytes(b - 32 if 97 <= b <= 102 and drawn.random() < 0.5 else b for b in data)


#: Name -> how a leak is written, and how the kit calls it.
SPELLINGS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "utf-8": (str.encode, "UTF-8"),
    "utf-8 in capitals": (lambda text: text.upper().encode(), "UTF-8"),
    "utf-8 without capitals": (lambda text: text.lower().encode(), "UTF-8"),
    "utf-16-le": (lambda text: text.encode("utf-16-le"), "UTF-16"),
    "utf-16-be": (lambda text: text.encode("utf-16-be"), "UTF-16"),
    "utf-32": (lambda text: text.encode("utf-32-le"), "UTF-32"),
    "base64": (lambda text: base64.b64encode(text.encode()), "base64"),
    "base64 by one": (lambda text: base64.b64encode(b"x" + text.encode()), "base64"),
    "base64 by two": (lambda text: base64.b64encode(b"xy" + text.encode()), "base64"),
    "base64 urlsafe": (
        lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()),
        "base64",
    ),
    "base64 in capitals": (lambda text: base64.b64encode(text.upper().encode()), "base64"),
    "base64 in lines": (lambda text: base64.encodebytes(b"." * 50 + text.encode()), "base64"),
    "hex": (lambda text: text.encode().hex().encode(), "hex"),
    "hex in capitals": (lambda text: text.encode().hex().upper().encode(), "hex"),
    "hex in pairs": (lambda text: text.encode().hex(" ").encode(), "hex"),
    "json": (lambda text: json.dumps({"ä": text}).encode(), "UTF-8"),
    "json escapes": (every("\\u{:04x}"), "JSON escapes"),
    "json escapes in capitals": (lambda text: mixed(every("\\u{:04x}")(text)), "JSON escapes"),
    "form": (lambda text: quote_plus(text).encode(), "UTF-8"),
    "percent": (every("%{:02x}"), "percent-encoding"),
    "percent in capitals": (every("%{:02X}"), "percent-encoding"),
    "html": (lambda text: html.escape(text).encode(), "UTF-8"),
    "html entities": (every("&#{};"), "HTML entities"),
    "html entities in hex": (every("&#x{:X};"), "HTML entities in hex"),
    "quoted-printable": (every("={:02X}"), "quoted-printable"),
}
FIELDS = ("email", "phone", "name", "address", "customer-number", "message", "ip-address")
#: The colons of an internet address are escaped also where its digits are not.
OTHER = {("form", "ip-address"): "percent-encoding"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", list(SPELLINGS))
def test_a_leak_is_found_in_every_spelling(tmp_path: Path, name: str, field: str) -> None:
    """Whatever a value was turned into: file, offset, spelling and field come out."""
    write, encoding = SPELLINGS[name]
    encoding = OTHER.get((name, field), encoding)
    canary = planted(*FIELDS)
    leak = write(canary.values[field])
    # a soft line break of some mail stands before it
    (tmp_path / "app.log").write_bytes(b"=\n" + b"\n..." * 30 + leak + b"...\n" * 30)
    found = canary.find_in(tmp_path).findings
    assert {(f.field, f.encoding) for f in found} == {(field, encoding)}
    (one,) = found
    assert one.where == str(tmp_path / "app.log")
    assert one.offset is not None
    assert 122 <= one.offset < 122 + len(leak)
    assert one.count == 1
    for value in canary.values.values():
        assert value not in str(one)


def test_a_soft_line_break_hides_nothing(tmp_path: Path) -> None:
    """Quoted-printable breaks long lines anywhere; the mark is found across the break."""
    canary = planted("message")
    wrapped = quopri.encodestring(("ä" * 22 + canary.values["message"]).encode())
    assert canary.values["message"].encode() not in wrapped
    (tmp_path / "mail.eml").write_bytes(wrapped)
    (one,) = canary.find_in(tmp_path).findings
    assert (one.field, one.encoding) == ("message", "quoted-printable")


@pytest.mark.parametrize(
    "written",
    [
        "{0}",
        "+358 {1} {2} {3}",
        "0{1}-{2} {3}",
        "(0{1}) {2}{3}",
        "%2B358%20{1}%20{2}{3}",
        "{1}{2}{3}",
    ],
)
def test_a_telephone_number_is_found_however_it_is_written(tmp_path: Path, written: str) -> None:
    """National or international, with blanks, brackets and dashes between the digits."""
    canary = planted("phone")
    number = canary.values["phone"]
    text = written.format(number, number[4:6], number[6:9], number[9:])
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "calls.csv").write_text(text, encoding=encoding)
        assert canary.find_in(tmp_path).fields == {"phone"}


def test_the_values_are_what_their_fields_take() -> None:
    """Addresses are of reserved ranges and in normal form; what carries no mark is left out."""
    canary = planted()
    values = canary.values
    assert normalise("email-v1", values["email"]).endswith("@example.com")
    assert re.fullmatch(r"\+35840[0-9]{8}", normalise("e164-v1", values["phone"]))
    assert values["ip-address"].startswith("2001:db8:")
    assert canary.left_out == {"language"}
    assert values.keys() | canary.left_out == set(jot().fields)
    assert len(set(values.values())) == len(values)
    with pytest.raises(InvalidValue, match="carry a mark"):
        Canary({"born": FieldKind.BIRTH_DATE})
    with pytest.raises(UnknownName):
        planted("emial")
    assert "ip-address" not in Canary.of(jot(), kind="consumer").values
    assert list(Canary.of(jot(), "ip-address", kind="consumer").values) == ["ip-address"]
    for value in values.values():
        assert value not in repr(canary)


def test_no_two_canaries_meet(tmp_path: Path) -> None:
    """A mark is drawn anew each time and long enough: other canaries and random bytes hold none."""
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text("\n".join(planted().values.values()))
    (tmp_path / "noise").write_bytes(os.urandom(1 << 20))
    digits = "".join(str(random.Random(5).randrange(10)) for _ in range(1 << 16))
    (tmp_path / "digits").write_text(digits)
    report = planted().find_in(tmp_path)
    assert (report.findings, report.unread, report.files) == ((), (), 52)
    canary = planted()
    stems = {v.lower()[: v.index("@")] for k, v in canary.values.items() if k == "email"}
    assert all(len(stem) == 18 and stem.isalpha() for stem in stems)  # 26**14 for the shared part


# --- places --------------------------------------------------------------------------------------


def zipped(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def tarred(path: Path, name: str, data: bytes, mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


def nested(path: Path, data: bytes) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/people.csv", gzip.compress(data))
    tarred(path, "exports.zip", inner.getvalue(), "w:gz")


ARCHIVES: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "export.zip": (lambda p, d: zipped(p, "people.csv", d), "!people.csv"),
    "old.log.gz": (lambda p, d: p.write_bytes(gzip.compress(d)), ""),
    "old.xz": (lambda p, d: p.write_bytes(lzma.compress(d)), ""),
    "backup.tar": (lambda p, d: tarred(p, "people.csv", d, "w"), "!people.csv"),
    "backup.tgz": (lambda p, d: tarred(p, "people.csv", d, "w:gz"), "!people.csv"),
    "backup.tar.bz2": (lambda p, d: tarred(p, "people.csv", d, "w:bz2"), "!people.csv"),
    "no-ending": (lambda p, d: zipped(p, "people.csv", d), "!people.csv"),
    "all.tar.gz": (nested, "!exports.zip!deep/people.csv"),
}


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_a_leak_is_found_inside_archives(tmp_path: Path, name: str) -> None:
    """Packed files are opened whatever their name, one inside the other; the member is named."""
    write, member = ARCHIVES[name]
    canary = planted("email", "name")
    write(tmp_path / name, b"x" * 5000 + canary.values["email"].encode())
    found = {(f.where, f.field, f.offset) for f in canary.find_in(tmp_path).findings}
    assert (f"{tmp_path / name}{member}", "email", 5000) in found
    assert {field for _, field, _ in found} == {"email"}


def test_a_leak_in_a_name_is_found_and_not_repeated(tmp_path: Path) -> None:
    """Names of files, directories and members are looked at; the report takes the mark out."""
    canary = planted("email", "customer-number")
    folder = tmp_path / f"for-{canary.values['customer-number']}"
    folder.mkdir()
    (folder / f"{base64.urlsafe_b64encode(canary.values['email'].encode()).decode()}.txt").touch()
    zipped(folder / "a.zip", f"{canary.values['email']}.pdf", b"x")
    (tmp_path / "latest").symlink_to(f"gone-{canary.values['email']}")
    report = canary.find_in(tmp_path)
    named = {(f.field, f.encoding) for f in report.findings if f.offset is None}
    assert named == {("customer-number", "UTF-8"), ("email", "base64"), ("email", "UTF-8")}
    assert f"{tmp_path}/latest" in {finding.where for finding in report.findings}
    assert not report.unread
    for value in canary.values.values():
        mark = value.removeprefix("C-").removesuffix("@example.com")
        assert mark.lower() not in str(report).lower()


def test_the_files_beside_a_sqlite_file_are_looked_at(tmp_path: Path) -> None:
    """A row that stands in the write-ahead log alone is found by naming the database."""
    canary = planted("email")
    path = tmp_path / "crm.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE people (email)")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO people VALUES (?)", (canary.values["email"],))
    connection.commit()
    (found,) = canary.find_in(path).findings
    assert found.where == f"{path}-wal"
    connection.close()
    (found,) = canary.find_in(path).findings
    assert found.where == str(path)
    (tmp_path / "crm.db-journal").write_text(canary.values["email"])
    assert len(canary.find_in(path).findings) == 2


def test_a_big_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays flat, each leak counts once, one across the border of two pieces as well."""
    monkeypatch.setattr(canary_scan, "_PIECE", 1 << 16)
    canary = planted("email", "message")
    leak = canary.values["email"].encode()
    path = tmp_path / "big.log"
    borders = [
        n * (1 << 16) - back for n, back in ((1, 5), (2, OVERLAP), (3, OVERLAP + 5), (40, 9))
    ]
    with path.open("wb") as file:
        file.truncate(16 << 20)
        for border in borders:
            file.seek(border)
            file.write(leak)
        file.seek(0, os.SEEK_END)
        file.write(leak)
    tracemalloc.start()
    try:
        (found,) = canary.find_in(path).findings
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.offset, found.count, found.field) == (borders[0], 5, "email")
    assert peak < 2 << 20


def test_what_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    """A broken or a password-protected archive fails the search instead of passing for clean."""
    canary = planted("email")
    (tmp_path / "mail.txt").write_text(canary.values["email"])
    canary.seen_in(tmp_path)
    (tmp_path / "mail.txt").write_text("nobody")
    canary.gone_from(tmp_path)
    whole = gzip.compress(os.urandom(1000))
    (tmp_path / "half.gz").write_bytes(whole[:500])
    with pytest.raises(CanaryFound, match=r"not looked into: .*half\.gz: EOFError"):
        canary.gone_from(tmp_path)
    (tmp_path / "half.gz").unlink()
    zipped(tmp_path / "locked.zip", "a.txt", b"x")
    raw = bytearray((tmp_path / "locked.zip").read_bytes())
    for header in (6, raw.index(b"PK\x01\x02") + 8):
        raw[header] |= 1  # says that a password is needed
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(CanaryFound, match=r"not looked into: .*locked\.zip: RuntimeError"):
        canary.gone_from(tmp_path)
    (tmp_path / "locked.zip").unlink()
    deep = b"x"
    for _ in range(9):
        deep = gzip.compress(deep)
    (tmp_path / "deep").write_bytes(deep)
    with pytest.raises(CanaryFound, match="packed more than 8 times"):
        canary.gone_from(tmp_path)


# --- logs ----------------------------------------------------------------------------------------


class Exhibit:
    """Shows in its text what its repr does not."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __str__(self) -> str:
        return self.value


def log_a_leak(logger: logging.Logger, how: str, value: str) -> None:
    if how == "message":
        logger.debug("added " + value)
    elif how == "argument":
        logger.info("added %s", {"who": value})
    elif how == "extra":
        logger.warning("added", extra={"who": [value]})
    elif how == "text of an object":
        logger.warning("added", extra={"who": Exhibit(value)})
    elif how == "wrong call":
        logger.error("added %d of %d", value)  # noqa: PLE1206 -- what a hasty hand writes
    else:
        try:
            raise LookupError(value)  # noqa: TRY301 -- its text leaks
        except LookupError:
            logger.exception("failed")


@pytest.mark.parametrize(
    "how", ["message", "argument", "extra", "text of an object", "wrong call", "exception"]
)
def test_a_leak_in_the_log_is_found(tmp_path: Path, how: str) -> None:
    """A captured record is looked at whole, at every level, also where the call was wrong."""
    canary = planted("email")
    logger = logging.getLogger("app.people")
    (tmp_path / "store").write_text(canary.values["email"])
    canary.seen_in(tmp_path)
    (tmp_path / "store").unlink()
    raising = logging.raiseExceptions
    logging.raiseExceptions = False
    try:
        with canary.listening():
            logger.info("nothing")
            log_a_leak(logger, how, canary.values["email"])
    finally:
        logging.raiseExceptions = raising
    with pytest.raises(CanaryFound, match=r"log record 1 of app\.people: email, UTF-8") as caught:
        canary.gone_from(tmp_path)
    assert canary.values["email"] not in str(caught.value)


def test_texts_and_records_can_be_handed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What pytest captured, records or output, is looked at by name."""
    canary = planted("email")
    (tmp_path / "store").write_text(canary.values["email"])
    canary.seen_in(tmp_path)
    (tmp_path / "store").write_text("nobody")
    logging.getLogger("app").error("kept %s", canary.values["email"])
    with pytest.raises(CanaryFound, match="log record 0 of app"):
        canary.gone_from(tmp_path, log=caplog.records)
    with pytest.raises(CanaryFound, match="standard output: email, UTF-8, offset 3"):
        canary.gone_from(tmp_path, texts={"standard output": f"to {canary.values['email']}"})
    canary.gone_from(tmp_path)


# --- a search that could not fail ----------------------------------------------------------------


def test_nothing_found_counts_only_after_it_was_seen(tmp_path: Path) -> None:
    """Without evidence from before the erasure a search of a clean place is refused."""
    canary = planted("email", "name")
    (tmp_path / "store").write_text("nobody")
    with pytest.raises(CanaryUnproven, match="nothing shows that email, name was there"):
        canary.gone_from(tmp_path)
    with pytest.raises(CanaryUnproven, match="does not hold the canary"):
        canary.seen_in(tmp_path)
    (tmp_path / "store").write_text(canary.values["email"])
    with pytest.raises(CanaryUnproven, match="do not hold the canary's name"):
        canary.seen_in(tmp_path)
    canary.seen_in(tmp_path, fields=["email"])
    (tmp_path / "store").write_text("nobody")
    with pytest.raises(CanaryUnproven, match="nothing shows that name was there"):
        canary.gone_from(tmp_path)


def test_where_it_was_seen_is_searched_again(tmp_path: Path) -> None:
    """Who saw the person in one place and searches another has shown nothing."""
    canary = planted("email")
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "people.csv").write_text("nobody")
    (one / "people.csv").write_text(canary.values["email"])
    with pytest.raises(CanaryUnproven, match="two does not hold the canary"):
        canary.seen_in(one, two)
    canary.seen_in(one / "people.csv")
    with pytest.raises(CanaryUnproven, match=r"was seen in .*people\.csv: search it again"):
        canary.gone_from(two)
    with pytest.raises(CanaryFound):
        canary.gone_from(two, one)
    (one / "people.csv").unlink()
    report = canary.gone_from(two, one)  # it went with the person, so that it is gone is right
    assert (report.files, report.size) == (1, len("nobody"))


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A misspelt path and an empty directory hold no leak and prove nothing."""
    canary = planted("email")
    (tmp_path / "store").write_text(canary.values["email"])
    canary.seen_in(tmp_path / "store")
    (tmp_path / "store").write_text("nobody")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").touch()
    for wrong in (tmp_path / "lgos", tmp_path / "logs"):
        with pytest.raises(CanaryUnproven, match="is not there, or there is nothing in it"):
            canary.gone_from(tmp_path / "store", wrong)
        with pytest.raises(CanaryUnproven, match="is not there, or there is nothing in it"):
            canary.find_in(wrong)
    (tmp_path / "logs" / "app.log").write_text("nothing")
    canary.gone_from(tmp_path, tmp_path / "store", tmp_path / "logs")


def test_a_long_report_is_cut(tmp_path: Path) -> None:
    """All leaks are counted and as many told as anybody reads, what was not read first."""
    canary = planted("email")
    for number in range(100):
        (tmp_path / f"{number:03}.txt").write_text(canary.values["email"])
    (tmp_path / "half.gz").write_bytes(gzip.compress(b"x" * 99)[:20])
    lines = str(canary.find_in(tmp_path)).splitlines()
    assert lines[0].startswith("100 findings in 102 files")
    assert "not looked into" in lines[1]
    assert (len(lines), lines[-1]) == (52, "  and 51 more")


def test_a_name_that_is_no_text_is_looked_at(tmp_path: Path) -> None:
    """Names in the encoding of another system are searched and can be printed."""
    canary = planted("customer-number")
    name = b"\xe4\xf6-" + canary.values["customer-number"].encode() + b".txt"
    (tmp_path / os.fsdecode(name)).touch()
    (tmp_path / "full").write_text("x")
    (found,) = canary.find_in(tmp_path).findings
    assert found.offset is None
    assert str(found).encode().isascii()


def test_links_are_followed_once(tmp_path: Path) -> None:
    """A link to a directory is looked into, and a circle of links ends."""
    canary = planted("email")
    (tmp_path / "releases" / "5").mkdir(parents=True)
    (tmp_path / "releases" / "5" / "a.csv").write_text(canary.values["email"])
    served = tmp_path / "served"
    served.mkdir()
    (served / "current").symlink_to(tmp_path / "releases" / "5")
    (tmp_path / "releases" / "5" / "back").symlink_to(served)
    (found,) = canary.find_in(served).findings
    assert found.where == f"{served}/current/a.csv"
