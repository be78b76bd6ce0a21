-- The modem that an address is behind, where its operator says so.
ALTER TABLE address ADD COLUMN modem TEXT;

CREATE INDEX address_of_modem ON address (modem, id) WHERE modem IS NOT NULL;

-- How often the link that rotates a lease was replaced by another one.
ALTER TABLE lease ADD COLUMN reboot_epoch BIGINT NOT NULL DEFAULT 0;

-- Modems that were asked to dial, and the exits that they have.
CREATE TABLE modem (
    name        TEXT   NOT NULL PRIMARY KEY,
    exit_ip     TEXT,
    -- How many exits it has had.
    exits       BIGINT NOT NULL CHECK (0 <= exits),
    dialing     BIGINT NOT NULL CHECK (dialing IN (0, 1)),
    asked_at_ms BIGINT,
    -- The job that is open.
    rotation_id BIGINT,
    -- What the number was when those who serve its leases had last to notice something.
    changed     BIGINT NOT NULL
) /* clustered */;

CREATE INDEX modem_changed ON modem (changed);

-- Jobs: a modem is to dial anew.
CREATE TABLE rotation (
    id          BIGINT PRIMARY KEY,
    modem       TEXT   NOT NULL,
    lease_id    BIGINT,
    cause       TEXT   NOT NULL,
    tries       BIGINT NOT NULL CHECK (0 < tries),
    state       TEXT   NOT NULL
        CHECK (state IN ('queued', 'dialing', 'changed', 'same', 'failed')),
    -- By when who does it has told what has come of it.
    until_ms    BIGINT,
    old_ip      TEXT,
    new_ip      TEXT,
    failure     TEXT,
    asked_at_ms BIGINT NOT NULL,
    begun_at_ms BIGINT,
    ended_at_ms BIGINT,
    -- How often it was taken.
    claim       BIGINT NOT NULL
) /* heap */;

-- A modem does one thing at a time.
CREATE UNIQUE INDEX rotation_open ON rotation (modem) WHERE ended_at_ms IS NULL;

CREATE INDEX rotation_of_lease ON rotation (lease_id, id) WHERE lease_id IS NOT NULL;

CREATE INDEX rotation_of_modem ON rotation (modem, id);

CREATE INDEX rotation_ended ON rotation (ended_at_ms) WHERE ended_at_ms IS NOT NULL;

-- The number that grows whenever a modem's exit changes or is about to, and the id of the next job.
-- It has a row when there was the first.
CREATE TABLE exit_state (
    id            BIGINT PRIMARY KEY CHECK (id = 1),
    version       BIGINT NOT NULL,
    next_rotation BIGINT NOT NULL
) /* heap */;
