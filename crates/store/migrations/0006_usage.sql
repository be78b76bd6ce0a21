-- What leases have used, by day in UTC: days since 1970. Those of one day lie together, because
-- those are the ones that are written.
CREATE TABLE usage_day (
    day         BIGINT NOT NULL,
    lease_id    BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    bytes_up    BIGINT NOT NULL CHECK (0 <= bytes_up),
    bytes_down  BIGINT NOT NULL CHECK (0 <= bytes_down),
    flows       BIGINT NOT NULL CHECK (0 <= flows),
    PRIMARY KEY (day, lease_id)
) /* clustered */;

CREATE INDEX usage_of_customer ON usage_day (customer_id, day, lease_id);

-- Who counts, up to which of its reports that is in the books, and what they came to.
CREATE TABLE meter (
    id            TEXT   NOT NULL PRIMARY KEY,
    gateway       TEXT   NOT NULL,
    last_number   BIGINT NOT NULL CHECK (0 <= last_number),
    -- The last line of the report behind it that was taken, if only a part of it was.
    part_day      BIGINT,
    part_lease_id BIGINT,
    bytes_up      BIGINT NOT NULL CHECK (0 <= bytes_up),
    bytes_down    BIGINT NOT NULL CHECK (0 <= bytes_down),
    flows         BIGINT NOT NULL CHECK (0 <= flows),
    at_ms         BIGINT NOT NULL,
    CHECK ((part_day IS NULL) = (part_lease_id IS NULL))
) /* clustered */;
