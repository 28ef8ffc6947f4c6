package fetch_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// signal returns a builtin that sends what it is called with.
func signal(to chan string) *starlark.Builtin {
	return host.Func("signal", func(ctx context.Context, s string) error {
		select {
		case to <- s:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// with calls the app of p with values.
func with(ctx context.Context, p *runtime.Program, args ...starlark.Value) (got string, err error) {
	err = p.Call(ctx, func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(t, app, args, nil)
		if err == nil {
			got = v.String()
		}
		return err
	})
	return got, err
}

// TestStreamedDown: a block is there as soon as the server has sent it.
func TestStreamedDown(t *testing.T) {
	next := make(chan string)
	gone := make(chan struct{})
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for {
			select {
			case s := <-next:
				io.WriteString(w, s)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	})
	grant := &fetch.Grant{Hosts: []string{at}}
	p := load(t, grant, `
def app(signal):
    r = fetch("http://`+at+`/")
    signal("head")
    for block in r.blocks():
        signal(str(block))
        if block == b"c":
            break
    signal("left")
    return catch(r.text)[1].message
`)
	seen := make(chan string)
	done := make(chan string)
	go func() {
		got, err := with(t.Context(), p, signal(seen))
		done <- fmt.Sprint(got, err)
	}()
	if got := <-seen; got != "head" {
		t.Fatal(got)
	}
	for _, s := range []string{"a", "b", "c"} {
		next <- s
		if got := <-seen; got != s {
			t.Errorf("got %s, want %s", got, s)
		}
	}
	<-seen
	if got := <-done; got != `"text: the body is read by blocks()"<nil>` {
		t.Error(got)
	}
	<-gone // the server is told when the loop is left
	if n := grant.Running(); n != 0 {
		t.Errorf("%d requests still run", n)
	}
}

// TestEnds: a response that nobody reads ends with the request that the call is of, and a request on
// its way with the call.
func TestEnds(t *testing.T) {
	begun, gone := make(chan string, 10), make(chan string, 10)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/silent" {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}
		io.Copy(io.Discard, r.Body) // before that the server does not see that its client goes
		begun <- r.URL.Path
		<-r.Context().Done()
		gone <- r.URL.Path
	})
	grant := &fetch.Grant{Hosts: []string{at}}
	p := load(t, grant, `
def app(how, url):
    if how == "unread":
        return fetch(url).status
    elif how == "read":
        return catch(fetch(url).text)
    elif how == "blocks":
        for b in fetch(url).blocks():
            pass
    elif how == "all":
        return fetch_all([url] * 3)
    elif how == "body":
        return catch(fetch, url, method = "POST", body = ["a", "b"])
    else:
        return catch(fetch, url)
`)
	if got, err := call(t.Context(), p, "unread", "http://"+at+"/unread"); got != "200" {
		t.Fatal(got, err)
	}
	if got := <-begun + <-gone; got != "/unread/unread" {
		t.Error(got)
	}
	for how, path := range map[string]string{"fetch": "/silent", "read": "/a", "blocks": "/b", "all": "/silent", "body": "/silent"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := call(ctx, p, how, "http://"+at+path)
			ended <- err
		}()
		if got := <-begun; got != path {
			t.Fatalf("%s: got %s", how, got)
		}
		if how == "all" {
			<-begun
			<-begun
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the call ends with %v", how, err)
		}
		for range map[string]int{"all": 3, "body": 1, "fetch": 1, "read": 1, "blocks": 1}[how] {
			<-gone
		}
		await(t, how+": all has ended", func() bool { return grant.Running() == 0 })
	}
}

// TestStreamedUp: a block is with the server as soon as the script has made it.
func TestStreamedUp(t *testing.T) {
	got := make(chan string)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
			return
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			got <- lines.Text()
		}
		if lines.Err() != nil {
			got <- "broken off"
			return
		}
		io.WriteString(w, "all")
	})
	grant := &fetch.Grant{Hosts: []string{at}}
	next := make(chan string)
	steps := func(t *starlark.Thread) *host.Iterable {
		return &host.Iterable{Object: "steps", Thread: t, Start: func() host.Steps {
			return host.Steps{Next: func() (starlark.Value, bool, error) {
				s := <-next
				if s == "fail" {
					return nil, false, errors.New("it cannot go on")
				}
				return starlark.String(s + "\n"), s != "", nil
			}}
		}}
	}
	p := load(t, grant, `
def app(body, path):
    return fetch("http://`+at+`" + path, body = body, method = "PUT").text()
`)
	run := func(path string) (ended chan string) {
		ended = make(chan string, 1)
		go func() {
			var text string
			err := p.Call(t.Context(), func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
				v, err := starlark.Call(th, app, starlark.Tuple{steps(th), starlark.String(path)}, nil)
				if err == nil {
					text = v.String()
				}
				return err
			})
			ended <- fmt.Sprint(text, err)
		}()
		return ended
	}
	ended := run("/")
	for _, s := range []string{"a", "b", "c"} {
		next <- s
		if line := <-got; line != s {
			t.Errorf("got %s, want %s", line, s)
		}
	}
	next <- ""
	if s := <-ended; s != `"all"<nil>` {
		t.Error(s)
	}
	// What breaks off does not look as if it were whole.
	ended = run("/")
	next <- "a"
	<-got
	next <- "fail"
	if s := <-got; s != "broken off" {
		t.Errorf("the server thinks that it has all: %s", s)
	}
	if s := <-ended; !strings.Contains(s, "it cannot go on") {
		t.Error(s)
	}
	// A server that refuses gets no more.
	ended = run("/early")
	for s := ""; s == ""; {
		select {
		case next <- "more":
		case s = <-ended:
			if s != `"too much\n"<nil>` {
				t.Error(s)
			}
		}
	}
	await(t, "all has ended", func() bool { return grant.Running() == 0 })
}

