-- What is written here stays as it is.
CREATE TRIGGER consent_no_change BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER consent_no_truncate BEFORE TRUNCATE ON consent
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
