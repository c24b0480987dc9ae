-- What is written here stays as it is.
CREATE TRIGGER stored_instance_no_change BEFORE UPDATE OR DELETE ON stored_instance
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER stored_instance_no_truncate BEFORE TRUNCATE ON stored_instance
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
