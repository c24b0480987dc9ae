-- What is written here stays as it is.
CREATE TRIGGER refitted_head_no_update BEFORE UPDATE ON refitted_head
BEGIN SELECT RAISE(ABORT, 'refitted_head: rows are only appended'); END;
CREATE TRIGGER refitted_head_no_delete BEFORE DELETE ON refitted_head
BEGIN SELECT RAISE(ABORT, 'refitted_head: rows are only appended'); END;
CREATE TRIGGER refitted_head_decision_no_update BEFORE UPDATE ON refitted_head_decision
BEGIN SELECT RAISE(ABORT, 'refitted_head_decision: rows are only appended'); END;
CREATE TRIGGER refitted_head_decision_no_delete BEFORE DELETE ON refitted_head_decision
BEGIN SELECT RAISE(ABORT, 'refitted_head_decision: rows are only appended'); END;
CREATE TRIGGER head_activation_no_update BEFORE UPDATE ON head_activation
BEGIN SELECT RAISE(ABORT, 'head_activation: rows are only appended'); END;
CREATE TRIGGER head_activation_no_delete BEFORE DELETE ON head_activation
BEGIN SELECT RAISE(ABORT, 'head_activation: rows are only appended'); END;
