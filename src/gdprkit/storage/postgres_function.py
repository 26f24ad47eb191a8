"""The function in PostgreSQL that writes a whole commit, so that a commit is one statement.

Decides what of a commit is written in which order, what is locked, and how a refusal is told. It
leaves out how a commit becomes arrays (``postgres_commit``). Arguments are arrays, one for each
column of each part; a call names only the parts it brings, and every part is written by one
statement however many people it is about.

Always true: first the epochs that something will hang on are held, then the lines, in order of id,
so two commits never wait for each other; what is checked is read under those locks, by statements
that see what was committed while waiting. A refusal has a code of its own, and its detail names
ids, never what was to be stored. Plans are made once and look up by key whatever is in the tables:
a plan made while they were small would read all of them when they are large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gdprkit.storage.postgres_arrays import Bytes, Numbers, Packed, Words

__all__ = ["COMMIT", "COMMIT_NAME", "PARTS"]

COMMIT_NAME: Final = "gdprkit_commit"
"""The name of the function."""

_KEY: Final[Mapping[str, type[Packed]]] = {"subject": Bytes, "slot": Bytes}
_END: Final[Mapping[str, type[Packed]]] = {
    "position": Numbers,
    "head": Bytes,
    "fold": Numbers,
    "state": Bytes,
    "wake_at": Numbers,
    "tags": Words,
}

PARTS: Final[Mapping[str, Mapping[str, type[Packed]]]] = {
    # lines that are there, and new ones; each person once, in order of id
    "line": {"subject": Bytes, "expected": Numbers, **_END},
    "new": {"subject": Bytes, **_END},
    "entry": {
        "subject": Bytes,
        "position": Numbers,
        "body": Bytes,
        "digest": Bytes,
        "receipt": Bytes,
    },
    # what the rest hangs on: epochs that must live, index epochs that must not be gone, and the
    # versions of keys that sealed the values
    "kek": {"epoch": Words},
    "index": {"epoch": Words},
    "seal": {"subject": Bytes, "key_id": Bytes},
    # people whose keys, values and terms go; slots that lose their terms, and their value too
    "shred": {"subject": Bytes},
    "touch": _KEY,
    "drop": _KEY,
    "value": {**_KEY, "envelope": Bytes},
    "term": {**_KEY, "term": Bytes},
    "key": {
        "subject": Bytes,
        "version": Numbers,
        "key_id": Bytes,
        "kek_id": Words,
        "wrapped": Bytes,
        "state": Words,
        "created": Numbers,
        "wraps_alg": Words,
        "restricted": Numbers,
        "on_hold": Numbers,
    },
    "flag": {"restricted": Numbers, "on_hold": Numbers, "subject": Bytes},
    "tomb": {
        "mark": Bytes,
        "erased_at": Numbers,
        "reason": Words,
        "reference": Words,
        "key_ids": Words,
    },
    "stop": {
        "hash": Bytes,
        "purpose": Words,
        "channels": Words,
        "kind": Words,
        "author": Words,
        "since": Numbers,
    },
    "token": {"subject": Bytes, "token": Bytes},
}
"""Part -> its columns and what they are; arguments are called by both, as ``line_subject``."""

_ARGUMENTS: Final = ", ".join(
    f"{part}_{column} {array.name} DEFAULT NULL"
    for part, columns in PARTS.items()
    for column, array in columns.items()
)


def _rows(part: str, *more: str) -> str:
    """Return the rows of a part as something to select from; *more* are arrays beside them."""
    columns = tuple(PARTS[part])
    arrays = ", ".join((*(f"{part}_{column}" for column in columns), *more))
    return f"unnest({arrays}) AS n ({', '.join((*columns, *more))})"


COMMIT: Final = f"""CREATE FUNCTION {COMMIT_NAME} (whose text, wait text, {_ARGUMENTS})
RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  before CONSTANT text := current_setting('lock_timeout');
  found text[];
  held bytea[]; positions bigint[]; heads bytea[]; old_tags text[];
  written bigint;
  one record;
