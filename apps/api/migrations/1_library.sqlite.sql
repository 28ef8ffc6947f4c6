-- AUTOINCREMENT: an id is never given again, so that an ETag of what is gone is of nothing that comes later.
CREATE TABLE authors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    born INTEGER
);

CREATE TABLE books (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    title TEXT NOT NULL,
    author INTEGER NOT NULL REFERENCES authors,
    year INTEGER,
    isbn TEXT UNIQUE,
    copies INTEGER NOT NULL
);

CREATE INDEX books_author ON books (author);

CREATE TABLE loans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 1,
    book INTEGER NOT NULL REFERENCES books,
    reader TEXT NOT NULL,
    due TEXT NOT NULL,
    returned TEXT
);

CREATE INDEX loans_book ON loans (book);
