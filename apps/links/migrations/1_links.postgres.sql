CREATE TABLE links (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    title TEXT,
    owner TEXT NOT NULL,
    day TEXT NOT NULL
);

CREATE INDEX links_owner ON links (owner);

CREATE TABLE hits (
    link BIGINT NOT NULL REFERENCES links,
    day TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (link, day)
);
