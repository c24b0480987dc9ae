ALTER TABLE laboratory_case ADD COLUMN emptied INTEGER;
ALTER TABLE slide ADD COLUMN placed_by TEXT REFERENCES account (id);

-- Cases whose slides are all elsewhere stay, for the audit, and cost the worklist nothing.
DROP INDEX worklist;
DROP INDEX worklist_assigned;
DROP INDEX worklist_urgency;
CREATE INDEX worklist ON laboratory_case (status, quality_rank, urgency_rank, created, id)
    WHERE emptied IS NULL;
CREATE INDEX worklist_assigned
    ON laboratory_case (assigned, status, quality_rank, urgency_rank, created, id)
    WHERE emptied IS NULL;
CREATE INDEX worklist_urgency
    ON laboratory_case (urgency_rank, status, quality_rank, created, id)
    WHERE emptied IS NULL;
CREATE INDEX case_open ON laboratory_case (status, id) WHERE emptied IS NULL;
