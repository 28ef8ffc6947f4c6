package apps_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// registered returns a client that has registered under a name, and follows no redirect.
func registered(t *testing.T, s *site, name string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &http.Client{Jar: jar, CheckRedirect: stay}
	form := url.Values{"name": {name}, "password": {"battery staple"}}
	if status := post(t, c, s.URL+"/register", form); status != http.StatusSeeOther {
		t.Fatalf("to register %s is answered by %d:\n%s", name, status, s.log)
	}
	return c
}

// post sends a form and returns the status of the answer.
func post(t *testing.T, c *http.Client, to string, form url.Values) int {
	t.Helper()
	res, err := c.PostForm(to, form)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	return res.StatusCode
}

// TestWikiAtOnce verifies that of those who save the same version at once one does, and that the others are told.
func TestWikiAtOnce(t *testing.T) {
	s := start(t, "wiki/app.star", "")
	c := registered(t, s, "Ada")
	const writers, rounds = 8, 5
	for round := range rounds {
		var saved, told int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				text := fmt.Sprintf("Round %d, writer %d", round, i)
				status := post(t, c, s.URL+"/p/Race/edit", url.Values{"version": {fmt.Sprint(round)}, "text": {text}})
				mu.Lock()
				defer mu.Unlock()
				switch status {
				case http.StatusSeeOther:
					saved++
				case http.StatusConflict:
					told++
				default:
					t.Errorf("round %d: status %d", round, status)
				}
			})
		}
		all.Wait()
		if saved != 1 || told != writers-1 {
			t.Errorf("round %d: %d have saved, and %d were told; want 1 and %d", round, saved, told, writers-1)
		}
	}
	s.check(t, request{path: "/p/Race/history", status: 200, kind: page,
		want:  []string{"Version 1<", fmt.Sprintf("Version %d<", rounds)},
		lacks: fmt.Sprintf("Version %d<", rounds+1)})
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("something failed:\n%s", s.log)
	}
}
