CREATE TABLE login_source (
    account TEXT NOT NULL REFERENCES account (id),
    source TEXT NOT NULL,
    known INTEGER NOT NULL CHECK (known IN (0, 1)),
    failures INTEGER NOT NULL,
    locked_until INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, source)
) STRICT;
