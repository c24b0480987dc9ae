CREATE TABLE unaided_reading (
    laboratory_case TEXT NOT NULL REFERENCES laboratory_case (id),
    account TEXT NOT NULL REFERENCES account (id),
    regions TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (laboratory_case, account)
) STRICT;
