-- Timers of providers that the file is used without (`--only`): they wait here until their providers are there again.
CREATE TABLE world_timer_waiting (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    every_ms INTEGER
) STRICT;
