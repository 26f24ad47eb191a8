"""The pages about key providers hold what works: their code runs against services' own rules."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.docs.tables import names_in, rows, section
from tests.docs.test_reference import API, _signature
from tests.docs.transcripts import ROOT, parse
from tests.sealing.fakes import vault
from tests.sealing.fakes.kms import FakeKms
from tests.sealing.fakes.vault import FakeTransit

from gdprkit.sealing.providers import Keyring, MemoryProvider
from gdprkit.testing.provider_contract import KeyProviderContract

KEY = bytes(range(32))
PLACE = {"tenant": "main", "epoch": "k1"}


def names_of(page: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run a page in *folder*, where its files go, and return what it defines."""
    (folder / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(folder)
    document = parse(ROOT / "docs" / "how-to" / page)
    document.namespace["__name__"] = "page"
    for example in document.examples():
        example.evaluate()
    return dict(document.namespace)


def test_the_example_on_the_page_keeps_the_contract(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The provider that readers are shown is a right one, in everything it claims."""
    made = names_of("write-a-key-provider.md", monkeypatch, tmp_path)["TestServiceKeys"]
    contract = made()
    assert isinstance(contract, KeyProviderContract)
    skipped = set()
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if name.startswith("test_"):
            try:
                test(contract.make_provider())
            except pytest.skip.Exception as reason:
                skipped.add(str(reason))
    assert skipped == {"not claimed: can_drop", "not claimed: can_be_denied"}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put stand-ins in the place of the clients that the pages import."""
    service, transit, given = FakeKms(), FakeTransit(), dict[str, Any]()

    def kms_client(name: str, config: Any) -> FakeKms:
        given.update(name=name, config=config)
        return service

    def vault_client(**more: Any) -> Any:
        given.update(more)
        return vault.client(transit)

    for name, module in (
        ("boto3", SimpleNamespace(client=kms_client)),
        ("botocore", SimpleNamespace()),
        ("botocore.config", SimpleNamespace(Config=dict)),
        ("hvac", SimpleNamespace(Client=vault_client)),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    return {"kms": service, "transit": transit, "given": given}


def test_the_recipe_for_kms_runs(
    monkeypatch: pytest.MonkeyPatch, modules: dict[str, Any], tmp_path: Path
) -> None:
    """From the first key to the destroyed one, as the page tells it."""
    page = names_of("use-aws-kms.md", monkeypatch, tmp_path)
    service = modules["kms"]
    for arn in (page["KEY"], page["NEXT"]):
        service.keys[arn], service.states[arn] = [KEY], "Enabled"
    first = page["root_keys"]()
    assert modules["given"]["name"] == "kms"
    assert modules["given"]["config"]["read_timeout"] == 5
    wrapped = first.wrap(KEY, PLACE)
    moved = page["both"](service).rewrap(wrapped, PLACE)
    service.schedule_key_deletion(KeyId=page["KEY"], PendingWindowInDays=7)
    assert page["afterwards"](service).unwrap(moved, PLACE) == KEY
    with pytest.raises(Exception, match="destroyed"):
        page["afterwards"](service).unwrap(wrapped, PLACE)


def test_the_recipe_for_vault_runs(
    monkeypatch: pytest.MonkeyPatch, modules: dict[str, Any], tmp_path: Path
) -> None:
    """The client is made with a time limit, and the provider opens what it wrapped."""
    page = names_of("use-vault-transit.md", monkeypatch, tmp_path)
    modules["transit"].create_key("gdprkit", derived=True)
    provider = page["root_keys"]("a token")
    assert modules["given"]["timeout"] == 5
    assert provider.unwrap(provider.wrap(KEY, PLACE), PLACE) == KEY


def test_the_recipes_import_no_client() -> None:
    """Whoever reads or tests the recipes needs neither boto3 nor hvac."""
    for name in ("aws_kms", "vault_transit"):
        text = (ROOT / "docs" / "examples" / "providers" / f"{name}.py").read_text()
        assert "import boto" not in text
        assert "import hvac" not in text


def test_every_way_to_a_keyring_is_documented() -> None:
    """The reference lists each public call of the keyring with its parameters, and no other."""
    calls = [
        _signature(f"Keyring.{name}", getattr(Keyring, name))
        for name, found in vars(Keyring).items()
        if isinstance(found, classmethod) and not name.startswith("_")
    ]
    shown = names_in(rows(section(API, "## Key providers")))
    assert sorted(shown) == sorted([*calls, _signature("MemoryProvider", MemoryProvider)])
