CREATE TABLE account (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    password TEXT,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    failures INTEGER NOT NULL,
    locked_until INTEGER,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE account_role (
    account TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL CHECK (role IN ('pathologist', 'second-reader', 'technician', 'clinician',
                                       'researcher', 'administrator', 'program')),
    PRIMARY KEY (account, role)
) STRICT;

CREATE TABLE session (
    token TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    ended INTEGER
) STRICT;
CREATE INDEX session_account ON session (account);

CREATE TABLE one_time_link (
    token TEXT PRIMARY KEY,
    account TEXT REFERENCES account (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('first-administrator', 'password')),
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT;
CREATE INDEX one_time_link_account ON one_time_link (account);

CREATE TABLE service_token (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    label TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) STRICT;
CREATE INDEX service_token_account ON service_token (account);

CREATE TABLE audit_entry (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entry_object ON audit_entry (object_kind, object, sequence);
CREATE INDEX audit_entry_actor ON audit_entry (actor, sequence);

CREATE TABLE audit_head (
    the_only_one INTEGER PRIMARY KEY CHECK (the_only_one = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO account (id, login, active, failures, created)
VALUES ('00000000000000000000000000000000', 'console', 1, 0, 0);
INSERT INTO account_role (account, role) VALUES
    ('00000000000000000000000000000000', 'administrator'),
    ('00000000000000000000000000000000', 'program');
