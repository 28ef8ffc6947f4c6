package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/server"
)

// faulty is an application with each kind of error that dev has a page for.
const faulty = `load("@http", "query")

def down(depth):
    return down(depth + 1)

def app(environ, start_response):
    """Answers, or does not."""
    path = environ["PATH_INFO"]
    if path == "/recursion":
        return down(1)
    if path == "/loop":
        n = 0
        while True:
            n += 1
    if path == "/none":
        start_response("200 OK", [])
        return None
    if path == "/runtime":
        names = {"a key that is rather long, as keys of configurations are": "and a value that is longer still, which must not make the page wider"}
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-A-Header-With-A-Long-Name", names["a key that is rather long"])])
    if path == "/late":
        start_response("200 OK", [("Content-Type", "text/html")])(b"<!doctype html><html><body><h1>It begins</h1>")
        return 1 // 0
    environ["wsgi.input"].read()
    print("asked for", path, "with", query(environ))
    if "wsgi.early_hints" in environ:
        environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style, </a/rather/long/path/to/a/font-of-the-page.woff2>; rel=preload; as=font; crossorigin")])
    start_response("200 OK", [("Content-Type", "text/html"), ("Set-Cookie", "id=1")])
    return ["<!doctype html><html><head><meta name=viewport content=width=device-width><title>x</title></head><body><h1>It works</h1></body></html>"]
`

// look opens a page as each screen shows it, dark and light, and looks at it.
func look(b *browsertest.Tab, name, url, shows string) {
	lookAt(b, name, func() { b.Go(url) }, `document.readyState === "complete" && (`+shows+`)`)
}

// glance is look for a page whose layout and colours others have too: each width and each scheme is seen, but
// not with one another.
func glance(b *browsertest.Tab, name, url, shows string) {
	lookIn(b, name, func() { b.Go(url) }, `document.readyState === "complete" && (`+shows+`)`, !browsertest.Shooting())
}

func lookAt(b *browsertest.Tab, name string, open func(), shows string) {
	lookIn(b, name, open, shows, false)
}

func lookIn(b *browsertest.Tab, name string, open func(), shows string, brief bool) {
	b.View(browsertest.Widths[0], false)
	open()
	for i, width := range browsertest.Widths {
		for _, dark := range []bool{false, true} {
			if brief && dark != (i > 0) {
				continue
			}
			view := fmt.Sprintf("%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark])
			b.View(width, dark)
			if browsertest.Shooting() { // as one sees it who comes with that screen
				open()
			}
			b.Shows(shows)
			b.Shoot(view)
			b.Look(view)
		}
	}
}

// says is an expression that is true of a page which has a text.
func says(text string) string {
	return fmt.Sprintf("document.body.innerText.includes(%q)", text)
}

// TestLook verifies that Look finds what it looks for, and nothing else.
func TestLook(t *testing.T) {
	racetest.Skip(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><meta name=viewport content='width=device-width'><body>"+
			r.FormValue("page"))
	}))
	defer s.Close()
	b := browsertest.Open(t, nil)
	b.View(390, false)
	const long = "a_line_of_code_that_is_much_longer_than_the_screen_of_a_phone_is_wide"
	for _, test := range []struct{ page, want string }{
		{"<p>fine", ""},
		{"<pre style='overflow:auto'>" + long + "</pre>", ""},
		{"<button disabled>not yet</button>", ""},
		{"<p>" + long, "wider than the screen"},
		{"<pre style='overflow:hidden'>" + long + "</pre>", "is cut off"},
		{"<div style='overflow:auto'><p>" + long + "</div>", "is cut off"},
		{"<details><summary>more</summary><p style='overflow:hidden'>" + long + "</details>", "is cut off"},
		{"<p style='color:#999'>pale", "contrast of 2.85"},
		{"<div style='background:#222'><p style='color:#555'>dim</div>", "contrast"},
		{"<p style='opacity:.4'>faded", "contrast"},
		{"<p>one</p><p style='margin-top:-2.2em'>two", "lie on one another"},
		{"<div id=d></div><script>d.attachShadow({mode:'open'}).innerHTML=\"<p style='color:#999'>pale\"</script>", "contrast"},
	} {
		b.Go(s.URL + "/?page=" + url.QueryEscape(test.page))
		got := strings.Join(b.Faults(), "; ")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.page, got, test.want)
		}
	}
}

