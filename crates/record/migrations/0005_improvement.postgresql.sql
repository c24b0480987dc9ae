-- What is written here stays as it is.
CREATE TRIGGER refitted_head_no_change BEFORE UPDATE OR DELETE ON refitted_head
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER refitted_head_no_truncate BEFORE TRUNCATE ON refitted_head
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER refitted_head_decision_no_change BEFORE UPDATE OR DELETE ON refitted_head_decision
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER refitted_head_decision_no_truncate BEFORE TRUNCATE ON refitted_head_decision
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER head_activation_no_change BEFORE UPDATE OR DELETE ON head_activation
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER head_activation_no_truncate BEFORE TRUNCATE ON head_activation
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
