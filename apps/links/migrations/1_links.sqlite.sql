CREATE TABLE links (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    title TEXT,
    owner TEXT NOT NULL,
    day TEXT NOT NULL
);

CREATE INDEX links_owner ON links (owner);

CREATE TABLE hits (
    link INTEGER NOT NULL REFERENCES links,
    day TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (link, day)
) WITHOUT ROWID;
