-- Where these books have gone to. Whoever finds a row here leaves the others alone: they tell what
-- was, and what is happens there.
CREATE TABLE moved (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    place TEXT   NOT NULL,
    at_ms BIGINT NOT NULL
) /* heap */;
