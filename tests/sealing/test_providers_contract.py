"""The providers that come with gdprkit keep the contract (crypto D.28, D.34, D.35)."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest

from gdprkit.sealing.errors import KeyProviderDenied
from gdprkit.sealing.providers import KeyProvider, Keyring, MemoryProvider
from gdprkit.testing.provider_contract import KeyProviderContract


class TestMemoryProvider(KeyProviderContract):
    """One root key in memory keeps every promise that one root key can."""

    def make_provider(self) -> KeyProvider:
        return MemoryProvider()


class TestKeyringFile(KeyProviderContract):
    """A keyring's file rotates, and tells destroyed root keys from missing ones."""

    can_rotate = True
    can_drop = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.paths = (tmp_path / f"root-{number}.key" for number in count())

    def make_provider(self) -> KeyProvider:
        self.path = next(self.paths)
        return Keyring.create(self.path)

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        self.old = provider.describe().key_id
        return Keyring.add_root(self.path)

    def drop(self, provider: KeyProvider) -> KeyProvider:
        return Keyring.drop_root(self.path, self.old)


class TestKeyringVariable(TestKeyringFile):
    """A keyring out of a variable rotates by other text, and a key left out is denied."""

    dropped = KeyProviderDenied

    @pytest.fixture(autouse=True)
    def _variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.environment = monkeypatch

    def make_provider(self) -> KeyProvider:
        super().make_provider()
        return self.read()

    def rotate(self, provider: KeyProvider) -> KeyProvider:
        super().rotate(provider)
        return self.read()

    def drop(self, provider: KeyProvider) -> KeyProvider:
        lines = self.path.read_text().splitlines()
        return self.read("\n".join(line for line in lines if not line.startswith(self.old)))

    def read(self, text: str | None = None) -> KeyProvider:
        self.environment.setenv("GDPRKIT_KEYRING", text or self.path.read_text())
        try:
            return Keyring.from_environment()
        finally:
            del os.environ["GDPRKIT_KEYRING"]  # it is read once
