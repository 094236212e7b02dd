-- Seed and number of draws (the whole state of chance), and the clock.
CREATE TABLE world (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seed INTEGER NOT NULL,
    draws INTEGER NOT NULL,
    clock_mode TEXT NOT NULL,
    clock_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE world_timer (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    every_ms INTEGER,
    UNIQUE (provider, kind, subject)
) STRICT;
CREATE INDEX world_timer_due ON world_timer (due_ms, id);

CREATE TABLE world_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    code TEXT,
    link TEXT
) STRICT;
CREATE INDEX world_message_recipient ON world_message (recipient, id);

CREATE TABLE world_setting (
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (provider, key)
) STRICT, WITHOUT ROWID;
