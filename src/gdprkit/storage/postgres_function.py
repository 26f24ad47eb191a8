"""The function in PostgreSQL that writes a whole commit, so that a commit is one statement.

Decides what of a commit is written in which order, what is locked, and how a refusal is told. It
leaves out how a commit becomes arrays (``postgres_commit``). Arguments are arrays, one for each
column of each part, and a call names only the parts it brings. What only comes in is written by
one statement for all people; what must find rows first goes person by person, each time by key:
a join of the two may be planned as a reading of everything, and is worst where nothing was counted
yet, in the first large import.

Always true: first the epochs that something will hang on are held, then the lines, in order of id,
so two commits never wait for each other; what is checked is read under those locks, by statements
that see what was committed while waiting. A refusal has a code of its own, and its detail names
ids, never what was to be stored. Plans are made once and look up by key whatever is in the tables.
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


def _rows(part: str) -> str:
    """Return the rows of a part as something to select from."""
    return f"(SELECT {', '.join(f'unnest({part}_{c}) AS {c}' for c in PARTS[part])}) n"


COMMIT: Final = f"""CREATE FUNCTION {COMMIT_NAME} (whose text, wait text, {_ARGUMENTS})
RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
DECLARE
  before CONSTANT text := current_setting('lock_timeout');
  added bytea[];
  tags_were text;
  renewed boolean;
  written bigint;
  one record;
