CREATE TABLE request_answer (
    account TEXT NOT NULL REFERENCES account (id),
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, request)
) STRICT;

CREATE TABLE reveal (
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    account TEXT NOT NULL REFERENCES account (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (laboratory_case, account)
) STRICT;

CREATE TABLE slide_view (
    ordinal INTEGER PRIMARY KEY,
    slide TEXT NOT NULL REFERENCES slide (id),
    account TEXT NOT NULL REFERENCES account (id),
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    magnification REAL NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX slide_view_reader ON slide_view (slide, account, ordinal);

CREATE TABLE site_setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    set_by TEXT NOT NULL REFERENCES account (id)
) STRICT;

CREATE TABLE examination (
    slide TEXT NOT NULL REFERENCES slide (id),
    producer TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    outputs TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (slide, producer)
) STRICT;
