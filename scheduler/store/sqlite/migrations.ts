/**
 * The database's schema as a list of steps: `user_version` says how many have been taken. A step that has been
 * released is never changed; a new one is added at the end. CONTRIBUTING.md says what else goes with it.
 */
import type Database from 'better-sqlite3';
import { addSums } from './add-sums.js';

/** SQL, or what SQL alone cannot do. */
export type Migration = string | ((db: Database.Database) => void);

export const migrations: readonly Migration[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE journal (
    last INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
  );
  CREATE TABLE entity (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID;
  -- The large tables are appended to: a random key would touch a page of its own for every row of a commit.
  CREATE TABLE vm (row INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE operation (row INTEGER PRIMARY KEY, body TEXT NOT NULL);
  -- The kept answers of one batch: rows first to last, what each was the answer to, and the bytes end to end.
  CREATE TABLE request (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    entries TEXT NOT NULL,
    replies BLOB NOT NULL
  );
  `,
  // Entities follow the journal at a distance from now on; until then they were always up to it.
  `
  INSERT INTO meta SELECT 'entities_of_sequence', coalesce(max(last), 0) FROM journal;
  `,
  // From now on a row's hash covers commitments to its lines; rows from before keep theirs over the text.
  `
  -- One of 16 bytes for each line.
  ALTER TABLE journal ADD COLUMN salts BLOB;
  -- The commitments of lines that were erased: base64 by index, JSON.
  ALTER TABLE journal ADD COLUMN erased TEXT;
  -- Where the journal stood, signed.
  CREATE TABLE checkpoint (
    sequence INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (sequence, incarnation)
  ) WITHOUT ROWID;
  `,
  // From now on what the chain does not cover has checksums.
  addSums,
  // From now on the journal may begin later than at 1: what was before is in files of its own.
  `
  -- Those files, one after the other.
  CREATE TABLE archived (
    last INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    -- What its first row is chained to, and the hash of its last.
    before BLOB NOT NULL,
    hash BLOB NOT NULL,
    -- The first decision with a commitment.
    committed INTEGER,
    -- [number, first decision] of each that decided in it, JSON.
    incarnations TEXT NOT NULL,
    sum INTEGER NOT NULL
  );
  -- What accounting has come to where the journal begins, in parts.
  CREATE TABLE opening (part INTEGER PRIMARY KEY, body TEXT NOT NULL, sum INTEGER NOT NULL);
  `,
];
