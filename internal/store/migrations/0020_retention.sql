-- What may be deleted once it is old.

CREATE INDEX claim_created ON claim (created_us);

-- Up to when rows of a kind may be missing because they were deleted. The audit
-- demands none that are older.
CREATE TABLE pruned (
  kind    TEXT PRIMARY KEY,
  upto_us BIGINT NOT NULL
);
