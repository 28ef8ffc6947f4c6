-- Something to look at.
INSERT INTO authors (name, born) VALUES
    ('Ursula K. Le Guin', 1929),
    ('Stanisław Lem', 1921),
    ('Octavia E. Butler', 1947),
    ('Homer', NULL);

INSERT INTO books (title, author, year, isbn, copies) VALUES
    ('A Wizard of Earthsea', 1, 1968, NULL, 3),
    ('The Left Hand of Darkness', 1, 1969, NULL, 2),
    ('The Dispossessed', 1, 1974, '9780061054884', 2),
    ('Always Coming Home', 1, 1985, NULL, 1),
    ('Solaris', 2, 1961, NULL, 2),
    ('The Cyberiad', 2, 1965, NULL, 1),
    ('His Master''s Voice', 2, 1968, NULL, 1),
    ('Kindred', 3, 1979, NULL, 2),
    ('Wild Seed', 3, 1980, NULL, 1),
    ('Parable of the Sower', 3, 1993, NULL, 2),
    ('The Iliad', 4, NULL, NULL, 4),
    ('The Odyssey', 4, NULL, NULL, 4);

INSERT INTO loans (book, reader, due, returned) VALUES
    (5, 'Ada', '2026-01-31', '2026-01-20'),
    (5, 'Grace', '2030-01-31', NULL),
    (12, 'Ada', '2030-02-28', NULL);
