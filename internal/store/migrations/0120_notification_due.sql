-- Finding what is due passes over merchants who have more than enough under way,
-- without reading their rows.

DROP INDEX notification_due;
CREATE INDEX notification_due ON notification (next_us, id, merchant_id) WHERE state = 'queued';
