-- The public key that a rotation replaced goes on verifying until its time is over.
ALTER TABLE merchant ADD COLUMN doku_old_public_key TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN doku_old_public_key_until_us BIGINT NOT NULL DEFAULT 0;
