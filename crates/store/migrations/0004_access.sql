-- Who may use the addresses of an order; what customers write beside leases; which addresses were
-- replaced.

-- The ways in to the addresses of an order. A login is one authorisation's, but for the one that a
-- customer usually uses, which any of his may have. No reference to the order: it is never deleted,
-- and each of its authorisations would be looked for whenever it is written.
CREATE TABLE authorisation (
    id              BIGINT PRIMARY KEY,
    customer_id     BIGINT NOT NULL REFERENCES customer (id),
    order_id        BIGINT NOT NULL,
    active          BIGINT NOT NULL CHECK (active IN (0, 1)),
    -- Either a login with its password, which is sealed with the key file, or a source address.
    login           TEXT,
    password_sealed BYTEA,
    source_ip       TEXT,
    -- Whether it is the login that its customer usually uses.
    usual           BIGINT NOT NULL CHECK (usual IN (0, 1)),
    -- Whether its customer has chosen the login; another was issued, and is random.
    chosen          BIGINT NOT NULL CHECK (chosen IN (0, 1)),
    -- Whether lists of leases show it; one of an order at most.
    shown           BIGINT NOT NULL CHECK (shown IN (0, 1)),
    CHECK ((login IS NULL) = (password_sealed IS NULL) AND (login IS NULL) <> (source_ip IS NULL))
) /* heap */;

-- What every order has had so far. Its number is that of the order, which is free here.
INSERT INTO authorisation (id, customer_id, order_id, active, login, password_sealed, source_ip,
    usual, chosen, shown)
    SELECT id, customer_id, id, 1, login, password_sealed, source_ip, 0, 0, 1 FROM customer_order;

CREATE INDEX authorisation_of_customer ON authorisation (customer_id, order_id, id);

CREATE INDEX authorisation_login ON authorisation (login) WHERE usual = 0;

-- Two who choose one login at the same moment meet here.
CREATE UNIQUE INDEX authorisation_chosen ON authorisation (login) WHERE chosen = 1;

-- The pair that a customer usually uses, of those who have one.
CREATE TABLE usual_login (
    customer_id     BIGINT PRIMARY KEY REFERENCES customer (id),
    login           TEXT   NOT NULL UNIQUE,
    password_sealed BYTEA  NOT NULL
) /* heap */;

ALTER TABLE lease ADD COLUMN replaced_at_ms BIGINT;

ALTER TABLE lease ADD COLUMN comment TEXT;

-- Which leases had which addresses before. What else there is to say of it is in the journal.
CREATE TABLE replacement (
    lease_id        BIGINT NOT NULL,
    entry_id        BIGINT NOT NULL,
    from_address_id BIGINT NOT NULL,
    to_address_id   BIGINT NOT NULL,
    PRIMARY KEY (lease_id, entry_id)
) /* clustered */;
