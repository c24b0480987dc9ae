CREATE TABLE stored_instance (
    uid TEXT PRIMARY KEY,
    series TEXT NOT NULL,
    class TEXT NOT NULL,
    slide TEXT NOT NULL REFERENCES slide (id),
    object TEXT NOT NULL,
    stored_by TEXT NOT NULL REFERENCES account (id),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX stored_instance_slide ON stored_instance (slide, uid);
