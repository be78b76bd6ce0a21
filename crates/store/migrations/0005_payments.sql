-- Money that is to come in from outside, and what became of it. Its credit is written in the
-- transaction that makes it settled, and no other payment has the same.
CREATE TABLE payment (
    id            BIGINT PRIMARY KEY,
    customer_id   BIGINT NOT NULL REFERENCES customer (id),
    amount_minor  BIGINT NOT NULL CHECK (0 < amount_minor),
    currency      TEXT   NOT NULL,
    provider      TEXT   NOT NULL,
    card_id       BIGINT,
    purpose       TEXT   NOT NULL,
    state         TEXT   NOT NULL
        CHECK (state IN ('pending', 'authorised', 'settled', 'refused', 'void')),
    declined      TEXT,
    -- Whether the provider has been told everything.
    finished      BIGINT NOT NULL CHECK (finished IN (0, 1)),
    entry_id      BIGINT UNIQUE,
    created_at_ms BIGINT NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    CHECK ((state = 'settled') = (entry_id IS NOT NULL))
) /* heap */;

CREATE INDEX payment_of_customer ON payment (customer_id, id);

-- Those that the operator can confirm.
CREATE INDEX payment_pending ON payment (id) WHERE state = 'pending' AND card_id IS NULL;

-- Those about which a provider may have to be told something.
CREATE INDEX payment_unfinished ON payment (changed_at_ms, id)
    WHERE finished = 0 AND card_id IS NOT NULL;

-- Cards that are kept to pay with again: not their numbers, but what a provider knows them by,
-- which is sealed with the key file.
CREATE TABLE card (
    id            BIGINT PRIMARY KEY,
    customer_id   BIGINT NOT NULL REFERENCES customer (id),
    provider      TEXT   NOT NULL,
    token_sealed  BYTEA  NOT NULL,
    brand         TEXT   NOT NULL,
    last4         TEXT   NOT NULL,
    month         BIGINT NOT NULL CHECK (month BETWEEN 1 AND 12),
    year          BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    removed       BIGINT NOT NULL CHECK (removed IN (0, 1))
) /* heap */;

CREATE INDEX card_of_customer ON card (customer_id, id);

-- Standing instructions to top a wallet up, and how they fare.
CREATE TABLE auto_top_up (
    customer_id          BIGINT PRIMARY KEY REFERENCES customer (id),
    currency             TEXT   NOT NULL,
    enabled              BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    threshold_minor      BIGINT NOT NULL CHECK (0 <= threshold_minor),
    amount_minor         BIGINT NOT NULL CHECK (0 < amount_minor),
    card_id              BIGINT,
    fails                BIGINT NOT NULL CHECK (0 <= fails),
    paused               BIGINT NOT NULL CHECK (paused IN (0, 1)),
    -- The one that is under way.
    payment_id           BIGINT,
    not_before_ms        BIGINT NOT NULL,
    tried_at_ms          BIGINT,
    last_status          TEXT   NOT NULL,
    last_amount_minor    BIGINT NOT NULL,
    last_at_ms           BIGINT NOT NULL,
    last_declined        TEXT,
    -- What has come in within a day, in days since 1970, and a month, in months since the year 0.
    counted_day          BIGINT NOT NULL,
    counted_of_day       BIGINT NOT NULL,
    counted_month        BIGINT NOT NULL,
    counted_of_month     BIGINT NOT NULL
) /* heap */;

CREATE INDEX auto_top_up_ready ON auto_top_up (not_before_ms, customer_id)
    WHERE enabled = 1 AND paused = 0 AND payment_id IS NULL;

-- The card that pays for automatic extension; none is the wallet.
ALTER TABLE lease ADD COLUMN renew_card_id BIGINT;