// TestDevPages looks at the pages of the dev server.
func TestDevPages(t *testing.T) {
	racetest.Skip(t)
	b := browsertest.Open(t, nil)
	g := &garden{dir: t.TempDir(), served: &served{t: t}}
	g.write("app.star", faulty)
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", "--max-steps", "1000000", g.dir)
	look(b, "inspector-empty", g.url+"/_larkspur/", says("Nothing has been asked for yet"))
	for _, page := range []struct{ name, target, shows string }{
		{"runtime", "/runtime?q=a+rather+long+query+of+the+kind+that+forms+make&and=another%20part", says("rather long")},
		{"recursion", "/recursion", says("times more")},
		{"loop", "/loop", says("Gateway Timeout")},
		{"none", "/none", says("not a body")},
	} {
		look(b, "dev-"+page.name, g.url+page.target, page.shows)
	}
	res, err := http.Post(g.url+"/form?a=1", "application/x-www-form-urlencoded", strings.NewReader("name=Ada&note="+strings.Repeat("long", 100)))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	look(b, "inspector-list", g.url+"/_larkspur/", says("POST"))
	posted := browsertest.Value[string](b, `document.querySelector("td.target a").href`)
	b.View(390, false)
	if !browsertest.Value[bool](b, `(([brand, end]) => brand.top >= 8 && Math.abs(brand.top - end.top) < 4)(
		[".brand", ".end"].map(s => document.querySelector(s).getBoundingClientRect()))`) {
		t.Error("the inspector's header is wrapped")
	}
	look(b, "inspector-failing", g.url+"/_larkspur/?failing", says("failed ("))
	look(b, "inspector-detail-failed", g.url+"/_larkspur/requests/1", says("What failed"))
	look(b, "inspector-detail", posted, says("Received"))
	// Each label of the course stands in one line with its time, above its bar where there is no room.
	if !browsertest.Value[bool](b, `[...document.querySelectorAll(".fall div")].every(d => {
		const [what, bar, time] = [".what", "svg", "time"].map(s => d.querySelector(s).getBoundingClientRect());
		return Math.abs(what.top - time.top) < 8 && what.left < time.left && bar.bottom > what.top && (bar.top >= what.bottom || bar.left >= what.right);
	})`) {
		t.Error("the labels of the course are out of place")
	}
	b.Shows(`document.querySelector("form[action$=save] button").click() || true`)
	look(b, "inspector-saved", posted, says("Saved as"))
	b.Shows(`document.querySelector("form[action$=replay] button").click() || true`)
	b.Shows(says("Replay of"))
	look(b, "inspector-gone", g.url+"/_larkspur/requests/9999", says("not kept any more"))
	late := func() { // which the browser takes for an error of the network
		b.Go(g.url)
		b.Shows(`(location = "/late") || true`)
	}
	lookAt(b, "overlay-late", late, `document.querySelector("larkspur-overlay")`)
	g.write("app.star", "def app(environ, start_response):\n    return [unknown]\n\ndef other():\n    return another_name_that_is_not_known + [x for x in range(10) if x % 2] + [\"a line that is longer than a phone is wide\"]\n")
	look(b, "overlay-unloaded", g.url+"/", `document.querySelector("larkspur-overlay")`)
	look(b, "inspector-unloaded", g.url+"/_larkspur/", says("The script does not load"))
	g.stop()

	g = &garden{dir: g.dir}
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	look(b, "dev-unloaded", g.url+"/", says("What is wrong"))
	// The page is about what does not load: nothing is shown over it, and it is asked for again.
	g.write("app.star", "def app(environ, start_response)\n")
	b.Shows(says("app.star:1:") + ` && !document.querySelector("larkspur-overlay")`)
	g.write("app.star", faulty)
	b.Shows(says("It works"))
	g.stop()
}

// posting is an application that sends mails, one of them with all that a mail can have.
const posting = `load("@mail", "send")

def app(environ, start_response):
    send("Ann Lee <ann@example.com>", "Hello, Ann: your order of three tins of tea, and what else you may like", sender = "Notes <notes@example.com>",
        text = "Hello, Ann.\n\nYour order is on its way; it has a number that is rather long: " + "0123456789" * 12 + ".\n\nBye.\n",
        html = "<!doctype html><meta name=viewport content=width=device-width><h1>Hello, <b>Ann</b>.</h1>\n<p style='color:teal'>Your order is on its way.",
        cc = ["bob@example.com", "carol@example.com"], reply_to = "orders@example.com", headers = {"List-Unsubscribe": "<https://example.com/stop>"},
        attachments = [("order.pdf", "x" * 5000), ("a-name-of-a-file-that-is-rather-long-for-a-phone.txt", "y")])
    send("dan@example.com", "Short", text = "One line.", sender = "notes@example.com")
    start_response("204 No Content", [])
    return []
`

