-- One row per run whose folder is complete. The folder is the record; this table only finds it.
CREATE TABLE runs (
    -- Order of insertion: clocks can be set back.
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    -- Hash of hashes.json, and so of every artefact.
    record     TEXT NOT NULL,
    experiment TEXT NOT NULL,
    title      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    as_of      TEXT,
    build      TEXT NOT NULL,
    started    TEXT
) STRICT;
CREATE INDEX runs_of_experiment ON runs (experiment, sequence);
