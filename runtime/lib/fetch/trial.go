package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A trial stands for the servers in tests: it has what the tests of a run have said that they answer,
// and what was asked. It is safe for concurrent use, but for the functions of the tests.
type trial struct {
	mu      sync.Mutex
	answers []*answer // what was said last comes first
	asked   []*request
}

// An answer is what a test has said.
type answer struct {
	method  string // "" for any
	pattern string // of the URL; a star is any text
	value   starlark.Value
}

// Trial is [host.Tester]'s: nothing is reached but what the test has said to fetches().
func (g *Grant) Trial(string) (*host.Trial, error) {
	tr := new(trial)
	return &host.Trial{
		Grant:   &Grant{Timeout: g.Timeout, trial: tr},
		Members: []host.Member{tr.member()},
		Begin: func() error {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.answers, tr.asked = nil, nil
			return nil
		},
	}, nil
}

func (tr *trial) member() host.Member {
	return host.Member{
		Name: "fetches",
		Doc: "Says how other servers answer what the application fetches, and shows what it has asked. " +
			"Nothing else is reached: a request that nothing is said of fails.",
		Params: []host.Param{{
			Name: "answers", Type: "dict", Default: starlark.None,
			Doc: `a dict from URLs, or "METHOD URL", in which a * is any text and which have any query ` +
				`if they have none, to answers: text or bytes; a dict or a struct of status, headers, ` +
				`body and json; a dict with error, the kind of a failure, as "timeout"; or a function of ` +
				`the request that returns one of these. What is said later counts first`,
		}},
		Result: "a value whose .requests is the list of the requests of the test until now, each a " +
			"fetch.request",
		Errors: []host.Failure{{When: "answers is no dict of that kind"}},
		Example: `fetches({"https://example.com/a": "hello", "POST https://*.example.com/b": {"status": 404}})` +
			`.requests  # []`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var given starlark.Value
			if err := a.Unpack(&given); err != nil {
				return nil, err
			}
			if err := tr.say(given); err != nil {
				return nil, fmt.Errorf("for parameter answers: %w", err)
			}
			return &fetches{"test.fetches", tr}, nil
		},
	}
}

// say adds answers.
func (tr *trial) say(given starlark.Value) error {
	if given == starlark.None {
		return nil
	}
	items, ok := itemsOf(given)
	if !ok {
		return fmt.Errorf("got %s, want a dict from URLs to answers", given.Type())
	}
	var all []*answer
	for _, item := range items {
		a := &answer{value: item[1]}
		key, _ := starlark.AsString(item[0])
		method, pattern, two := strings.Cut(key, " ")
		if a.pattern = key; two {
			a.method, a.pattern = strings.ToUpper(method), strings.TrimSpace(pattern)
		}
		if !strings.HasPrefix(a.pattern, "http") && !strings.HasPrefix(a.pattern, "*") {
			return fmt.Errorf(`%q is no URL, and no "METHOD URL"`, key)
		}
		if strings.Count(a.pattern, "/") == 2 && !strings.HasSuffix(a.pattern, "*") {
			a.pattern += "/" // as the URL has it
		}
		if err := answers(a.value); err != nil {
			return fmt.Errorf("for %q: %w", key, err)
		}
		all = append(all, a)
	}
	// An exact one counts before one that has a star.
	slices.SortStableFunc(all, func(a, b *answer) int {
		return strings.Count(a.pattern, "*") - strings.Count(b.pattern, "*")
	})
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.answers = append(all, tr.answers...)
	return nil
}

// answers returns an error if v is no answer.
func answers(v starlark.Value) error {
	if _, ok := host.Octets(v); ok {
		return nil
	}
	if _, ok := v.(starlark.Callable); ok {
		return nil
	}
	_, err := newAnswered(v)
	return err
}

