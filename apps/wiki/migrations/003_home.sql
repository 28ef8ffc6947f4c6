-- The first page.

INSERT INTO pages (id, title, key, version, content)
VALUES (1, 'Home', 'home', 1, 'Welcome. This is a wiki: everybody reads, and who has registered writes. All that was
ever saved is kept, so nothing can be broken: the *history* of a page has each version, what changed, and the way back.

## How to write

Pages are in [Markdown](https://commonmark.org/help/). A name in double brackets is a link to another page of the wiki:
`[[Shopping list]]` makes [[Shopping list]], and `[[Shopping list|what to buy]]` shows other words. A link to a page
that nobody has written yet is a dotted one: follow it, and write the page.

| You write      | You get     |
|----------------|-------------|
| `**bold**`     | **bold**    |
| `*emphasis*`   | *emphasis*  |
| `~~gone~~`     | ~~gone~~    |
| `[[Home]]`     | [[Home]]    |

## Where to go

- Write the page on [[Tea]].
- See what has changed, above.
- Search, above: also for `"a phrase"`.
');

INSERT INTO versions (page, version, content, note)
SELECT id, version, content, 'The first page' FROM pages WHERE id = 1;
