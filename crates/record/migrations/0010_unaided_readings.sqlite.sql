-- What was fixed before machines spoke stays as it is.
CREATE TRIGGER unaided_reading_no_update BEFORE UPDATE ON unaided_reading
BEGIN SELECT RAISE(ABORT, 'unaided_reading: rows are only appended'); END;
CREATE TRIGGER unaided_reading_no_delete BEFORE DELETE ON unaided_reading
BEGIN SELECT RAISE(ABORT, 'unaided_reading: rows are only appended'); END;
