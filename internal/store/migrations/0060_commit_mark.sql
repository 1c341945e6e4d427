-- What a PostgreSQL connection committed last, so that an answer to COMMIT which got
-- lost can be looked up. Transaction numbers do not serve: a server that crashed may
-- give those which it had not written down yet to other transactions.
CREATE TABLE commit_mark (
  connection TEXT PRIMARY KEY,
  mark       TEXT NOT NULL,
  at_us      BIGINT NOT NULL
);
