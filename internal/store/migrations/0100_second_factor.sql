-- The second factor of a person who signs in: the secret of their authenticator app,
-- since when it is in force, the time step of the newest code that was taken, and a
-- secret that they have yet to confirm.
ALTER TABLE office_user ADD COLUMN factor_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE office_user ADD COLUMN factor_since_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE office_user ADD COLUMN factor_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE office_user ADD COLUMN factor_pending_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE office_user ADD COLUMN factor_pending_us BIGINT NOT NULL DEFAULT 0;

-- Codes for when the app is lost. One that was used is deleted.
CREATE TABLE office_recovery (
  user_id     TEXT NOT NULL REFERENCES office_user (id),
  code_digest TEXT NOT NULL,
  PRIMARY KEY (user_id, code_digest)
);

-- Where a person is signed in, as they are shown it.
ALTER TABLE office_session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE office_session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
