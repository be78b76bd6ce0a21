-- What gateways on other hosts know this shop by: its key, which is sealed with the key file, and
-- the epoch of its books, which changes when they go back to what they were before.
CREATE TABLE gateway_identity (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    key_sealed BYTEA NOT NULL,
    epoch      TEXT  NOT NULL
) /* heap */;

-- Gateways on other hosts. Each is known by the hash of its public key once it has enrolled, which
-- it does once, with a token whose hash is kept.
CREATE TABLE gateway_node (
    id             BIGINT PRIMARY KEY,
    name           TEXT   NOT NULL,
    -- Which gateways of the catalogue it is, in JSON.
    gateways       TEXT   NOT NULL,
    token_hash     BYTEA  NOT NULL UNIQUE,
    token_until_ms BIGINT NOT NULL,
    key_hash       BYTEA  UNIQUE,
    created_at_ms  BIGINT NOT NULL,
    enrolled_at_ms BIGINT,
    removed_at_ms  BIGINT,
    -- When it was last heard of, and what it said, in JSON.
    seen_at_ms     BIGINT,
    report         TEXT
) /* heap */;

CREATE UNIQUE INDEX gateway_node_name ON gateway_node (name) WHERE removed_at_ms IS NULL;
