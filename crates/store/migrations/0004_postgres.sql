ALTER TABLE number ADD COLUMN next_authorisation BIGINT NOT NULL DEFAULT 1;

UPDATE number SET next_authorisation = next_order;

-- Whatever names a column goes with it.
ALTER TABLE customer_order DROP COLUMN login;
ALTER TABLE customer_order DROP COLUMN password_sealed;
ALTER TABLE customer_order DROP COLUMN source_ip;