// TestOutboxPages looks at the mails that were not sent.
func TestOutboxPages(t *testing.T) {
	racetest.Skip(t)
	b := browsertest.Open(t, nil)
	g := &garden{dir: t.TempDir(), served: &served{t: t}}
	g.write("app.star", posting)
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	look(b, "kept-empty", g.url+"/_larkspur/kept", says("Nothing is kept yet"))
	res, err := http.Get(g.url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	look(b, "kept-outbox", g.url+"/_larkspur/kept", says("outbox"))
	look(b, "outbox", g.url+"/_larkspur/kept/0/mail/mail/outbox", says("dan@example.com"))
	look(b, "outbox-mail", g.url+"/_larkspur/kept/0/mail/mail/1", says("on its way"))
	b.View(1280, false)
	b.Click(`td a`)
	b.Shows(`document.querySelector("h1 b") && getComputedStyle(document.querySelector("p")).color === "rgb(0, 128, 128)"`)
	g.stop()
}

// keeping is an application that keeps state of each kind, and a table.
const keeping = `load("@cron", "every")
load("@kv", "bucket")
load("@queue", "queue")
load("@sql", "database")
load("@topic", "topic")

notes, room, idle, db = bucket("notes"), topic("room.7"), queue("idle"), database("main")

def work(job):
    fail("the printer is on fire, and the message that says so is a line that is longer than a phone is wide")

jobs = queue("jobs", work, retries = 0)

def sweep():
    notes.put("swept", True)

every("1h", sweep)

def app(environ, start_response):
    db.exec("CREATE TABLE IF NOT EXISTS cups (id INTEGER PRIMARY KEY, drink TEXT)")
    db.exec("INSERT INTO cups(drink) VALUES(?)", "tea")
    notes.put("tea", {"cups": 2, "words": "a note that is rather long, as notes may be, with a_word_that_is_longer_than_others"})
    notes.put("a.key/that is=rather ünusual", [1, None])
    room.publish({"from": "ada", "text": "Hello!"})
    idle.put("later", delay = 3600)
    jobs.put({"page": 1})
    start_response("204 No Content", [])
    return []
`

// TestStatePages looks at the state that an application keeps, and presses the buttons.
func TestStatePages(t *testing.T) {
	racetest.Skip(t)
	b := browsertest.Open(t, nil)
	g := &garden{dir: t.TempDir(), served: &served{t: t}}
	g.write("app.star", keeping)
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	res, err := http.Get(g.url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Fatalf("the application answers %s", res.Status)
	}
	kept := g.url + "/_larkspur/kept"
	b.Go(kept)
	for !browsertest.Value[bool](b, says("failed jobs")) { // the job has failed once it is here
		b.Go(kept)
	}
	glance(b, "kept-state", kept, says("jobs with a delay")+"&&"+says("cups")+"&&"+says("sweep"))
	open := func(in, name string) string {
		return kept + "/0/" + browsertest.Value[string](b, fmt.Sprintf(
			`[...document.querySelectorAll("td.target a")].find(a => a.pathname.endsWith(%q)).pathname.split("/0/")[1]`,
			"/"+url.PathEscape(in)+"/"+url.PathEscape(name)))
	}
	bucket, dead, schedule := open("buckets", "notes"), open("failed jobs", "jobs"), open("schedules", "sweep")
	glance(b, "state-bucket", bucket, says("rather long")+"&&"+says("Empty the bucket"))
	glance(b, "state-dead", dead, says("on fire")+"&&"+says("Drop all"))
	b.View(1280, false)
	b.Go(schedule)
	b.Click("button[value=run]")
	b.Shows(`document.querySelectorAll("tbody tr").length === 1`)
	glance(b, "state-schedule", schedule, says("Run now"))
	b.View(1280, false)
	b.Go(bucket)
	b.Shows(says("swept"))
	b.Click("tbody tr:last-child button[value=delete]")
	b.Shows(says("It cannot be undone"))
	lookIn(b, "state-lose", func() {}, says("Keep it"), true)
	b.View(1280, false)
	b.Click("a.button")
	b.Shows(`document.querySelectorAll("tbody tr").length === 3`)
	b.Click("tbody tr:last-child button[value=delete]")
	b.Click("button[name=sure]")
	b.Shows(`document.querySelectorAll("tbody tr").length === 2`)
	b.Go(dead)
	b.Click("form.actions button[value=drop]")
	b.Click("button[name=sure]")
	b.Shows(`location.pathname === "/_larkspur/kept" && !` + says("failed jobs"))
	g.stop()
}

// TestErrorPages looks at the pages of errors of a server in production.
func TestErrorPages(t *testing.T) {
	racetest.Skip(t)
	b := browsertest.Open(t, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &server.Failure{RequestID: "c0f1a292e121-6"}
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &f.Status)
		f.Write(w, r)
	}))
	defer s.Close()
	for _, status := range []int{400, 404, 413, 431, 500, 503, 504} {
		look(b, fmt.Sprintf("error-%d", status), fmt.Sprintf("%s/%d", s.URL, status), says(http.StatusText(status)))
	}
}

