-- Search, by FTS5, which only SQLite has: on PostgreSQL this would be a column of to_tsvector, and another query in
-- store.star. The index holds no text of its own, and the triggers keep it as pages are.

CREATE VIRTUAL TABLE search USING fts5 (
  title, content, content = 'pages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER pages_added AFTER INSERT ON pages BEGIN
  INSERT INTO search (rowid, title, content) VALUES (new.id, new.title, new.content);
END;

CREATE TRIGGER pages_removed AFTER DELETE ON pages BEGIN
  INSERT INTO search (search, rowid, title, content) VALUES ('delete', old.id, old.title, old.content);
END;

CREATE TRIGGER pages_changed AFTER UPDATE ON pages BEGIN
  INSERT INTO search (search, rowid, title, content) VALUES ('delete', old.id, old.title, old.content);
  INSERT INTO search (rowid, title, content) VALUES (new.id, new.title, new.content);
END;
