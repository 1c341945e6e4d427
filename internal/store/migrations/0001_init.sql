-- The whole book. One text for every engine: TEXT, BIGINT, BOOLEAN, no triggers,
-- sequences, stored functions or now(). Amounts are whole rupiah, times are
-- microseconds since 1970 in UTC (0 = never), ids are text made by the gateway.
-- Columns named *_sealed hold text sealed under the master key.
--
-- Tables that grow with every payment have no foreign key to merchant or wallet:
-- checking one locks the referenced row on PostgreSQL, and a busy merchant's row
-- must never be something every payment waits for. The audit checks them instead.

CREATE TABLE setting (
  name          TEXT PRIMARY KEY,
  value_sealed  TEXT NOT NULL
);

CREATE TABLE merchant (
  id                            TEXT PRIMARY KEY,
  name                          TEXT NOT NULL,
  doku_client_id                TEXT UNIQUE,
  doku_secret_sealed            TEXT NOT NULL,
  doku_public_key               TEXT NOT NULL,
  doku_private_key_sealed       TEXT NOT NULL,
  doku_notification_url         TEXT NOT NULL,
  snap_token_url                TEXT NOT NULL,
  snap_notification_url         TEXT NOT NULL,
  snap_binding_notification_url TEXT NOT NULL,
  created_us                    BIGINT NOT NULL
);

CREATE TABLE wallet (
  id                TEXT PRIMARY KEY,
  phone             TEXT NOT NULL UNIQUE,
  name              TEXT NOT NULL,
  status            TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'card_blocked')),
  pin_hash          TEXT NOT NULL,
  pin_sealed        TEXT NOT NULL,
  pin_fails         BIGINT NOT NULL,
  locked_until_us   BIGINT NOT NULL,
  cash              BIGINT NOT NULL CHECK (cash >= 0),
  points            BIGINT NOT NULL CHECK (points >= 0),
  limit_transaction BIGINT NOT NULL,
  limit_daily_count BIGINT NOT NULL,
  limit_daily_sum   BIGINT NOT NULL,
  limit_holding     BIGINT NOT NULL,
  created_us        BIGINT NOT NULL
);

CREATE TABLE page (
  id             TEXT PRIMARY KEY,
  key_digest     TEXT NOT NULL UNIQUE,
  key_sealed     TEXT NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('binding', 'payment')),
  subject        TEXT NOT NULL,
  merchant_id    TEXT NOT NULL,
  wallet_id      TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('otp', 'pin', 'done', 'failed', 'cancelled', 'expired', 'superseded')),
  reason         TEXT NOT NULL,
  otp_hash       TEXT NOT NULL,
  otp_sealed     TEXT NOT NULL,
  otp_expires_us BIGINT NOT NULL,
  otp_fails      BIGINT NOT NULL,
  otp_sends      BIGINT NOT NULL,
  success_url    TEXT NOT NULL,
  failure_url    TEXT NOT NULL,
  created_us     BIGINT NOT NULL,
  opened_us      BIGINT NOT NULL,
  deadline_us    BIGINT NOT NULL
);
CREATE INDEX page_due ON page (deadline_us) WHERE state IN ('otp', 'pin');
CREATE INDEX page_otp ON page (wallet_id) WHERE state = 'otp';

CREATE TABLE binding (
  id               TEXT PRIMARY KEY,
  merchant_id      TEXT NOT NULL,
  wallet_id        TEXT NOT NULL,
  phone            TEXT NOT NULL,
  customer_id      TEXT NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('awaiting_customer', 'active', 'failed', 'expired', 'unbound')),
  dialect          TEXT NOT NULL,
  request_id       TEXT NOT NULL,
  customer_name    TEXT NOT NULL,
  replaces         BIGINT NOT NULL,
  page_id          TEXT NOT NULL,
  token_expires_us BIGINT NOT NULL,
  created_us       BIGINT NOT NULL,
  expires_us       BIGINT NOT NULL,
  ended_us         BIGINT NOT NULL
);
-- The race of two customers for one wallet ends here.
CREATE UNIQUE INDEX binding_active ON binding (merchant_id, wallet_id) WHERE state = 'active';
CREATE INDEX binding_wallet ON binding (wallet_id, id);
CREATE INDEX binding_customer ON binding (merchant_id, customer_id);
CREATE INDEX binding_page ON binding (page_id);
CREATE INDEX binding_due ON binding (expires_us) WHERE state = 'active';