BEGIN
  PERFORM set_config('lock_timeout', wait, true);

  -- whoever destroys an epoch holds it: wait for that, and look by another statement
  IF kek_epoch IS NOT NULL THEN
    PERFORM FROM gdprkit_epoch e
      WHERE e.tenant = whose AND e.kind = 'kek' AND e.epoch = ANY (kek_epoch)
      ORDER BY e.epoch FOR SHARE;
    FOR one IN SELECT n.epoch FROM {_rows("kek")}, LATERAL (
        SELECT count(*) AS live FROM gdprkit_epoch e
        WHERE e.tenant = whose AND e.kind = 'kek' AND e.epoch = n.epoch
          AND e.state <> 'destroyed') e
        WHERE e.live = 0 ORDER BY n.epoch LOOP
      -- an older snapshot does not show an epoch made since: then the transaction begins again
      IF current_setting('transaction_isolation') <> 'read committed' AND NOT EXISTS (
          SELECT FROM gdprkit_epoch e
          WHERE e.tenant = whose AND e.kind = 'kek' AND e.epoch = one.epoch) THEN
        RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'key epoch not seen yet';
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'GK005', MESSAGE = 'key epoch destroyed', DETAIL = one.epoch;
    END LOOP;
  END IF;
  IF index_epoch IS NOT NULL THEN
    PERFORM FROM gdprkit_epoch e
      WHERE e.tenant = whose AND e.kind = 'index' AND e.epoch = ANY (index_epoch)
      ORDER BY e.epoch FOR SHARE;
    FOR one IN SELECT e.epoch FROM gdprkit_epoch e
        WHERE e.tenant = whose AND e.kind = 'index' AND e.epoch = ANY (index_epoch)
          AND e.state = 'destroyed' ORDER BY e.epoch LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK005', MESSAGE = 'key epoch destroyed', DETAIL = one.epoch;
    END LOOP;
  END IF;

  FOR i IN 1 .. coalesce(cardinality(line_subject), 0) LOOP
    SELECT l.tags INTO tags_were FROM gdprkit_line l
      WHERE l.tenant = whose AND l.subject = line_subject[i] AND l.position = line_expected[i]
        AND (line_position[i] > line_expected[i] OR l.head = line_head[i])
      FOR UPDATE;
    IF NOT FOUND THEN
      PERFORM FROM gdprkit_expunged x WHERE x.tenant = whose AND x.subject = line_subject[i];
      IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'GK004', MESSAGE = 'line expunged',
          DETAIL = encode(line_subject[i], 'hex');
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'GK001', MESSAGE = 'position taken',
        DETAIL = encode(line_subject[i], 'hex') || ' ' || line_expected[i];
    END IF;
    UPDATE gdprkit_line l SET position = line_position[i], head = line_head[i],
        fold = line_fold[i], state = line_state[i], wake_at = line_wake_at[i], tags = line_tags[i]
      WHERE l.tenant = whose AND l.subject = line_subject[i];
    -- a renewal also puts back what the line names and look-ups do not find
    renewed := line_position[i] = line_expected[i];
    IF renewed OR tags_were <> line_tags[i] THEN
      DELETE FROM gdprkit_tag t
        WHERE t.tenant = whose AND t.subject = line_subject[i]
          AND t.tag = ANY (string_to_array(tags_were, ' '))
          AND t.tag <> ALL (string_to_array(line_tags[i], ' '));
      INSERT INTO gdprkit_tag (tenant, subject, tag)
        SELECT whose, line_subject[i], word FROM unnest(string_to_array(line_tags[i], ' ')) word
        WHERE renewed OR word <> ALL (string_to_array(tags_were, ' '))
        ON CONFLICT (tenant, tag, subject) DO NOTHING;
    END IF;
  END LOOP;

  IF new_subject IS NOT NULL THEN
    -- under an older snapshot an expunging may be unseen, but then the line is still seen
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      FOR one IN SELECT l.subject FROM gdprkit_line l
          WHERE l.tenant = whose AND l.subject = ANY (new_subject) LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK001', MESSAGE = 'position taken',
          DETAIL = encode(one.subject, 'hex') || ' 0';
      END LOOP;
    END IF;
    WITH rows AS (
      INSERT INTO gdprkit_line (tenant, subject, position, head, fold, state, wake_at, tags)
        SELECT whose, n.* FROM {_rows("new")}
        ON CONFLICT (tenant, subject) DO NOTHING RETURNING subject)
    SELECT array_agg(subject) INTO added FROM rows;
    -- asked afterwards, so that an expunging that was waited for is seen
    FOR one IN SELECT x.subject FROM gdprkit_expunged x
        WHERE x.tenant = whose AND x.subject = ANY (new_subject) LOOP
      RAISE EXCEPTION USING ERRCODE = 'GK004', MESSAGE = 'line expunged',
        DETAIL = encode(one.subject, 'hex');
    END LOOP;
    IF cardinality(added) IS DISTINCT FROM cardinality(new_subject) THEN
      FOR one IN SELECT n.subject FROM {_rows("new")}
          WHERE (n.subject = ANY (added)) IS NOT TRUE LOOP
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
      FOR one IN SELECT n.subject FROM {_rows("entry")}, LATERAL (
          SELECT FROM gdprkit_entry e WHERE e.tenant = whose AND e.subject = n.subject
            AND e.receipt = n.receipt AND e.position <> n.position) e LOOP
        RAISE EXCEPTION USING ERRCODE = 'GK002', MESSAGE = 'already recorded',
          DETAIL = encode(one.subject, 'hex');
      END LOOP;
    END IF;
  END IF;

  FOR i IN 1 .. coalesce(cardinality(seal_subject), 0) LOOP
    PERFORM FROM gdprkit_key k WHERE k.tenant = whose AND k.subject = seal_subject[i]
      AND k.key_id = seal_key_id[i] AND k.state = 'destroyed';
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'GK006', MESSAGE = 'key destroyed',
        DETAIL = encode(seal_key_id[i], 'hex');
    END IF;
  END LOOP;
  FOR i IN 1 .. coalesce(cardinality(shred_subject), 0) LOOP
    DELETE FROM gdprkit_term t WHERE t.tenant = whose AND t.subject = shred_subject[i];
    DELETE FROM gdprkit_value t WHERE t.tenant = whose AND t.subject = shred_subject[i];
    DELETE FROM gdprkit_key t WHERE t.tenant = whose AND t.subject = shred_subject[i];
  END LOOP;
  IF tomb_mark IS NOT NULL THEN
    INSERT INTO gdprkit_tombstone (tenant, mark, erased_at, reason, reference, key_ids)
      SELECT whose, n.mark, n.erased_at, n.reason, n.reference, n.key_ids FROM {_rows("tomb")}
      ON CONFLICT (tenant, mark) DO NOTHING;
  END IF;
  FOR i IN 1 .. coalesce(cardinality(touch_subject), 0) LOOP
    DELETE FROM gdprkit_term t
      WHERE t.tenant = whose AND t.subject = touch_subject[i] AND t.slot = touch_slot[i];
  END LOOP;
  FOR i IN 1 .. coalesce(cardinality(drop_subject), 0) LOOP
    DELETE FROM gdprkit_value t
      WHERE t.tenant = whose AND t.subject = drop_subject[i] AND t.slot = drop_slot[i];
  END LOOP;
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
  FOR i IN 1 .. coalesce(cardinality(flag_subject), 0) LOOP
    UPDATE gdprkit_key k SET restricted = flag_restricted[i], on_hold = flag_on_hold[i]
      WHERE k.tenant = whose AND k.subject = flag_subject[i];
  END LOOP;
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
