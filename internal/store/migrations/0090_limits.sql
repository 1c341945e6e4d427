-- How often a wallet's owner is asked: each code or prompt takes its share of an hour,
-- and free_us is when all of them have passed.
CREATE TABLE asked (
  wallet_id TEXT NOT NULL,
  ask       TEXT NOT NULL CHECK (ask IN ('code', 'prompt')),
  free_us   BIGINT NOT NULL,
  PRIMARY KEY (wallet_id, ask)
);

-- Calls a second that a merchant may make; 0 is what the installation allows.
ALTER TABLE merchant ADD COLUMN call_rate BIGINT NOT NULL DEFAULT 0;
