-- What is written here stays as it is.
CREATE TRIGGER proposal_no_update BEFORE UPDATE ON proposal
BEGIN SELECT RAISE(ABORT, 'proposal: rows are only appended'); END;
CREATE TRIGGER proposal_no_delete BEFORE DELETE ON proposal
BEGIN SELECT RAISE(ABORT, 'proposal: rows are only appended'); END;
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence: rows are only appended'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence: rows are only appended'); END;
CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'decision: rows are only appended'); END;
CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decision: rows are only appended'); END;
CREATE TRIGGER case_version_no_update BEFORE UPDATE ON case_version
BEGIN SELECT RAISE(ABORT, 'case_version: rows are only appended'); END;
CREATE TRIGGER case_version_no_delete BEFORE DELETE ON case_version
BEGIN SELECT RAISE(ABORT, 'case_version: rows are only appended'); END;
