-- The books of a shop.
--
-- Written for SQLite and PostgreSQL. The store replaces the types by the engine's own, and what
-- follows the closing bracket of a table: heap is a table in the order of insertion, clustered one
-- in the order of its primary key. Money is in minor units, time in milliseconds since 1970 UTC,
-- shares are in hundredths of a per cent, a flag is 0 or 1.

-- What never changes about this installation.
CREATE TABLE installation (
    id              BIGINT PRIMARY KEY CHECK (id = 1),
    sandbox         BIGINT NOT NULL CHECK (sandbox IN (0, 1)),
    id_key          BYTEA  NOT NULL CHECK (length(id_key) = 16),
    key_fingerprint BYTEA  NOT NULL CHECK (length(key_fingerprint) = 16)
) /* heap */;

-- What every transaction looks at: the next ids, and what caches must agree with.
CREATE TABLE state (
    id                BIGINT PRIMARY KEY CHECK (id = 1),
    next_entry        BIGINT NOT NULL,
    next_order        BIGINT NOT NULL,
    next_lease        BIGINT NOT NULL,
    next_address      BIGINT NOT NULL,
    catalogue_version BIGINT NOT NULL,
    -- Grows whenever a key or a customer changes, so that callers need not be looked up each time.
    keys_version      BIGINT NOT NULL,
    sales_locked      BIGINT NOT NULL CHECK (sales_locked IN (0, 1)),
    -- Answers to entries from this one on may not have reached their customers.
    quiet_entry       BIGINT NOT NULL,
    clock_offset_ms   BIGINT NOT NULL CHECK (0 <= clock_offset_ms)
) /* heap */;

-- Every catalogue that was in force, as its text.
CREATE TABLE catalogue (
    version       BIGINT PRIMARY KEY,
    text          TEXT   NOT NULL,
    applied_at_ms BIGINT NOT NULL
) /* heap */;

CREATE TABLE customer (
    id            BIGINT PRIMARY KEY,
    name          TEXT   NOT NULL,
    email         TEXT,
    currency      TEXT   NOT NULL,
    suspended     BIGINT NOT NULL CHECK (suspended IN (0, 1)),
    created_at_ms BIGINT NOT NULL
) /* heap */;

-- What a customer has to spend: the sum of the postings of its account, and their number.
CREATE TABLE wallet (
    customer_id   BIGINT PRIMARY KEY REFERENCES customer (id),
    account_id    BIGINT NOT NULL UNIQUE,
    balance_minor BIGINT NOT NULL CHECK (0 <= balance_minor),
    version       BIGINT NOT NULL CHECK (0 <= version)
) /* heap */;

CREATE TABLE api_key (
    id                  BIGINT PRIMARY KEY,
    hash                BYTEA  NOT NULL UNIQUE CHECK (length(hash) = 32),
    customer_id         BIGINT NOT NULL REFERENCES customer (id),
    name                TEXT   NOT NULL,
    -- Networks, separated by spaces.
    allowed             TEXT   NOT NULL,
    read_only           BIGINT NOT NULL CHECK (read_only IN (0, 1)),
    repeat_window_ms    BIGINT NOT NULL CHECK (0 <= repeat_window_ms),
    requests_per_minute BIGINT,
    created_at_ms       BIGINT NOT NULL,
    expires_at_ms       BIGINT,
    revoked_at_ms       BIGINT
) /* heap */;

CREATE INDEX api_key_of_customer ON api_key (customer_id, id);

CREATE TABLE operator_token (
    id            BIGINT PRIMARY KEY,
    hash          BYTEA  NOT NULL UNIQUE CHECK (length(hash) = 32),
    name          TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
) /* heap */;

CREATE TABLE promo (
    id                  BIGINT PRIMARY KEY,
    code                TEXT   NOT NULL UNIQUE,
    discount_hundredths BIGINT NOT NULL CHECK (discount_hundredths BETWEEN 0 AND 10000),
    starts_at_ms        BIGINT NOT NULL,
    ends_at_ms          BIGINT,
    max_uses            BIGINT,
    per_customer        BIGINT,
    -- Kinds, separated by spaces; none is all.
    kinds               TEXT   NOT NULL,
    for_orders          BIGINT NOT NULL CHECK (for_orders IN (0, 1)),
    for_extensions      BIGINT NOT NULL CHECK (for_extensions IN (0, 1)),
    customer_id         BIGINT REFERENCES customer (id),
    -- Pairs of locale and text, as JSON.
    descriptions        TEXT   NOT NULL,
    uses                BIGINT NOT NULL CHECK (0 <= uses AND (max_uses IS NULL OR uses <= max_uses))
) /* heap */;

-- How often a customer has used a code; never has no row.
CREATE TABLE promo_use (
    promo_id    BIGINT NOT NULL REFERENCES promo (id),
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    uses        BIGINT NOT NULL CHECK (0 < uses),
    PRIMARY KEY (promo_id, customer_id)
) /* clustered */;

-- The exits in stock.
CREATE TABLE address (
    id         BIGINT PRIMARY KEY,
    product    TEXT   NOT NULL,
    ip         TEXT   NOT NULL,
    -- Which of the leases that share the address.
    slot       BIGINT NOT NULL CHECK (0 <= slot),
    -- Whether it was drawn from a prefix, rather than added by the operator.
    drawn      BIGINT NOT NULL CHECK (drawn IN (0, 1)),
    gateway    TEXT   NOT NULL,
    port       BIGINT NOT NULL CHECK (port BETWEEN 0 AND 65535),
    rank       BIGINT NOT NULL,
    lease_id   BIGINT,
    free_at_ms BIGINT NOT NULL
) /* heap */;

