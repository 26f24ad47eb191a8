"""The part of the contract of stores about several processes, and about one that is killed.

What the other processes do stands in ``store_processes``.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import attrs
import pytest

from gdprkit.errors import TokenSpent
from gdprkit.ledger.chain import verify_line
from gdprkit.storage.protocol import Store
from gdprkit.testing.store_abilities import StoreAbilities
from gdprkit.testing.store_processes import SHARED, TOKENS, Opener, meet, share, write_until_killed
from gdprkit.testing.store_values import follow, moment, person, slot

__all__ = ["ProcessesContract"]

ANNA, BO = person(1), person(2)
WRITERS, ROUNDS = 3, 12


class ProcessesContract(StoreAbilities):
    """Inherited through ``StoreContract``."""

    def _opener(self, store: Store) -> Opener:
        return self.open_store, self.address(store)

    def test_processes_share_one_store(self, store: Store) -> None:
        """Of several processes exactly one wins each position, act and token; nothing is lost."""
        self.needs("has_address")
        opener = self._opener(store)
        context = get_context("spawn")
        start = context.Barrier(WRITERS, timeout=60)  # one after the other they would not meet
        with ProcessPoolExecutor(WRITERS, context, meet, (start, opener)) as processes:
            work = [processes.submit(share, opener, name, ROUNDS) for name in range(WRITERS)]
            done = [each.result() for each in work]
        line, last = store.line(SHARED), store.standing(SHARED)
        assert last is not None
        verify_line(store.tenant, SHARED, line, last.head)
        won = sorted(position for positions, _ in done for position in positions)
        assert len(won) == len(set(won)) == WRITERS * ROUNDS
        for name, (positions, _) in enumerate(done):
            wanted = [b"%d of writer %d" % (number, name) for number in range(ROUNDS)]
            assert [line[position - 1].body for position in positions] == wanted
        assert sorted(number for _, firsts in done for number in firsts) == list(range(TOKENS))
        assert len(line) == WRITERS * ROUNDS + TOKENS

    def test_another_process_sees_what_was_committed(self, store: Store) -> None:
        """Two stores on the same data agree after every commit, without being reopened."""
        self.needs("has_address")
        open_store, address = self._opener(store)
        other = open_store(address)
        for number in range(3):
            for left, right in ((store, other), (other, store)):
                batch = follow(left, ANNA, b"%d" % number)
                left.commit(batch)
                assert right.standing(ANNA) == batch.standing
        other.close()

    def test_a_killed_process_loses_nothing_it_was_told_of(self, store: Store) -> None:
        """Every commit that returned is there, no half one is, and others write on at once."""
        self.needs("has_address")
        context = get_context("spawn")
        told, tells = context.Pipe(duplex=False)
        process = context.Process(
            target=write_until_killed, args=(self._opener(store), tells), daemon=True
        )
        process.start()
        tells.close()
        kept = 0
        while kept < 20:
            kept = told.recv()
        process.kill()
        process.join()
        try:
            while True:
                kept = told.recv()
        except EOFError:
            told.close()
        lines = {about: store.line(about) for about in (ANNA, BO)}
        end = len(lines[ANNA])
        assert kept <= end <= kept + 1
        for about, line in lines.items():
            standing = store.standing(about)
            assert standing is not None
            assert [entry.body for entry in line] == [b"%d" % n for n in range(1, end + 1)]
            verify_line(store.tenant, about, line, standing.head)
            assert dict(store.values(about, [slot(1)])) == {slot(1): b"%d" % end}
            with pytest.raises(TokenSpent):
                store.commit(attrs.evolve(follow(store, about, b"x"), spend=[b"%d" % end]))
        assert dict(store.find([b"term %d" % end])) == {b"term %d" % end: (ANNA, BO)}
        assert [found.about for found in store.tagged(f"n-{end}")] == [ANNA, BO]
        assert list(store.waking(moment(end), limit=9)) == [ANNA, BO]
        assert list(store.waking(moment(end - 1), limit=9)) == []
        token = b"%d" % (end + 1)
        store.commit(*(attrs.evolve(follow(store, a, b"y"), spend=[token]) for a in lines))
