-- Faspay: a merchant's credentials there, payments by order, and who ended a
-- binding. Rows of other protocols keep the defaults and enter none of the new
-- indexes of payments.

ALTER TABLE merchant ADD COLUMN faspay_merchant_id TEXT;
ALTER TABLE merchant ADD COLUMN faspay_user_id TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_password_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_notification_url TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_activation_url TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_return_url TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_format TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_amount_scale BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merchant ADD COLUMN faspay_allow TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_flat_errors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merchant ADD COLUMN faspay_suspended BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX merchant_faspay ON merchant (faspay_merchant_id);

ALTER TABLE binding ADD COLUMN details TEXT NOT NULL DEFAULT '';
ALTER TABLE binding ADD COLUMN ended_by TEXT NOT NULL DEFAULT '';
CREATE INDEX binding_phone ON binding (merchant_id, phone);

ALTER TABLE payment ADD COLUMN order_number TEXT NOT NULL DEFAULT '';
-- Two payments of one order can never both be paid.
CREATE UNIQUE INDEX payment_order ON payment (merchant_id, dialect, order_number)
  WHERE order_number <> '' AND state IN ('awaiting_customer', 'succeeded', 'uncertain');
CREATE INDEX payment_order_history ON payment (merchant_id, wallet_id, dialect, created_us) WHERE order_number <> '';
