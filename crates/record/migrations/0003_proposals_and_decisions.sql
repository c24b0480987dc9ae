CREATE TABLE proposal (
    id TEXT PRIMARY KEY,
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    slide TEXT REFERENCES slide (id),
    kind TEXT NOT NULL,
    kind_version INTEGER NOT NULL,
    field TEXT NOT NULL CHECK (field IN ('diagnosis', 'quality', 'advice')),
    headline TEXT NOT NULL,
    bad_slide INTEGER NOT NULL CHECK (bad_slide IN (0, 1)),
    content TEXT NOT NULL,
    producer_name TEXT NOT NULL,
    producer_version TEXT NOT NULL,
    producer_digest TEXT,
    producer_licence TEXT,
    confidence REAL CHECK (confidence >= 0 AND confidence <= 1),
    purpose TEXT NOT NULL,
    consent_tags TEXT NOT NULL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    at INTEGER NOT NULL,
    proposed_by TEXT NOT NULL REFERENCES account (id),
    digest TEXT NOT NULL
) STRICT;
CREATE INDEX proposal_case ON proposal (laboratory_case, id);
CREATE INDEX proposal_slide ON proposal (slide, id);

CREATE TABLE evidence (
    proposal TEXT NOT NULL REFERENCES proposal (id),
    ordinal INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (proposal, ordinal)
) STRICT;

CREATE TABLE proposal_state (
    proposal TEXT PRIMARY KEY REFERENCES proposal (id),
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'deferred', 'read-once', 'disputed',
                                         'accepted', 'corrected', 'refused', 'released')),
    bad_slide INTEGER NOT NULL CHECK (bad_slide IN (0, 1)),
    headline TEXT NOT NULL,
    standing TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX proposal_state_case ON proposal_state (laboratory_case, state, proposal);
CREATE INDEX proposal_queue ON proposal_state (state, proposal);
CREATE INDEX proposal_queue_kind ON proposal_state (state, kind, proposal);

CREATE TABLE decision (
    id TEXT PRIMARY KEY,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    manner TEXT NOT NULL CHECK (manner IN ('reading', 'adjudication', 'amendment')),
    verdict TEXT NOT NULL CHECK (verdict IN ('accept', 'correct', 'refuse', 'defer')),
    reader TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    reason TEXT,
    replaced TEXT,
    content TEXT,
    difference TEXT,
    amends TEXT REFERENCES decision (id),
    viewed TEXT NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    aided INTEGER NOT NULL CHECK (aided IN (0, 1)),
    at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    CHECK ((verdict = 'correct') = (content IS NOT NULL)),
    CHECK ((manner = 'amendment') = (amends IS NOT NULL))
) STRICT;
CREATE INDEX decision_proposal ON decision (proposal, id);
CREATE INDEX decision_reader ON decision (reader, at);
CREATE UNIQUE INDEX one_reading_each ON decision (proposal, reader)
    WHERE manner = 'reading' AND verdict <> 'defer';

CREATE TABLE case_version (
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    digest TEXT NOT NULL,
    signed_by TEXT NOT NULL REFERENCES account (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (laboratory_case, version)
) STRICT;

CREATE TABLE discrepancy (
    id TEXT PRIMARY KEY,
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    version INTEGER NOT NULL,
    proposal TEXT NOT NULL REFERENCES proposal (id),
    opened INTEGER NOT NULL,
    closed INTEGER,
    closed_by TEXT REFERENCES account (id),
    reason TEXT
) STRICT;
CREATE INDEX discrepancy_open ON discrepancy (closed, id);
CREATE INDEX discrepancy_case ON discrepancy (laboratory_case, id);
