-- What was fixed before machines spoke stays as it is.
CREATE TRIGGER unaided_reading_no_change BEFORE UPDATE OR DELETE ON unaided_reading
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER unaided_reading_no_truncate BEFORE TRUNCATE ON unaided_reading
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
