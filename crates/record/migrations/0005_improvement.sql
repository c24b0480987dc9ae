CREATE TABLE refitted_head (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    weights TEXT NOT NULL,
    pulled_to TEXT NOT NULL,
    compared_with TEXT NOT NULL,
    measured TEXT NOT NULL,
    asked_by TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    at INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE INDEX refitted_head_task ON refitted_head (task, id);

CREATE TABLE refitted_head_decision (
    head TEXT NOT NULL REFERENCES refitted_head (id),
    decision TEXT NOT NULL REFERENCES decision (id),
    held_out INTEGER NOT NULL CHECK (held_out IN (0, 1)),
    PRIMARY KEY (head, decision)
) STRICT;

CREATE TABLE head_activation (
    ordinal INTEGER PRIMARY KEY,
    task TEXT NOT NULL,
    head TEXT REFERENCES refitted_head (id),
    reason TEXT,
    activated_by TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX head_activation_task ON head_activation (task, ordinal);
