-- Payments by order, those too that did not succeed. Only Faspay's have one.
CREATE INDEX payment_order_number ON payment (merchant_id, order_number) WHERE order_number <> '';

-- The Faspay password that a rotation replaced goes on verifying until its time is over.
ALTER TABLE merchant ADD COLUMN faspay_old_password_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE merchant ADD COLUMN faspay_old_password_until_us BIGINT NOT NULL DEFAULT 0;
