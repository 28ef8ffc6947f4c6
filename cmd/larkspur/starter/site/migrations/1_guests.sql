CREATE TABLE guests (
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    written TIMESTAMP NOT NULL
);

CREATE INDEX guests_written ON guests (written);
