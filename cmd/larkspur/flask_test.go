package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// besideFlask are tests of what the README compares with Flask, by file.
var besideFlask = map[string]string{
	"hi": `    eq(client(app).get("/").text, "Hello, world!\n")`,
	"teas": `    c = client(app)
    eq(c.get("/teas/2").json(), {"id": 2, "name": "Sencha"})
    eq(c.get("/teas/3").status, 404)
    eq(c.post("/teas/known", json = {"name": "Assam"}).json(), {"known": True})`,
	"contact": `    c = client(app)
    contains(c.get("/").text, "<form")
    eq(c.post("/", form = {"name": "<Ada>"}).text, "<p>Thank you, &lt;Ada&gt;.</p>")
    eq(c.post("/", form = {"no": "name"}).status, 400)`,
	"photo": `    c = client(app)
    contains(c.get("/").text, "<form")
    r = c.post("/", files = {"photo": ("a.png", b"abc", "image/png")}).json()
    eq(r["name"], "a.png")
    eq(r["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")`,
}

// TestBesideFlask runs what the README has beside Flask, and counts the lines: ours has no more.
func TestBesideFlask(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Beside Flask\n")
	section, _, _ = strings.Cut(section, "\n## ")
	pairs := regexp.MustCompile("(?ms)`(\\w+)\\.star`:\n\n```python\n(.*?)^```\n\n((?:    [^\n]*\n|\n)+)").
		FindAllStringSubmatch(section, -1)
	if len(pairs) != len(besideFlask) {
		t.Fatalf("the README compares %d applications, want %d", len(pairs), len(besideFlask))
	}
	dir := t.TempDir()
	for _, pair := range pairs {
		name, ours, flasks := pair[1], pair[2], pair[3]
		if have, most := written(ours), written(flasks); have > most {
			t.Errorf("%s has %d lines, that of Flask %d", name, have, most)
		}
		test := "load(\"" + name + ".star\", \"app\")\nload(\"@test\", \"client\", \"contains\", \"eq\")\n\n" +
			"def test_" + name + "():\n" + besideFlask[name] + "\n"
		for file, text := range map[string]string{name + ".star": ours, name + "_test.star": test} {
			must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
		}
	}
	var out bytes.Buffer
	if status := run(t.Context(), []string{"test", dir}, &out, &out); status != exitOK {
		t.Errorf("status %d\n%s", status, &out)
	}
}

// written counts lines: those that are not blank.
func written(text string) (n int) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}
