CREATE TABLE patient (
    pseudonym TEXT PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE consent (
    ordinal INTEGER PRIMARY KEY,
    pseudonym TEXT NOT NULL REFERENCES patient (pseudonym),
    purpose TEXT NOT NULL,
    granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
    until INTEGER,
    at INTEGER NOT NULL,
    recorded_by TEXT NOT NULL REFERENCES account (id)
) STRICT;
CREATE INDEX consent_pseudonym ON consent (pseudonym, purpose, ordinal);

CREATE TABLE laboratory_case (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    pseudonym TEXT NOT NULL REFERENCES patient (pseudonym),
    status TEXT NOT NULL CHECK (status IN ('open', 'signed', 'amending')),
    reading TEXT NOT NULL CHECK (reading IN ('single', 'double')),
    quality_rank INTEGER NOT NULL CHECK (quality_rank IN (0, 1)),
    urgency_rank INTEGER NOT NULL CHECK (urgency_rank BETWEEN 0 AND 3),
    assigned TEXT REFERENCES account (id),
    requested_by TEXT REFERENCES account (id),
    created INTEGER NOT NULL,
    undecided INTEGER NOT NULL CHECK (undecided >= 0)
) STRICT;
CREATE INDEX worklist ON laboratory_case (status, quality_rank, urgency_rank, created, id);
CREATE INDEX worklist_assigned
    ON laboratory_case (assigned, status, quality_rank, urgency_rank, created, id);
CREATE INDEX worklist_urgency
    ON laboratory_case (urgency_rank, status, quality_rank, created, id);
CREATE INDEX case_pseudonym ON laboratory_case (pseudonym);
CREATE INDEX case_requested_by ON laboratory_case (requested_by);

CREATE TABLE specimen (
    id TEXT PRIMARY KEY,
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    label TEXT NOT NULL,
    organ TEXT NOT NULL
) STRICT;
CREATE INDEX specimen_case ON specimen (laboratory_case);

CREATE TABLE block (
    id TEXT PRIMARY KEY,
    specimen TEXT NOT NULL REFERENCES specimen (id),
    label TEXT NOT NULL
) STRICT;
CREATE INDEX block_specimen ON block (specimen);

CREATE TABLE slide (
    id TEXT PRIMARY KEY,
    block TEXT NOT NULL REFERENCES block (id),
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    label TEXT NOT NULL,
    stain TEXT NOT NULL,
    digest TEXT NOT NULL,
    path TEXT NOT NULL
) STRICT;
CREATE INDEX slide_block ON slide (block);
CREATE INDEX slide_case ON slide (laboratory_case);
CREATE INDEX slide_digest ON slide (digest);