// TestAll: results come in the order of the requests, a failure is in its place, and no more than
// eight run at once.
func TestAll(t *testing.T) {
	var now, most atomic.Int64
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		if r.URL.Path == "/large" {
			for range 11 {
				io.WriteString(w, strings.Repeat("x", 1<<20))
			}
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
	})
	grant := &fetch.Grant{Hosts: []string{at}}
	got := run(t, grant, `
load("@struct", "struct")
U = "http://`+at+`/"
def show(r):
    return (r.kind, r.message) if type(r) == "error" else r.text()
def app():
    many = [r.text() for r in fetch_all([U + str(i) for i in range(50)])]
    if many != ["GET /%d " % i for i in range(50)]:
        return many
    return [show(r) for r in fetch_all([
        U, request(U + "a", json = 1), {"url": U + "b", "method": "PUT", "body": "x"}, struct(url = U + "c", form = {"a": 1}),
        "http://other.example/", "nonsense", U + "large", {"url": "http://127.0.0.1:1/"}])]
`)
	want := `["GET / ", "POST /a 1", "PUT /b x", "POST /c a=1", ` +
		`("refused", "fetch_all: GET http://other.example/: other.example is not granted; grant fetch=other.example"), ` +
		`("refused", "fetch_all: the URL begins with \"\": it has to begin with https:// or http://"), ` +
		`("size", "fetch_all: GET http://` + at + `/large: the body has more than 10485760 bytes: read it with blocks(), or say a larger limit"), ` +
		`("refused", "fetch_all: GET http://127.0.0.1:1/: 127.0.0.1:1 is not granted; grant fetch=127.0.0.1:1")]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := most.Load(); n > 8 {
		t.Errorf("%d ran at once", n)
	}
	for script, want := range map[string]string{
		`fetch_all([])`:                         "[]",
		`fetch_all(["a", 1])`:                   "error: fetch_all: at index 1: got int, want a URL, a request or a dict",
		`fetch_all([{}])`:                       "error: fetch_all: at index 0: request: missing argument for url",
		`fetch_all([{"url": "x", "bdy": 1}])`:   `error: fetch_all: at index 0: request: unexpected keyword argument "bdy" (did you mean body?)`,
		`fetch_all([{"url": "x", "body": []}])`: "error: fetch_all: at index 0: its body is made as it is sent: pass a string or bytes, or send it by fetch",
		`fetch_all(["x"] * 1001)`:               "error: fetch_all: there are more than 1000 requests",
		`fetch_all("x")`:                        "error: fetch_all: for parameter requests: got string, want iterable",
	} {
		if got := run(t, grant, "def app():\n    return "+script); got != want {
			t.Errorf("%s:\n got %s\nwant %s", script, got, want)
		}
	}
	megabyte := strings.Repeat("x", 1<<20)
	large := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 9 {
			io.WriteString(w, megabyte)
		}
	})
	// Together they take a while on a machine that is busy: none is to end because of that.
	total := run(t, &fetch.Grant{Hosts: []string{large}, Timeout: 10 * time.Minute}, `
def app(url):
    kinds = [r.kind for r in fetch_all([url] * 8) if type(r) == "error"]
    return (len(kinds) >= 1, [k for k in kinds if k != "size"])
`, "http://"+large+"/")
	if total != "(True, [])" {
		t.Errorf("72 MiB: %s", total)
	}
}

// TestGate: no more requests run than may, those of one host are not in the way of others, and one
// that waits ends in time.
func TestGate(t *testing.T) {
	open := make(chan struct{})
	busy := make(chan struct{}, 10)
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
		busy <- struct{}{}
		<-open
		io.WriteString(w, "slow")
	})
	fast := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "fast") })
	grant := &fetch.Grant{Hosts: []string{slow, fast}, Requests: 3, RequestsPerHost: 2}
	p := load(t, grant, caught)
	var all sync.WaitGroup
	results := make(chan string, 4)
	for range 4 {
		all.Go(func() {
			got, err := call(t.Context(), p, "http://"+slow+"/")
			results <- fmt.Sprint(got, err)
		})
	}
	<-busy
	<-busy
	await(t, "the others wait", func() bool { return grant.Running() == 4 })
	if got, err := call(t.Context(), p, "http://"+fast+"/"); got != `(200, "fast")` {
		t.Errorf("another host: %s, %v", got, err)
	}
	late := load(t, grant, `
def app(url):
    e = catch(fetch, url, timeout = 0.05)[1]
    return e.kind, e.message
`)
	if got, err := call(t.Context(), late, "http://"+slow+"/"); !strings.HasPrefix(got, `("timeout", "fetch: GET http://`+slow+`/: others are running, as many as may at once`) {
		t.Errorf("one that waits: %s, %v", got, err)
	}
	if len(busy) > 0 {
		t.Error("more run than may")
	}
	close(open)
	all.Wait()
	for range 4 {
		if got := <-results; got != `(200, "slow")<nil>` {
			t.Error(got)
		}
	}
	if n := grant.Running(); n != 0 {
		t.Errorf("%d requests run on", n)
	}
}
