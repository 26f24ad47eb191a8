"""No nonce comes twice, however calls, threads and processes are mixed (crypto D.4, case 39)."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Event, RLock, Thread
from typing import Any

import pytest
from tests.sealing.support import ANNA, BERT, DictStore, add_person, dec, enc, enc_many, make_keys

from gdprkit.sealing.errors import FieldCryptoError
from gdprkit.sealing.form import HEADER, SUITES
from gdprkit.sealing.keys import SubjectKeys
from gdprkit.sealing.locks import ForkLock
from gdprkit.sealing.opened_keys import SubjectKey
from gdprkit.sealing.settings import KeySettings

# Python 3.12 warns of the very thing that is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def nonce(envelope: bytes) -> bytes:
    return envelope[HEADER : HEADER + SUITES[envelope[1]].nonce]


def a_key(suite: int = 1) -> SubjectKey:
    store = DictStore()
    settings = KeySettings(suite=suite, suites=[suite])
    return add_person(make_keys(store, settings=settings), store).newest


def test_d39_many_nonces_of_single_and_batch_calls_are_distinct(
    request: pytest.FixtureRequest,
) -> None:
    """Of 10^6 nonces (10^5 in the quick run), drawn singly and in batches, no two are equal."""
    count = 1_000_000 if request.config.getoption("--thorough") else 100_000
    key = a_key()
    seen = {nonce(enc("x", key)) for _ in range(count // 2)}
    batch = [("x", 1, "f")] * 1000
    for _ in range(count // 2000):
        seen.update(map(nonce, enc_many(batch, key)))
    assert len(seen) == count


@pytest.mark.parametrize("suite", SUITES)
def test_d39_every_suite_draws_a_whole_nonce(suite: int) -> None:
    """Neither part of the nonce of any suite stands still."""
    key = a_key(suite)
    drawn = [nonce(enc("x", key)) for _ in range(64)] + [
        nonce(each) for each in enc_many([("x", 1, "f")] * 64, key)
    ]
    size = SUITES[suite].nonce
    assert {len(each) for each in drawn} == {size}
    for start in range(0, size, 12):
        assert len({each[start : start + 12] for each in drawn}) == len(drawn)


def test_d39_threads_share_a_key_and_no_nonce() -> None:
    """Eight threads seal under one opened key at once."""
    key = a_key()
    with ThreadPoolExecutor(8) as pool:
        parts = pool.map(lambda _: [nonce(enc("x", key)) for _ in range(2000)], range(8))
        drawn = [each for part in parts for each in part]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork has no such danger")
def test_d39_a_fork_of_a_warm_process_repeats_no_nonce() -> None:
    """Parent and children, forked after the key was used, draw different nonces."""
    key = a_key()
    enc("x", key)
    enc_many([("x", 1, "f")] * 20, key)
    drawn: list[bytes] = []
    for _ in range(4):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            batch = map(nonce, enc_many([("x", 1, "f")] * 50, key))
            os.write(write, b"".join([*(nonce(enc("x", key)) for _ in range(50)), *batch]))
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
        assert os.waitpid(child, 0)[1] == 0
        drawn.extend(data[start : start + 12] for start in range(0, len(data), 12))
    drawn.extend(nonce(enc("x", key)) for _ in range(100))
    assert len(drawn) == 500
    assert len(set(drawn)) == 500


def _draw(count: int) -> list[bytes]:
    key = a_key()
    return [nonce(enc("x", key)) for _ in range(count)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_d39_worker_processes_repeat_no_nonce(method: str) -> None:
    """Processes started either way draw nonces of their own."""
    with multiprocessing.get_context(method).Pool(2) as pool:
        drawn = [each for part in pool.map(_draw, [200, 200]) for each in part]
    assert len(set(drawn)) == len(drawn) == 400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_waits_for_no_thread_of_its_parent() -> None:
    """A process forked while another thread is opening a key opens that person's key itself."""
    store = DictStore()
    people = make_keys(store)
    add_person(people, store)
    add_person(people, store, BERT)
    people = make_keys(store)
    begun, go_on = Event(), Event()
    rows = store.keys

    def slow(about: object) -> object:
        begun.set()
        assert go_on.wait(30)
        return rows(ANNA)

    store.keys = slow  # type: ignore[assignment, method-assign]
    thread = Thread(target=lambda: people.of(ANNA))
    thread.start()
    assert begun.wait(30)
    child = os.fork()  # the thread holds the lock of Anna's look-up, and of the key epochs perhaps
    if child == 0:
        store.keys = rows  # type: ignore[method-assign]
        people.of(ANNA)
        people.of(BERT)
        os._exit(0)
    deadline = time.monotonic() + 30
    done, status = 0, -1
    while not done and time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not done:
        os.kill(child, 9)
        os.waitpid(child, 0)
    go_on.set()
    thread.join()
    assert (done, status) == (child, 0)


def test_a_lock_is_reentrant_and_lets_go() -> None:
    """The same thread takes it twice; another one waits until it is given back twice."""
    lock, taken = ForkLock(), Event()

    def other() -> None:
        with lock:
            taken.set()

    with lock, lock:
        thread = Thread(target=other)
        thread.start()
        assert not taken.wait(0.05)
    thread.join(10)
    assert taken.is_set()


def test_threads_of_a_new_process_agree_on_one_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork the first threads come at once: one at a time holds the lock, and gives it back.

    Each thread waits inside the making of a lock until the other one makes its own.
    """
    lock, both = ForkLock(), Barrier(2)
    holding: list[int] = []
    most: list[int] = []

    def made() -> Any:
        with suppress(BrokenBarrierError):
            both.wait(1)
        return RLock()

    def hold() -> None:
        with lock:
            holding.append(1)
            most.append(len(holding))
            time.sleep(0.05)
            holding.pop()

    monkeypatch.setattr("gdprkit.sealing.locks.RLock", made)
    monkeypatch.setattr(os, "getpid", lambda: 0)
    with ThreadPoolExecutor(2) as pool:
        for thread in [pool.submit(hold), pool.submit(hold)]:
            thread.result(10)
    assert most == [1, 1]


def test_d45_failures_take_no_time_that_tells_the_plaintext() -> None:
    """Refusing two tampered or foreign values of one length takes as long, whatever they hold.

    A smoke test: the fastest of many interleaved rounds may differ by no more than a factor of
    two. A comparison that ended at the first byte that differs would differ by far more.
    """
    store = DictStore()
    keys: SubjectKeys = make_keys(store)
    versions = add_person(keys, store)
    blobs = [enc(text * 4000, versions.newest) for text in ("a", "z")]
    tampered = [blob[:-1] + bytes([blob[-1] ^ 1]) for blob in blobs]
    foreign = [blob[:2] + bytes(20) + blob[22:] for blob in blobs]
    times: list[list[int]] = [[], [], [], []]
    for _ in range(400):
        for which, blob in enumerate([*tampered, *foreign]):
            start = time.perf_counter_ns()
            with pytest.raises(FieldCryptoError):
                dec(blob, versions)
            times[which].append(time.perf_counter_ns() - start)
    one, two, three, four = map(min, times)
    assert 0.5 < one / two < 2
    assert 0.5 < three / four < 2
