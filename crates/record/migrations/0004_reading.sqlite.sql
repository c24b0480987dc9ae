-- What was answered and revealed stays as it is.
CREATE TRIGGER request_answer_no_update BEFORE UPDATE ON request_answer
BEGIN SELECT RAISE(ABORT, 'request_answer: rows are only appended'); END;
CREATE TRIGGER reveal_no_update BEFORE UPDATE ON reveal
BEGIN SELECT RAISE(ABORT, 'reveal: rows are only appended'); END;
CREATE TRIGGER reveal_no_delete BEFORE DELETE ON reveal
BEGIN SELECT RAISE(ABORT, 'reveal: rows are only appended'); END;
