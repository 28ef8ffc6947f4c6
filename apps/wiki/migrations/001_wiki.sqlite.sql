-- Pages and all their versions, who may write, and who is logged in.

CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,  -- the name in small letters: no two differ in those alone
  hash TEXT NOT NULL,
  joined TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE logins (
  token TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,  -- the title in small letters
  version INTEGER NOT NULL,
  content TEXT NOT NULL,
  changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  page INTEGER NOT NULL REFERENCES pages (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  content TEXT NOT NULL,
  note TEXT NOT NULL,
  author INTEGER REFERENCES users (id),  -- NULL: it came with the wiki
  at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (page, version)
);
