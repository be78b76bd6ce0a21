-- Which run of a server this is. Every batch holds the row until its end, so that whoever takes
-- care of what a server has left behind can wait for all that it has under way.
CREATE TABLE server_run (
    server_id BIGINT PRIMARY KEY REFERENCES server (id),
    run       BIGINT NOT NULL
);
