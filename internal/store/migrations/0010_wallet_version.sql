-- What a transaction has read of a wallet must still hold when it commits. Every
-- write of a wallet counts its version up, and names the version that was read.
ALTER TABLE wallet ADD COLUMN version BIGINT NOT NULL DEFAULT 0;

-- A customer has one page open for a wallet at most; the race of two ends here.
CREATE UNIQUE INDEX binding_awaiting ON binding (merchant_id, wallet_id, customer_id) WHERE state = 'awaiting_customer';