// fetch is that of the library.
func (tr *trial) fetch(t *starlark.Thread, r *request) (*response, error) {
	if r.stream != nil {
		all, err := blocksOf(t, r.stream).all()
		if err != nil {
			return nil, err
		}
		whole := *r
		whole.text, whole.stream = all, nil
		r = &whole
	}
	res, done, err := follow(host.CallOf(t).Context(), r, &exchange{tr, t, r})
	var body []byte
	if err == nil {
		body, err = io.ReadAll(res.Body)
	}
	for i, w := range done {
		if i == len(done)-1 {
			w.Count = int64(len(body))
		}
		host.Observe(t, w)
	}
	if err != nil {
		var f *host.Outage
		if errors.As(err, &f) {
			return nil, f.Of(r.shown())
		}
		return nil, err
	}
	got := newResponse(res, r)
	got.body = string(body)
	return got, nil
}

// An exchange is a request of a test, and its redirects.
type exchange struct {
	trial  *trial
	thread *starlark.Thread
	asked  *request
}

func (e *exchange) send(q *http.Request, _ target) (*http.Response, error) {
	return e.trial.answer(e.thread, e.asked, q)
}

func (*exchange) release(*http.Response) {}

// all returns what a body is made of, which is kept in tests.
func (b *blocks) all() (string, error) {
	defer b.done()
	var all strings.Builder
	for {
		text, ok, err := b.next()
		if err != nil || !ok {
			return all.String(), err
		}
		if all.WriteString(text); all.Len() > host.MaxSize {
			return "", failed(oversized, "the body has more than %d bytes", host.MaxSize)
		}
	}
}

// answer is the response to q, which r or a redirect of it has sent.
func (tr *trial) answer(t *starlark.Thread, r *request, q *http.Request) (*http.Response, error) {
	sent := &request{Object: r.Object, method: q.Method, url: q.URL.String(), headers: q.Header,
		timeout: r.timeout, follow: r.follow}
	if q.Body != nil {
		sent.text = r.text
	}
	tr.mu.Lock()
	tr.asked = append(tr.asked, sent)
	v := tr.find(sent)
	known := tr.known()
	tr.mu.Unlock()
	if v == nil {
		return nil, fmt.Errorf("the test says nothing of %s %s; fetches() knows %s", sent.method, sent.url,
			known)
	}
	if fn, ok := v.(starlark.Callable); ok {
		var err error
		if v, err = starlark.Call(t, fn, starlark.Tuple{sent}, nil); err != nil {
			return nil, err
		}
	}
	a, err := newAnswered(v)
	if err != nil {
		return nil, fmt.Errorf("the test answers %s %s: %w", sent.method, sent.url, err)
	}
	if a.failure != "" {
		return nil, failed(a.failure, "the test says so")
	}
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Header: a.headers, Body: io.NopCloser(bytes.NewReader([]byte(a.body))), Request: q,
	}, nil
}

// find returns what is said of a request, nil if nothing is. The lock is held.
func (tr *trial) find(r *request) starlark.Value {
	bare, _, _ := strings.Cut(r.url, "?")
	for _, a := range tr.answers {
		url := bare
		if strings.Contains(a.pattern, "?") {
			url = r.url
		}
		if (a.method == "" || a.method == r.method) && matches(a.pattern, url) {
			return a.value
		}
	}
	return nil
}

// matches reports whether a text is what a pattern stands for.
func matches(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !star || !ok {
		return ok && text == ""
	}
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], more
	}
}

// known are the requests that something is said of. The lock is held.
func (tr *trial) known() string {
	var all []string
	for _, a := range tr.answers {
		all = append(all, strings.TrimSpace(a.method+" "+a.pattern))
		if len(all) == 10 {
			all = append(all, "...")
			break
		}
	}
	if all == nil {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// fetches are what a test sees of what was asked.
type fetches struct {
	host.Object
	trial *trial
}

var _ starlark.HasAttrs = (*fetches)(nil)

func (f *fetches) AttrNames() []string { return []string{"requests"} }

// Attr returns the requests until now.
func (f *fetches) Attr(name string) (starlark.Value, error) {
	if name != "requests" {
		return nil, nil
	}
	f.trial.mu.Lock()
	defer f.trial.mu.Unlock()
	var all []starlark.Value
	for _, r := range f.trial.asked {
		all = append(all, r)
	}
	return starlark.NewList(all), nil
}
