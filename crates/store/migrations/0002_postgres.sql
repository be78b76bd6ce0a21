-- Books that are on their way here. As long as there is a row, they are not all here, and nobody may
-- use them.
CREATE TABLE moving (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    -- Where they come from.
    place  TEXT   NOT NULL,
    -- What their installation is known by.
    id_key BYTEA  NOT NULL CHECK (length(id_key) = 16),
    -- Who brings them. Of two, the later one.
    run    BYTEA  NOT NULL CHECK (length(run) = 16)
);

-- The tables of them that are here, and what they were like where they come from.
CREATE TABLE moving_part (
    name   TEXT   PRIMARY KEY,
    count  BIGINT NOT NULL CHECK (0 <= count),
    digest BYTEA  NOT NULL CHECK (length(digest) = 32)
);

-- Indexes and references that are made again when everything is here.
CREATE TABLE moving_later (
    id        BIGINT PRIMARY KEY,
    statement TEXT   NOT NULL
);