BEGIN
  PERFORM set_config('lock_timeout', wait, true);

  -- whoever destroys an epoch holds it: wait for that, then see it
  IF kek_epoch IS NOT NULL THEN
    SELECT array_agg(e.epoch) INTO found FROM (
      SELECT epoch, state FROM gdprkit_epoch
      WHERE tenant = whose AND kind = 'kek' AND epoch = ANY (kek_epoch)
      ORDER BY epoch FOR SHARE) e WHERE e.state <> 'destroyed';
    FOR one IN SELECT n.epoch FROM {_rows("kek")}
        WHERE (n.epoch = ANY (found)) IS NOT TRUE ORDER BY n.epoch LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK005', MESSAGE = 'key epoch destroyed', DETAIL = one.epoch;
    END LOOP;
  END IF;
  IF index_epoch IS NOT NULL THEN
    FOR one IN SELECT e.epoch FROM (
        SELECT epoch, state FROM gdprkit_epoch
        WHERE tenant = whose AND kind = 'index' AND epoch = ANY (index_epoch)
        ORDER BY epoch FOR SHARE) e WHERE e.state = 'destroyed' LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK005', MESSAGE = 'key epoch destroyed', DETAIL = one.epoch;
    END LOOP;
  END IF;

  IF line_subject IS NOT NULL THEN
    SELECT array_agg(l.subject), array_agg(l.position), array_agg(l.head), array_agg(l.tags)
      INTO held, positions, heads, old_tags FROM (
        SELECT subject, position, head, tags FROM gdprkit_line
        WHERE tenant = whose AND subject = ANY (line_subject) ORDER BY subject FOR UPDATE) l;
    UPDATE gdprkit_line l SET position = n.position, head = n.head, fold = n.fold,
        state = n.state, wake_at = n.wake_at, tags = n.tags
      FROM {_rows("line")}
      WHERE l.tenant = whose AND l.subject = n.subject AND l.position = n.expected
        AND (n.position > n.expected OR l.head = n.head);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(line_subject) THEN
      FOR one IN SELECT n.subject FROM {_rows("line")} JOIN gdprkit_expunged x
          ON x.tenant = whose AND x.subject = n.subject LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK004', MESSAGE = 'line expunged',
          DETAIL = encode(one.subject, 'hex');
      END LOOP;
      FOR one IN SELECT n.subject, n.expected FROM {_rows("line")}
          LEFT JOIN unnest(held, positions, heads) AS o (subject, position, head)
          ON o.subject = n.subject
          WHERE o.position IS DISTINCT FROM n.expected
            OR (n.position = n.expected AND o.head <> n.head) LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK001', MESSAGE = 'position taken',
          DETAIL = encode(one.subject, 'hex') || ' ' || one.expected;
      END LOOP;
    END IF;
    -- every line was there: old and new tags stand in the same order
    IF old_tags <> line_tags THEN
      DELETE FROM gdprkit_tag t USING (
          SELECT n.subject, word FROM {_rows("line", "old_tags")},
            LATERAL unnest(string_to_array(n.old_tags, ' ')) word
          WHERE n.old_tags <> n.tags AND word <> ALL (string_to_array(n.tags, ' '))) o
        WHERE t.tenant = whose AND t.tag = o.word AND t.subject = o.subject;
      INSERT INTO gdprkit_tag (tenant, subject, tag)
        SELECT whose, n.subject, word FROM {_rows("line", "old_tags")},
          LATERAL unnest(string_to_array(n.tags, ' ')) word
        WHERE n.old_tags <> n.tags AND word <> ALL (string_to_array(n.old_tags, ' '));
    END IF;
  END IF;

  IF new_subject IS NOT NULL THEN
    -- a line that is seen is not waited for: whoever deletes it may be expunging it
    WITH added AS (
      INSERT INTO gdprkit_line
        (tenant, subject, position, head, fold, state, wake_at, tags)
      SELECT whose, n.subject, n.position, n.head, n.fold, n.state, n.wake_at, n.tags
        FROM {_rows("new")}
        WHERE NOT EXISTS (
          SELECT FROM gdprkit_line l WHERE l.tenant = whose AND l.subject = n.subject)
      ON CONFLICT (tenant, subject) DO NOTHING RETURNING subject)
    SELECT array_agg(subject) INTO held FROM added;
    -- asked afterwards, so that whoever was waited for has been seen
    FOR one IN SELECT n.subject FROM {_rows("new")} JOIN gdprkit_expunged x
        ON x.tenant = whose AND x.subject = n.subject LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK004', MESSAGE = 'line expunged',
        DETAIL = encode(one.subject, 'hex');
    END LOOP;
    IF cardinality(held) IS DISTINCT FROM cardinality(new_subject) THEN
      FOR one IN SELECT n.subject FROM {_rows("new")}
          WHERE (n.subject = ANY (held)) IS NOT TRUE LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK001', MESSAGE = 'position taken',
          DETAIL = encode(one.subject, 'hex') || ' 0';
      END LOOP;
    END IF;
    INSERT INTO gdprkit_tag (tenant, subject, tag)
      SELECT whose, n.subject, word FROM {_rows("new")},
        LATERAL unnest(string_to_array(n.tags, ' ')) word;
  END IF;

  IF entry_subject IS NOT NULL THEN
    INSERT INTO gdprkit_entry (tenant, subject, position, body, digest, receipt)
      SELECT whose, n.subject, n.position, n.body, n.digest, n.receipt FROM {_rows("entry")}
      ON CONFLICT (tenant, subject, receipt) WHERE receipt IS NOT NULL DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(entry_subject) THEN
      FOR one IN SELECT n.subject FROM {_rows("entry")} JOIN gdprkit_entry e
          ON e.tenant = whose AND e.subject = n.subject AND e.receipt = n.receipt
          WHERE n.receipt IS NOT NULL AND e.position <> n.position LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK002', MESSAGE = 'already recorded',
          DETAIL = encode(one.subject, 'hex');
      END LOOP;
    END IF;
  END IF;

  IF seal_subject IS NOT NULL THEN
    FOR one IN SELECT k.key_id FROM {_rows("seal")} JOIN gdprkit_key k
        ON k.tenant = whose AND k.subject = n.subject AND k.key_id = n.key_id
        WHERE k.state = 'destroyed' LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK006', MESSAGE = 'key destroyed',
        DETAIL = encode(one.key_id, 'hex');
    END LOOP;
  END IF;
  IF shred_subject IS NOT NULL THEN
    DELETE FROM gdprkit_term t USING {_rows("shred")}
      WHERE t.tenant = whose AND t.subject = n.subject;
    DELETE FROM gdprkit_value t USING {_rows("shred")}
      WHERE t.tenant = whose AND t.subject = n.subject;
    DELETE FROM gdprkit_key t USING {_rows("shred")}
      WHERE t.tenant = whose AND t.subject = n.subject;
  END IF;
  IF tomb_mark IS NOT NULL THEN
    INSERT INTO gdprkit_tombstone (tenant, mark, erased_at, reason, reference, key_ids)
      SELECT whose, n.mark, n.erased_at, n.reason, n.reference, n.key_ids FROM {_rows("tomb")}
      ON CONFLICT (tenant, mark) DO NOTHING;
  END IF;
  IF touch_subject IS NOT NULL THEN
    DELETE FROM gdprkit_term t USING {_rows("touch")}
      WHERE t.tenant = whose AND t.subject = n.subject AND t.slot = n.slot;
  END IF;
  IF drop_subject IS NOT NULL THEN
    DELETE FROM gdprkit_value t USING {_rows("drop")}
      WHERE t.tenant = whose AND t.subject = n.subject AND t.slot = n.slot;
  END IF;
  IF value_subject IS NOT NULL THEN
    INSERT INTO gdprkit_value (tenant, subject, slot, envelope)
      SELECT whose, n.subject, n.slot, n.envelope FROM {_rows("value")}
      ON CONFLICT (tenant, subject, slot) DO UPDATE SET envelope = excluded.envelope;
  END IF;
  IF term_subject IS NOT NULL THEN
    INSERT INTO gdprkit_term (tenant, subject, slot, term)
      SELECT whose, n.subject, n.slot, n.term FROM {_rows("term")}
      ON CONFLICT (tenant, subject, slot, term) DO NOTHING;
  END IF;
  IF key_subject IS NOT NULL THEN
    INSERT INTO gdprkit_key (tenant, subject, version, key_id, kek_id, wrapped, state, created,
        wraps_alg, restricted, on_hold)
      SELECT whose, n.subject, n.version, n.key_id, n.kek_id, n.wrapped, n.state, n.created,
        n.wraps_alg, n.restricted, n.on_hold FROM {_rows("key")}
      ON CONFLICT (tenant, subject, version) DO UPDATE SET key_id = excluded.key_id,
        kek_id = excluded.kek_id, wrapped = excluded.wrapped, state = excluded.state,
        created = excluded.created, wraps_alg = excluded.wraps_alg,
        restricted = excluded.restricted, on_hold = excluded.on_hold;
  END IF;
  IF flag_subject IS NOT NULL THEN
    UPDATE gdprkit_key k SET restricted = n.restricted, on_hold = n.on_hold
      FROM {_rows("flag")} WHERE k.tenant = whose AND k.subject = n.subject;
  END IF;
  IF stop_hash IS NOT NULL THEN
    INSERT INTO gdprkit_suppression AS s (tenant, hash, purpose, channels, kind, author, since)
      SELECT whose, n.hash, n.purpose, n.channels, n.kind, n.author, n.since FROM {_rows("stop")}
      ON CONFLICT (tenant, hash, purpose, channels, kind, author)
      DO UPDATE SET since = excluded.since WHERE excluded.since > s.since;
  END IF;
  IF token_subject IS NOT NULL THEN
    INSERT INTO gdprkit_token (tenant, subject, token)
      SELECT whose, n.subject, n.token FROM {_rows("token")}
      ON CONFLICT (tenant, subject, token) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(token_subject) THEN
      RAISE EXCEPTION USING ERRCODE = 'GK003', MESSAGE = 'token spent';
    END IF;
  END IF;
  PERFORM set_config('lock_timeout', before, true);
END $$"""  # noqa: S608  fixed words
"""The statement that makes the function."""
