-- What the books need besides where many servers share them. Follows 0001_books.sql, in the same
-- transaction.

-- The next ids are everybody's, all the time, and have a row of their own: taking some is a
-- transaction of a moment, which waits for no other change.
CREATE TABLE number (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    next_entry   BIGINT NOT NULL,
    next_order   BIGINT NOT NULL,
    next_lease   BIGINT NOT NULL,
    next_address BIGINT NOT NULL
) WITH (fillfactor = 20);

ALTER TABLE state DROP COLUMN next_entry;
ALTER TABLE state DROP COLUMN next_order;
ALTER TABLE state DROP COLUMN next_lease;
ALTER TABLE state DROP COLUMN next_address;
-- Every server has its own.
ALTER TABLE state DROP COLUMN quiet_entry;

-- Room for the next version of a row beside the last one, so that no index is written for it.
ALTER TABLE wallet SET (fillfactor = 60);
ALTER TABLE lease SET (fillfactor = 80);

-- The leases of an order follow each other, so that they are found without an index of their own,
-- which every renewal would have to write.
ALTER TABLE customer_order ADD COLUMN first_lease_id BIGINT NOT NULL;
DROP INDEX lease_of_order;

-- Those who write, by their names. Times are those of the database's clock.
CREATE TABLE server (
    id              BIGINT PRIMARY KEY,
    name            TEXT   NOT NULL UNIQUE,
    started_at_ms   BIGINT NOT NULL,
    seen_at_ms      BIGINT NOT NULL,
    -- Answers to its entries from this one on may not have reached their customers.
    quiet_entry     BIGINT NOT NULL,
    clock_offset_ms BIGINT NOT NULL CHECK (0 <= clock_offset_ms),
    -- Whether it is not there, and has left nothing behind.
    ended           BIGINT NOT NULL CHECK (ended IN (0, 1))
) WITH (fillfactor = 20);

-- What was committed together: entries that follow each other.
CREATE TABLE batch (
    first_entry BIGINT PRIMARY KEY,
    -- None, of a batch that can never be committed because somebody has taken its place.
    entries     BIGINT NOT NULL CHECK (0 <= entries),
    -- By which its maker knows it again.
    mark        BYTEA  NOT NULL CHECK (length(mark) = 16),
    server_id   BIGINT NOT NULL,
    -- Of its first entry, in the feed. It is given after the commit, by whoever reads the feed:
    -- batches are not committed in the order of their entries, and nobody waits for that.
    number      BIGINT
);

CREATE UNIQUE INDEX batch_number ON batch (number) WHERE number IS NOT NULL;

CREATE INDEX batch_unnumbered ON batch (first_entry) WHERE number IS NULL AND 0 < entries;

CREATE INDEX batch_of_server ON batch (server_id, first_entry);

-- The next number of the feed.
CREATE TABLE feed (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    next_number BIGINT NOT NULL
);
