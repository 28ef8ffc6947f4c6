package site_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/server/site"
)

// What a site cannot be served without is an error of Set, by name, and nothing has changed.
func TestSetSaysWhatIsMissing(t *testing.T) {
	ok := http.NotFoundHandler()
	for _, test := range []struct {
		site *site.Site
		want string
	}{
		{nil, "site: nil Site: the zero value serves nothing"},
		{&site.Site{Mounts: []site.Mount{{Handler: ok}, {Host: "h", Path: "/a"}}}, `site: Mounts[1], at "h/a", has no App and no Handler`},
		{&site.Site{Mounts: []site.Mount{{Path: "/a", App: &site.Application{}}}}, `site: the App of Mounts[0], at "/a", has no FS: site.Dir(".", "app.star") is the application of a directory`},
	} {
		for _, develop := range []bool{false, true} {
			s := &site.Server{Develop: develop}
			if got := fmt.Sprint(s.Set(test.site)); got != test.want {
				t.Errorf("Develop: %v: got %s, want %s", develop, got, test.want)
			}
		}
	}
	var none context.Context
	if got, want := fmt.Sprint(new(site.Server).Serve(none)), "site: Serve: nil context.Context: context.Background() never ends"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
