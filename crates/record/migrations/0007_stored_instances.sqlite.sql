-- What is written here stays as it is.
CREATE TRIGGER stored_instance_no_update BEFORE UPDATE ON stored_instance
BEGIN SELECT RAISE(ABORT, 'stored_instance: rows are only appended'); END;
CREATE TRIGGER stored_instance_no_delete BEFORE DELETE ON stored_instance
BEGIN SELECT RAISE(ABORT, 'stored_instance: rows are only appended'); END;
