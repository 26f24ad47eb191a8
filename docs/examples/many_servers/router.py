"""One keeper over several servers: people are shared out among them by a stable hash of their id.

An example to start from, not a part of the library. What belongs to a person lies on one server and
is written in one commit there. Three things do not belong to a person, and this is where they cost:

- Key epochs are the same everywhere. The first server decides; the others hold copies, so that
  each can refuse by itself what hangs on a destroyed one.
- Looking for a person by a contact point, and for a contact point in the suppression list, asks
  every server: hashes do not tell whose they are.
- A commit about people on two servers is refused: nothing would make it whole. Add people one by
  one, and expect ``merge`` of two lines, what is carried on to a line merged with this one, and
  ``record_many`` to be refused where the lines lie apart.
"""

from collections import defaultdict
from functools import partial
from hashlib import sha256
from heapq import merge
from itertools import chain, islice
from operator import attrgetter

from gdprkit.errors import InvalidValue, StoreClosed, StoreUnavailable
from gdprkit.storage.span import ALL

#: People are shared out into so many parts for good, and parts to servers: a server is added by
#: moving whole parts, not by hashing everybody anew.
PARTS = 1024

#: Methods of ``Store`` that are about one person, whom they name first.
OF_A_PERSON = {"standing", "line", "values", "terms", "receipt", "expunged", "keys", "expunge"}

#: Methods that give everybody, and the id by which what they give is in order.
IN_ORDER = {
    "people": attrgetter("int"),
    "tagged": attrgetter("about.int"),
    "ends": attrgetter("about.int"),
    "lines": attrgetter("standing.about.int"),
    "marks": attrgetter("about.int"),
    "expunged_lines": lambda found: found[0].int,
}


class ManyServers:
    """Keeps the protocol ``Store`` on several stores of one tenant, but for commits on two."""

    def __init__(self, *stores):
        self.stores = stores
        self.tenant = stores[0].tenant
        for row in stores[0].epochs():
            self._copy(row)  # a process may have died between the first server and the others

    def of(self, about):
        """Return the store of a person."""
        part = int.from_bytes(sha256(about.bytes).digest()[:4], "big") % PARTS
        return self.stores[part * len(self.stores) // PARTS]

    def __getattr__(self, name):
        if name in OF_A_PERSON:
            return lambda about, *rest, **more: getattr(self.of(about), name)(about, *rest, **more)
        if name in IN_ORDER:
            return partial(self._in_order, name)
        raise AttributeError(name)

    def _in_order(self, name, *asked, **more):
        walks = [getattr(store, name)(*asked, **more) for store in self.stores]
        return merge(*walks, key=IN_ORDER[name])

    # --- of nobody in particular: every server is asked ---------------------------------------

    def values_of(self, wanted):
        found = {about: self.values(about, slots) for about, slots in wanted.items()}
        return {about: values for about, values in found.items() if values}

    def keys_of(self, people):
        return {about: rows for about in people if (rows := self.keys(about))}

    def find(self, terms):
        found, wanted = defaultdict(set), list(terms)
        for store in self.stores:
            for term, people in store.find(wanted).items():
                found[term].update(people)
        return {term: tuple(sorted(people)) for term, people in found.items()}

    def suppressed(self, hashes):
        wanted = list(hashes)
        return _together(chain(*(s.suppressed(wanted).values() for s in self.stores)))

    def suppressions(self):
        rows = merge(*(s.suppressions() for s in self.stores), key=lambda r: (r.hash, r.scope))
        return iter([row for rows in _together([rows]).values() for row in rows])

    def waking(self, until, *, span=ALL, limit):
        """Server by server, each earliest first: a store does not tell when somebody wakes."""
        walks = [store.waking(until, span=span, limit=limit) for store in self.stores]
        return islice(chain(*walks), limit)

    # --- writing ------------------------------------------------------------------------------

    def commit(self, *batches):
        servers = {id(store): store for store in (self.of(batch.about) for batch in batches)}
        if len(servers) > 1:
            raise InvalidValue("batches", "are about people on two servers", "commit them apart")
        for store in servers.values():
            store.commit(*batches)

    # --- keys ---------------------------------------------------------------------------------

    def epochs(self):
        return self.stores[0].epochs()

    def add_epoch(self, row):
        self.stores[0].add_epoch(row)
        for kept in self.stores[0].epochs():  # another process may have been first
            self._copy(kept)

    def _copy(self, row):
        for store in self.stores[1:]:
            store.add_epoch(row)

    def replace_epoch(self, old, new):
        for store in reversed(self.stores):
            changed = store.replace_epoch(old, new)
        return changed

    def destroy_epoch(self, row):
        # the first server last: while it has the epoch, whoever was stopped here goes on
        gone = [store.destroy_epoch(row) for store in reversed(self.stores)]
        return all(gone)

    def hanging(self):
        found = defaultdict(int)
        for store in self.stores:
            for epoch, count in store.hanging().items():
                found[epoch] += count
        return dict(found)

    def key_rows(self, *, kek=None, after=None, limit):
        pages = [store.key_rows(kek=kek, after=after, limit=limit) for store in self.stores]
        return list(islice(merge(*pages, key=lambda row: (row.about.int, row.version)), limit))

    def replace_keys(self, changes):
        apart = defaultdict(list)
        for old, new in changes:
            apart[self.stores.index(self.of(old.about))].append((old, new))
        return sum(self.stores[number].replace_keys(part) for number, part in apart.items())

    def tombstone(self, mark):
        """Ask whoever is there: that of an erasure lies with the person, others lie on all.

        So whoever has rows of a person has their tombstone too.
        """
        away = []
        for store in self.stores:
            try:
                if (found := store.tombstone(mark)) is not None:
                    return found
            except (StoreClosed, StoreUnavailable) as error:
                away.append(error)
        if len(away) == len(self.stores):
            raise away[0]
        return None

    def tombstones_of(self, marks):
        return {mark: row for mark in marks if (row := self.tombstone(mark)) is not None}

    def tombstones(self):
        found = {row.mark: row for store in self.stores for row in store.tombstones()}
        return sorted(found.values(), key=lambda row: (row.erased_at, row.mark))

    def add_tombstone(self, tombstone):
        for store in self.stores:
            store.add_tombstone(tombstone)

    def close(self):
        for store in self.stores:
            store.close()


def _together(groups):
    """Return the rows of each hash, of each scope the newest, in order."""
    kept = {}
    for row in chain(*groups):
        key = row.hash, row.scope
        kept[key] = kept[key].renewed(row) if key in kept else row
    found = defaultdict(list)
    for hashed, scope in sorted(kept):
        found[hashed].append(kept[hashed, scope])
    return {hashed: tuple(rows) for hashed, rows in found.items()}