CREATE TABLE payment (
  id              TEXT PRIMARY KEY,
  merchant_id     TEXT NOT NULL,
  wallet_id       TEXT NOT NULL,
  binding_id      TEXT NOT NULL,
  page_id         TEXT NOT NULL,
  channel         TEXT NOT NULL,
  dialect         TEXT NOT NULL,
  reference       TEXT NOT NULL,
  request_id      TEXT NOT NULL,
  amount          BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
  purse_use       TEXT NOT NULL,
  cash            BIGINT NOT NULL CHECK (cash >= 0),
  points          BIGINT NOT NULL CHECK (points >= 0),
  refunded_cash   BIGINT NOT NULL CHECK (refunded_cash BETWEEN 0 AND cash),
  refunded_points BIGINT NOT NULL CHECK (refunded_points BETWEEN 0 AND points),
  state           TEXT NOT NULL CHECK (state IN ('awaiting_customer', 'succeeded', 'refused', 'failed', 'cancelled', 'expired', 'uncertain')),
  reason          TEXT NOT NULL,
  fingerprint     TEXT NOT NULL,
  details         TEXT NOT NULL,
  notify_url      TEXT NOT NULL,
  created_us      BIGINT NOT NULL,
  final_us        BIGINT NOT NULL,
  transfer_id     TEXT NOT NULL,
  UNIQUE (merchant_id, dialect, reference)
);
CREATE INDEX payment_request ON payment (merchant_id, request_id);
CREATE INDEX payment_wallet ON payment (wallet_id, final_us);
CREATE INDEX payment_awaiting ON payment (binding_id) WHERE state = 'awaiting_customer';

-- What only a push to the customer's phone has. deadline_us is when waiting ends.
CREATE TABLE push (
  payment_id    TEXT PRIMARY KEY REFERENCES payment (id),
  merchant_id   TEXT NOT NULL,
  wallet_id     TEXT NOT NULL,
  proof         TEXT NOT NULL,
  batch_number  BIGINT NOT NULL,
  reference     BIGINT NOT NULL,
  trace         BIGINT NOT NULL,
  approval      TEXT NOT NULL,
  cash_left     BIGINT NOT NULL,
  points_left   BIGINT NOT NULL,
  deadline_us   BIGINT NOT NULL,
  open          BIGINT NOT NULL,
  final_us      BIGINT NOT NULL,
  UNIQUE (merchant_id, proof)
);
CREATE INDEX push_due ON push (deadline_us) WHERE open = 1;
CREATE INDEX push_wallet ON push (wallet_id) WHERE open = 1;
CREATE INDEX push_final ON push (final_us) WHERE open = 0;

-- The numbers that a merchant's terminal counts: a batch a day or a million
-- pushes, a reference within the batch, a trace that wraps.
CREATE TABLE terminal (
  merchant_id  TEXT PRIMARY KEY,
  day          TEXT NOT NULL,
  batch_number BIGINT NOT NULL,
  reference    BIGINT NOT NULL,
  trace        BIGINT NOT NULL
);

CREATE TABLE refund (
  id          TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL,
  payment_id  TEXT NOT NULL REFERENCES payment (id),
  dialect     TEXT NOT NULL,
  reference   TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  amount      BIGINT NOT NULL CHECK (amount > 0 AND amount = cash + points),
  cash        BIGINT NOT NULL CHECK (cash >= 0),
  points      BIGINT NOT NULL CHECK (points >= 0),
  reason      TEXT NOT NULL,
  transfer_id TEXT NOT NULL,
  created_us  BIGINT NOT NULL,
  UNIQUE (merchant_id, dialect, reference)
);
CREATE INDEX refund_payment ON refund (payment_id);

CREATE TABLE transfer (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('payment', 'refund', 'top_up')),
  subject    TEXT NOT NULL,
  reverses   TEXT NOT NULL,
  created_us BIGINT NOT NULL
);

CREATE TABLE posting (
  transfer_id TEXT NOT NULL REFERENCES transfer (id),
  leg         BIGINT NOT NULL,
  account     TEXT NOT NULL,
  amount      BIGINT NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (transfer_id, leg)
);

CREATE TABLE claim (
  merchant_id TEXT NOT NULL,
  scope       TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer      TEXT NOT NULL,
  created_us  BIGINT NOT NULL,
  PRIMARY KEY (merchant_id, scope, request_id)
);

CREATE TABLE event (
  id          TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL,
  subject     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  reason      TEXT NOT NULL,
  at_us       BIGINT NOT NULL
);
CREATE INDEX event_subject ON event (subject, id);

CREATE TABLE notification (
  id          TEXT PRIMARY KEY,
  event_id    TEXT NOT NULL REFERENCES event (id),
  merchant_id TEXT NOT NULL,
  subject     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  dialect     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'failed', 'undeliverable')),
  attempts    BIGINT NOT NULL,
  next_us     BIGINT NOT NULL,
  lease_us    BIGINT NOT NULL,
  fence       BIGINT NOT NULL,
  created_us  BIGINT NOT NULL
);
CREATE INDEX notification_due ON notification (next_us) WHERE state = 'queued';
CREATE INDEX notification_subject ON notification (subject, id);

CREATE TABLE attempt (
  notification_id TEXT NOT NULL REFERENCES notification (id),
  number          BIGINT NOT NULL,
  url             TEXT NOT NULL,
  at_us           BIGINT NOT NULL,
  took_us         BIGINT NOT NULL,
  status          BIGINT NOT NULL,
  answer          TEXT NOT NULL,
  error           TEXT NOT NULL,
  PRIMARY KEY (notification_id, number)
);
