"""Work over spans of people, for worker processes: each opens its own keeper, once."""

from datetime import UTC, datetime
from functools import cache, partial

from gdprkit import Keyring, RecordKeeper, Register, marketing
from gdprkit.storage import SqliteStore

QUESTION = marketing.may_contact(channel="email", purpose="newsletter")
SOME_DAY = datetime(2050, 1, 1, tzinfo=UTC)


@cache
def keeper_at(path):
    """Open the keeper when it is first asked for; ``cache`` remembers it in this process only."""
    return RecordKeeper(
        Register.load("docs/examples/jot/register.toml"),
        store=SqliteStore(path),
        keys=Keyring.from_file("root.key"),
    )


def newsletter(path, span):
    """Return who may get the newsletter, as plain values."""
    return [str(about) for about in keeper_at(path).audience(QUESTION, span=span)]


def check_list(path, span):
    """Leave one fact with everybody for whom time matters by some day; twice is as once."""
    keeper, done = keeper_at(path), 0
    for about in keeper.waking(SOME_DAY, span=span, limit=1_000_000):
        keeper.record(about, marketing.check_list("robinson-phone", hit=False), key="robinson-2026")
        done += 1
    return done


def on(path, work):
    """Return *work* on one store, ready to travel: a ``partial`` of a function can be pickled."""
    return partial(work, path)