// TestStarterPages looks at what new applications show.
func TestStarterPages(t *testing.T) {
	racetest.Skip(t)
	b := browsertest.Open(t, nil)
	start := func(template string) *served {
		dir := filepath.Join(t.TempDir(), "new")
		tree, err := starterOf(template)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := begin(dir, tree); err != nil {
			t.Fatal(err)
		}
		return startCommand(t, "dev", "--listen", "http://127.0.0.1:0", dir)
	}
	s := start("page")
	look(b, "starter", s.url+"/", says("What is your name?"))
	b.Shows(`document.forms[0].name.value = "Ada Lovelace"`)
	b.Shows(`document.forms[0].submit() || true`)
	b.Shows(says("Hello, Ada"))
	b.Look("starter, answered")
	look(b, "starter-404", s.url+"/nowhere", says("There is nothing"))
	s.stop()
	s = start("site")
	look(b, "starter-site", s.url+"/", says("the first page of a new site"))
	b.Click(`nav a:not([aria-current])`)
	b.Shows(says("Say here whose site it is"))
	b.Look("starter-site, about")
	look(b, "starter-site-404", s.url+"/nowhere", says("There is no such page"))
	s.stop()
}

// TestTourPages looks at the tour, and at what its examples show.
func TestTourPages(t *testing.T) {
	racetest.Skip(t)
	t.Chdir(t.TempDir())
	b := browsertest.Open(t, nil)
	s := startCommand(t, "dev", "--listen", "http://127.0.0.1:0")
	for _, name := range []string{"", "hello", "environ", "form", "upload", "links", "chat", "poll", "jobs", "dash", "stream", "static", "mount", "lint", "catch", "hints", "push", "reload", "httpbin", "mock", "api"} {
		show := glance
		if name == "" {
			show = look
		}
		show(b, "tour-"+name, s.url+"/"+name, `document.querySelector("h1")`)
		b.View(1280, false)
		if !browsertest.Value[bool](b, `[...document.querySelectorAll("pre")].every(p => p.scrollWidth <= p.clientWidth)`) {
			t.Errorf("%s: code goes on beyond its box on a wide screen", name)
		}
	}
	// The field says what the answer is of.
	b.View(1280, false)
	b.Go(s.url + "/catch")
	b.Shows(`frames[0].document.body.innerText.startsWith("100 / " + document.querySelector("[name=by]").value + " =")`)
	look(b, "tour-404", s.url+"/no/such/page", says("Not here"))
	b.View(1280, false)
	if !browsertest.Value[bool](b, `document.querySelector("main").getBoundingClientRect().width > 900 && document.querySelectorAll("nav a").length > 9`) {
		t.Error("the tour's page for what is not there is not one of its pages")
	}
	for _, name := range []string{"environ", "form", "upload", "links", "chat", "poll", "jobs", "dash", "lint", "hints", "push", "catch", "mount", "httpbin", "mock", "api"} {
		glance(b, "example-"+name, s.url+"/live/"+name+"/", `document.body.innerText`)
	}
	look(b, "example-catch-error", s.url+"/live/catch/?by=0", says("division by zero"))
	s.stop()
}

// TestTourCommands types what the tour says about pushes where no application is.
func TestTourCommands(t *testing.T) {
	racetest.Skip(t)
	page, err := fs.ReadFile(apps.FS, "tour/pages/push.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	lines := regexp.MustCompile(`<code>larkspur (push explain [^<]*)</code>`).FindAllSubmatch(page, -1)
	if len(lines) == 0 {
		t.Fatal("the tour does not say how to ask what would be pushed")
	}
	for _, line := range lines {
		var out, errs bytes.Buffer
		status := run(t.Context(), strings.Fields(string(line[1])), &out, &errs)
		if status != exitOK || !strings.Contains(out.String(), "promised  /live/push/push.css") {
			t.Errorf("%s: status %d\n%s%s", line[1], status, &out, &errs)
		}
	}
}
