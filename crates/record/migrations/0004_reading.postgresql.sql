-- What was answered and revealed stays as it is.
CREATE TRIGGER request_answer_no_change BEFORE UPDATE ON request_answer
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER reveal_no_change BEFORE UPDATE OR DELETE ON reveal
    FOR EACH ROW EXECUTE FUNCTION keep_as_written();
