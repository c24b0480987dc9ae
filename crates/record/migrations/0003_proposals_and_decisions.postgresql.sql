-- What is written here stays as it is.
CREATE TRIGGER proposal_no_change BEFORE UPDATE OR DELETE ON proposal
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER proposal_no_truncate BEFORE TRUNCATE ON proposal
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER evidence_no_change BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER decision_no_change BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER case_version_no_change BEFORE UPDATE OR DELETE ON case_version
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER case_version_no_truncate BEFORE TRUNCATE ON case_version
    FOR EACH STATEMENT EXECUTE FUNCTION keep_as_written();
