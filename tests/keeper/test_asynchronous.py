"""The awaited keeper: the same methods, over stores that block and stores that are awaited."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from tests.keeper.support import House, house_on, jot, provider

from gdprkit import AsyncRecordKeeper, NotAllowed, RecordKeeper, connection, marketing, retention
from gdprkit.errors import InvalidValue, UnknownSubject
from gdprkit.sealing.erasure_file import FileErasureLedger
from gdprkit.storage import (
    AsyncPostgresStore,
    BlockingStore,
    MemoryStore,
    SqliteStore,
    install_postgres,
)
from gdprkit.words.identifiers import FieldId, SubjectId

WHOM = {"kind": "company-contact", "source": "contact-form", "notice": "v7"}
MAY_WE = marketing.may_contact(channel="email", purpose="direct-marketing")


def added(number: int = 0) -> dict[str, Any]:
    return {**WHOM, "fields": {"email": f"contact.{number}@example.com"}}


async def life(keeper: AsyncRecordKeeper) -> tuple[SubjectId, tuple[SubjectId, ...]]:
    """Add 120 people, stop one, find and read them, erase another."""
    people = [await keeper.add_person(**added(number)) for number in range(120)]
    anna, bo = people[:2]
    receipt = await keeper.record(anna, marketing.object_to(via="email"), key="m-1")
    assert (await keeper.record(anna, marketing.object_to(via="email"), key="m-1")).repeated
    assert not receipt.repeated
    assert not await keeper.ask(anna, MAY_WE)
    assert await keeper.find(email="contact.0@example.com") == (anna,)
    assert (await keeper.read(anna, "email"))[FieldId("email")].reveal() == "contact.0@example.com"
    plan = await keeper.plan(bo, retention.erasure(reason="unlawful", reference="r-7"))
    assert (await keeper.apply(plan, approve=plan.digest)).person_erased
    await keeper.verify(anna)
    assert not (await keeper.run(lambda blocking: blocking.keys.status())).begun
    return anna, tuple([one async for one in keeper.people()])


def on_postgres(uri: str, work: Callable[[AsyncConnectionPool[Any]], Awaitable[None]]) -> None:
    """Await *work* with a pool over an installed database."""
    with psycopg.connect(uri) as setup:
        install_postgres(setup)

    async def main() -> None:
        async with AsyncConnectionPool(uri, min_size=1, max_size=4, open=False) as pool:
            await work(pool)

    asyncio.run(main())


def over(pool: AsyncConnectionPool[Any] | psycopg.AsyncConnection[Any]) -> BlockingStore:
    return BlockingStore(AsyncPostgresStore(pool), asyncio.get_running_loop())


def test_every_method_is_there() -> None:
    """The awaited keeper has every public name of the keeper that blocks, with its parameters,
    but ``fields`` and ``keys``, which ``run`` reaches."""
    names = {name for name in vars(RecordKeeper) if not name.startswith("_")}
    assert names - {"fields", "keys"} == {
        name for name in vars(AsyncRecordKeeper) if not name.startswith("_")
    } - {"run"}
    for name in names - {"fields", "keys", "register", "on"}:
        mine, blocking = getattr(AsyncRecordKeeper, name), getattr(RecordKeeper, name)
        assert inspect.signature(mine) == inspect.signature(blocking), name
        assert mine.__doc__ == blocking.__doc__, name


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_over_a_store_that_blocks(kind: str, tmp_path: Path) -> None:
    """A whole life and a walk of more than one page are those of the keeper inside."""
    with MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "people.db") as store:
        house = house_on(store)
        anna, people = asyncio.run(life(AsyncRecordKeeper(house.keeper)))
        assert people == tuple(house.keeper.people())
        assert len(people) == 120
        assert len(house.keeper.line(anna)) == 4


def test_over_an_awaited_store(postgres: str) -> None:
    """The same life over PostgreSQL, through the pool of the loop, with tasks side by side."""

    async def work(pool: AsyncConnectionPool[Any]) -> None:
        keeper = AsyncRecordKeeper(RecordKeeper(jot(), store=over(pool), keys=provider()))
        anna, people = await life(keeper)
        assert len(people) == 120
        acts = [connection.start(reference=f"contract-{number}") for number in range(6)]
        await asyncio.gather(*(keeper.record(anna, act) for act in acts))
        assert len(await keeper.line(anna)) == 4 + len(acts)
        await keeper.verify(anna)

    on_postgres(postgres, work)


def test_with_an_erasure_ledger(postgres: str, tmp_path: Path) -> None:
    """A keeper that reads its store while it is made is made in a thread, and works."""

    async def work(pool: AsyncConnectionPool[Any]) -> None:
        ledger = FileErasureLedger(tmp_path / "erasures.jsonl")
        keeper = AsyncRecordKeeper(
            await asyncio.to_thread(
                RecordKeeper, jot(), store=over(pool), keys=provider(), erasures=ledger
            )
        )
        bo = await keeper.add_person(**added())
        plan = await keeper.plan(bo, retention.erasure(reason="unlawful", reference="r-7"))
        assert (await keeper.apply(plan, approve=plan.digest)).person_erased
        assert len(list(ledger.records())) == 1

    on_postgres(postgres, work)


def test_the_threads_of_the_loop_stay_free(swift: House) -> None:
    """While calls fill all threads of the keeper, the loop's own look a server's name up: if they
    were the same, calls that wait for a connection would keep it from being made."""
    may_end = threading.Event()

    async def main() -> None:
        keeper = AsyncRecordKeeper(swift.keeper, threads=2)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        waiting = [asyncio.create_task(keeper.run(lambda _: may_end.wait())) for _ in range(4)]
        await asyncio.sleep(0)
        try:
            found = asyncio.get_running_loop().getaddrinfo("127.0.0.1", 5432)
            assert await asyncio.wait_for(found, timeout=60)
        finally:
            may_end.set()
        await asyncio.gather(*waiting)

    asyncio.run(main())


class _Slow(Exception):
    """Raised by work that was waited for."""


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_call_is_waited_for(swift: House, times: int, *, fails: bool) -> None:
    """A call that is cancelled, once or again and again, has ended when the task has: nothing of
    it goes on behind, and it is stored whole."""
    about = swift.anna()
    before = len(swift.keeper.line(about))
    began, may_end = threading.Event(), threading.Event()

    def slowly(keeper: RecordKeeper) -> None:
        began.set()
        may_end.wait()
        keeper.record(about, connection.start(reference="a"), connection.start(reference="b"))
        if fails:
            raise _Slow

    async def main() -> None:
        task = asyncio.create_task(AsyncRecordKeeper(swift.keeper).run(slowly))
        await asyncio.to_thread(began.wait)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(swift.keeper.line(about)) == before + 2

    asyncio.run(main())


def test_a_call_that_has_not_begun_is_never_made(swift: House) -> None:
    """Cancelled while all threads are taken, a call stores nothing."""
    about = swift.anna()
    before = swift.keeper.line(about)
    began, may_end = threading.Event(), threading.Event()

    def holds(_: RecordKeeper) -> None:
        began.set()
        may_end.wait()

    async def main() -> None:
        keeper = AsyncRecordKeeper(swift.keeper, threads=1)
        first = asyncio.create_task(keeper.run(holds))
        await asyncio.to_thread(began.wait)
        second = asyncio.create_task(keeper.record(about, connection.start(reference="a")))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        may_end.set()
        await first

    asyncio.run(main())
    assert swift.keeper.line(about) == before


def test_cancelled_inside_a_hosts_transaction(postgres: str) -> None:
    """A call that is cancelled on the connection of a host goes with the host's rollback, row and
    entry alike; nothing is committed by itself afterwards."""

    async def work(pool: AsyncConnectionPool[Any]) -> None:
        keeper = AsyncRecordKeeper(RecordKeeper(jot(), store=over(pool), keys=provider()))
        await keeper.run(lambda blocking: blocking.keys.ready())
        async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as host:
            await host.execute("CREATE TABLE member (id int)")

            async def join() -> None:
                async with host.transaction():
                    await host.execute("INSERT INTO member VALUES (1)")
                    within = await keeper.on(over(host))
                    for number in range(50):
                        await within.add_person(**added(number))

            for turns in range(0, 60, 3):
                task = asyncio.create_task(join())
                for _ in range(turns):
                    await asyncio.sleep(0.001)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert [one async for one in keeper.people()] == []
                assert await (await host.execute("SELECT * FROM member")).fetchall() == []

            async with host.transaction():
                within = await keeper.on(over(host))
                ida = await within.add_person(**added())
                assert [one async for one in keeper.people()] == []
            assert [one async for one in keeper.people()] == [ida]

    on_postgres(postgres, work)


def test_errors_arrive_as_they_were_raised(swift: House) -> None:
    """An error keeps its class, its parts and its cause, and gets no other error as context."""
    about = swift.plain()
    swift.erase(about)
    act = connection.start(reference="a")
    with pytest.raises(NotAllowed) as blocking:
        swift.keeper.record(about, act)
    keeper = AsyncRecordKeeper(swift.keeper)

    async def wrong() -> None:
        with pytest.raises(NotAllowed) as awaited:
            await keeper.record(about, act)
        for part in ("__dict__", "args", "__cause__", "__context__"):
            assert getattr(awaited.value, part) == getattr(blocking.value, part)
        with pytest.raises(UnknownSubject):
            await keeper.standing(SubjectId(UUID(int=7)))
        with pytest.raises(InvalidValue):
            [one async for one in keeper.audience("who?")]

    asyncio.run(wrong())


def test_variables_of_the_task_are_seen(swift: House) -> None:
    """Work sees the context variables of the task that awaits it, such as the id of a request."""
    request = contextvars.ContextVar("request", default="none")

    async def main() -> str:
        request.set("request-7")
        return await AsyncRecordKeeper(swift.keeper).run(lambda _: request.get())

    assert asyncio.run(main()) == "request-7"


def test_what_is_no_keeper_is_refused(swift: House) -> None:
    """A store in the keeper's place, or no thread at all, is refused with words."""
    with pytest.raises(InvalidValue, match="is no RecordKeeper"):
        AsyncRecordKeeper(swift.store)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="is below one"):
        AsyncRecordKeeper(swift.keeper, threads=0)


def test_a_keeper_that_blocks_refuses_an_awaited_store(swift: House, postgres: str) -> None:
    """An awaited store, given to a keeper or to ``on`` as it is, is refused at once, with the way
    to use it."""

    async def work(pool: AsyncConnectionPool[Any]) -> None:
        awaited: Any = AsyncPostgresStore(pool)
        with pytest.raises(InvalidValue, match="BlockingStore"):
            RecordKeeper(jot(), store=awaited, keys=provider())
        with pytest.raises(InvalidValue, match="BlockingStore"):
            await AsyncRecordKeeper(swift.keeper).on(awaited)

    on_postgres(postgres, work)
