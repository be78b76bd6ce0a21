ALTER TABLE state ADD COLUMN next_authorisation BIGINT NOT NULL DEFAULT 1;

UPDATE state SET next_authorisation = next_order;

-- An order without what is kept with its authorisations now. SQLite cannot take away columns that a
-- check names, so the table is made anew; references to it are looked at when it is there again.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE ordered (
    id               BIGINT PRIMARY KEY,
    customer_id      BIGINT NOT NULL,
    product          TEXT   NOT NULL,
    period_days      BIGINT NOT NULL,
    quantity         BIGINT NOT NULL,
    goal             TEXT   NOT NULL,
    protocol         TEXT,
    rotation_seconds BIGINT,
    created_at_ms    BIGINT NOT NULL
) /* heap */;

INSERT INTO ordered (id, customer_id, product, period_days, quantity, goal, protocol,
    rotation_seconds, created_at_ms)
    SELECT id, customer_id, product, period_days, quantity, goal, protocol, rotation_seconds,
    created_at_ms FROM customer_order;

DROP TABLE customer_order;

CREATE TABLE customer_order (
    id               BIGINT PRIMARY KEY,
    customer_id      BIGINT NOT NULL REFERENCES customer (id),
    product          TEXT   NOT NULL,
    period_days      BIGINT NOT NULL,
    quantity         BIGINT NOT NULL,
    goal             TEXT   NOT NULL,
    protocol         TEXT,
    rotation_seconds BIGINT,
    created_at_ms    BIGINT NOT NULL
) /* heap */;

INSERT INTO customer_order (id, customer_id, product, period_days, quantity, goal, protocol,
    rotation_seconds, created_at_ms)
    SELECT id, customer_id, product, period_days, quantity, goal, protocol, rotation_seconds,
    created_at_ms FROM ordered;

DROP TABLE ordered;
