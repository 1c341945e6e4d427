-- What the issuer must be told at once, until it has been. A subject, a page or a
-- payment, has one message at most.
CREATE TABLE message (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('code', 'prompt')),
  subject     TEXT NOT NULL UNIQUE,
  code_sealed TEXT NOT NULL,
  attempts    BIGINT NOT NULL,
  fence       BIGINT NOT NULL,
  created_us  BIGINT NOT NULL,
  expires_us  BIGINT NOT NULL,
  next_us     BIGINT NOT NULL
);
CREATE INDEX message_due ON message (next_us);
