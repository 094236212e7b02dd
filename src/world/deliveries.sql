-- Webhooks on their way: posted by the server once the transaction that made them is committed, again later when that fails.
CREATE TABLE world_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX world_delivery_due ON world_delivery (due_ms, id);
