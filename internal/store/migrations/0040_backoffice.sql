-- What the back office keeps, and what lets it ask quickly.

-- The secret that a rotation replaced goes on verifying until its time is over.
ALTER TABLE merchant ADD COLUMN doku_old_secret_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN doku_old_secret_until_us BIGINT NOT NULL DEFAULT 0;

-- People who sign in. merchant_id is '' for everybody but a merchant's own people.
CREATE TABLE office_user (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE,
  role            TEXT NOT NULL CHECK (role IN ('viewer', 'support', 'operator', 'merchant')),
  merchant_id     TEXT NOT NULL,
  password_hash   TEXT NOT NULL,
  temporary       BIGINT NOT NULL,
  fails           BIGINT NOT NULL,
  locked_until_us BIGINT NOT NULL,
  disabled        BIGINT NOT NULL,
  created_us      BIGINT NOT NULL,
  signed_in_us    BIGINT NOT NULL
);

CREATE TABLE office_session (
  token_digest TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES office_user (id),
  created_us   BIGINT NOT NULL,
  seen_us      BIGINT NOT NULL,
  ends_us      BIGINT NOT NULL
);
CREATE INDEX office_session_user ON office_session (user_id);

-- The trail: who did what. An entry is written before the deed, its outcome after.
CREATE TABLE office_trace (
  id          TEXT PRIMARY KEY,
  user_id     TEXT NOT NULL,
  user_name   TEXT NOT NULL,
  merchant_id TEXT NOT NULL,
  action      TEXT NOT NULL,
  subject     TEXT NOT NULL,
  detail      TEXT NOT NULL,
  address     TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  at_us       BIGINT NOT NULL
);
CREATE INDEX office_trace_user ON office_trace (user_id, id);
CREATE INDEX office_trace_subject ON office_trace (subject, id);

-- Lists by merchant, newest first; payments by amount; deliveries in trouble.
CREATE INDEX payment_merchant ON payment (merchant_id, id);
CREATE INDEX payment_amount ON payment (amount, id);
CREATE INDEX binding_merchant ON binding (merchant_id, id);
CREATE INDEX notification_merchant ON notification (merchant_id, id);
CREATE INDEX notification_unsent ON notification (id) WHERE state IN ('failed', 'undeliverable');
CREATE INDEX refund_created ON refund (merchant_id, created_us);
CREATE INDEX transfer_top_up ON transfer (subject, id) WHERE kind = 'top_up';

-- What was counted so far. Each count takes rows in the order of their ids, which
-- begin with the time, up to the id kept here; what came after is counted when it
-- is asked for.
CREATE TABLE tally (
  name TEXT PRIMARY KEY,
  upto TEXT NOT NULL
);

-- Payments that became final in an hour. merchant_id '' stands for all together.
-- A wait is how long the customer took; its columns count those up to a bound.
CREATE TABLE payment_hour (
  merchant_id TEXT NOT NULL,
  hour_us     BIGINT NOT NULL,
  channel     TEXT NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  payments    BIGINT NOT NULL,
  amount      BIGINT NOT NULL,
  wait_5s     BIGINT NOT NULL,
  wait_15s    BIGINT NOT NULL,
  wait_30s    BIGINT NOT NULL,
  wait_60s    BIGINT NOT NULL,
  wait_300s   BIGINT NOT NULL,
  wait_more   BIGINT NOT NULL,
  PRIMARY KEY (merchant_id, hour_us, channel, state, reason)
);

-- First attempts of notifications that were queued in an hour.
CREATE TABLE notification_hour (
  merchant_id  TEXT NOT NULL,
  hour_us      BIGINT NOT NULL,
  dialect      TEXT NOT NULL,
  queued       BIGINT NOT NULL,
  attempted    BIGINT NOT NULL,
  acknowledged BIGINT NOT NULL,
  took_100ms   BIGINT NOT NULL,
  took_500ms   BIGINT NOT NULL,
  took_1s      BIGINT NOT NULL,
  took_5s      BIGINT NOT NULL,
  took_more    BIGINT NOT NULL,
  PRIMARY KEY (merchant_id, hour_us, dialect)
);

-- What the postings of one WIB day moved to and from what a merchant is owed.
CREATE TABLE settlement_day (
  merchant_id     TEXT NOT NULL,
  day_us          BIGINT NOT NULL,
  payments        BIGINT NOT NULL,
  refunds         BIGINT NOT NULL,
  captured_cash   BIGINT NOT NULL,
  captured_points BIGINT NOT NULL,
  refunded_cash   BIGINT NOT NULL,
  refunded_points BIGINT NOT NULL,
  PRIMARY KEY (merchant_id, day_us)
);
CREATE INDEX settlement_day_all ON settlement_day (day_us, merchant_id);

-- What each account but the wallets' shows; a wallet's row has its balance itself.
CREATE TABLE account_total (
  account TEXT PRIMARY KEY,
  amount  BIGINT NOT NULL
);