-- A draw may meet an address that was added by hand later, and must not fail for it.
CREATE UNIQUE INDEX address_ip ON address (ip, slot) WHERE drawn = 0;

CREATE INDEX address_free ON address (product, rank, id, free_at_ms) WHERE lease_id IS NULL;

CREATE TABLE prefix (
    id      BIGINT PRIMARY KEY,
    product TEXT   NOT NULL,
    base    TEXT   NOT NULL,
    length  BIGINT NOT NULL CHECK (length BETWEEN 0 AND 128),
    gateway TEXT   NOT NULL,
    drawn   BIGINT NOT NULL CHECK (0 <= drawn),
    UNIQUE (base, length)
) /* heap */;

CREATE INDEX prefix_of_product ON prefix (product, id);

-- The next free port of the shared host of a gateway.
CREATE TABLE gateway_port (
    gateway   TEXT   NOT NULL PRIMARY KEY,
    next_port BIGINT NOT NULL CHECK (next_port BETWEEN 0 AND 65535)
) /* clustered */;

-- What was bought together, and what its leases share.
CREATE TABLE customer_order (
    id               BIGINT PRIMARY KEY,
    customer_id      BIGINT NOT NULL REFERENCES customer (id),
    product          TEXT   NOT NULL,
    period_days      BIGINT NOT NULL,
    quantity         BIGINT NOT NULL,
    goal             TEXT   NOT NULL,
    -- Either a login with its password, which is sealed with the key file, or a source address.
    login            TEXT,
    password_sealed  BYTEA,
    source_ip        TEXT,
    protocol         TEXT,
    rotation_seconds BIGINT,
    created_at_ms    BIGINT NOT NULL,
    CHECK ((login IS NULL) = (password_sealed IS NULL) AND (login IS NULL) <> (source_ip IS NULL))
) /* heap */;

-- A lease. Nothing but its terms, because every extension writes this row; and no index has the
-- end in it, so that an extension writes nothing else here. look_at_ms may therefore be too early.
CREATE TABLE lease (
    id                BIGINT PRIMARY KEY,
    order_id          BIGINT NOT NULL REFERENCES customer_order (id),
    customer_id       BIGINT NOT NULL REFERENCES customer (id),
    product           TEXT   NOT NULL,
    -- Of the product: 1 is IPv4, 2 IPv6, 3 MOBILE, 4 ISP.
    kind              BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 4),
    address_id        BIGINT NOT NULL REFERENCES address (id),
    -- 0 is active, 1 reserved, 2 over.
    state             BIGINT NOT NULL CHECK (state BETWEEN 0 AND 2),
    starts_at_ms      BIGINT NOT NULL,
    ends_at_ms        BIGINT NOT NULL,
    reserved_until_ms BIGINT,
    auto_extend_days  BIGINT,
    retry_at_ms       BIGINT,
    look_at_ms        BIGINT NOT NULL
) /* heap */;

CREATE INDEX lease_of_order ON lease (order_id, id);

CREATE INDEX lease_live ON lease (customer_id, kind, id) WHERE state = 0;

CREATE INDEX lease_reserved ON lease (customer_id, kind, id) WHERE state = 1;

CREATE INDEX lease_due ON lease (look_at_ms, id) WHERE state < 2;

-- An address has one lease at a time.
CREATE UNIQUE INDEX lease_address ON lease (address_id) WHERE state < 2;

-- How many active leases of a kind a customer has among 4096 neighbours, chunk = id / 4096, so that
-- a page far down a list is found by adding up.
CREATE TABLE lease_count (
    customer_id BIGINT NOT NULL,
    kind        BIGINT NOT NULL,
    chunk       BIGINT NOT NULL,
    live        BIGINT NOT NULL CHECK (0 <= live),
    PRIMARY KEY (customer_id, kind, chunk)
) /* clustered */;

-- The journal: what happened, once and for ever.
CREATE TABLE entry (
    id          BIGINT PRIMARY KEY,
    at_ms       BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    -- What identifies the request, of a spend without an idempotency key.
    fingerprint BYTEA,
    -- How many postings it has. Those that have some are found by them.
    postings    BIGINT NOT NULL,
    -- What happened, and its postings, as JSON.
    body        TEXT   NOT NULL
) /* heap */;

CREATE INDEX entry_without_postings ON entry (customer_id, id) WHERE postings = 0;

-- The ledger. A wallet's versions count from 1 without a gap, so a lost update meets the primary
-- key. An account of the house has the entry's id for a version: its lines are only ever appended.
CREATE TABLE posting (
    account_id          BIGINT NOT NULL,
    version             BIGINT NOT NULL,
    entry_id            BIGINT NOT NULL,
    amount_minor        BIGINT NOT NULL,
    balance_after_minor BIGINT CHECK (0 <= balance_after_minor),
    PRIMARY KEY (account_id, version)
) /* clustered */;

-- Answers that are given again to an identical request: an entry of the journal, or a refusal.
CREATE TABLE answer (
    customer_id BIGINT NOT NULL,
    key         BYTEA  NOT NULL CHECK (length(key) = 16),
    fingerprint BYTEA  NOT NULL CHECK (length(fingerprint) = 16),
    entry_id    BIGINT,
    refused     TEXT,
    until_ms    BIGINT NOT NULL,
    PRIMARY KEY (customer_id, key),
    CHECK ((entry_id IS NULL) <> (refused IS NULL))
) /* clustered */;

CREATE INDEX answer_until ON answer (until_ms);
