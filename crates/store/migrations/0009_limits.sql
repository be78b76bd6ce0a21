-- How much leases may use where that is not as the catalogue says: for one lease, or, with lease 0,
-- for all of a customer. What is not said is NULL, and 0 is no limit.
CREATE TABLE limit_exception (
    customer_id                BIGINT NOT NULL,
    lease_id                   BIGINT NOT NULL CHECK (0 <= lease_id),
    connections                BIGINT CHECK (0 <= connections),
    new_connections_per_second BIGINT CHECK (0 <= new_connections_per_second),
    bytes_per_second           BIGINT CHECK (0 <= bytes_per_second),
    PRIMARY KEY (customer_id, lease_id)
) /* clustered */;
