package push_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// What is missing is said by name where nothing can be done without it, and does nothing where it
// means that there is no page or no plan.
func TestPushSaysWhatIsMissing(t *testing.T) {
	var none context.Context
	for _, test := range []struct {
		name string
		call func() any
		want string
	}{
		{"Next", func() any {
			new(push.Handler).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			return nil
		}, "push: the Handler has no Next"},
		{"Resolve", func() any { target, _ := push.Resolve(nil, "a"); return target }, "push: Resolve: nil *http.Request: there is no page to resolve against"},
		{"Unvaried", func() any { return push.Unvaried(nil, nil, nil) }, "push: Unvaried: nil *http.Request"},
		{"ParseMap", func() any { _, err := push.ParseMap("push.map", nil); return err }, "push: push.map: nil io.Reader"},
		{"Pushed", func() any { _, ok := push.Pushed(none); return ok }, "false"},
		{"PageOf", func() any { return push.PageOf(none) }, "<nil>"},
		{"Depends", func() any { push.Depends(none, nil, true); return "done" }, "done"},
		{"From", func() any { return push.From(nil).Push(push.Resource{Target: "/a"}).Reason }, string(push.Disabled)},
		{"From", func() any { push.From(nil).Hint(nil); return push.From(nil).Hints() }, "false"},
	} {
		func() {
			var got any
			defer func() {
				if r := recover(); r != nil {
					got = r
				}
				if got := fmt.Sprint(got); got != test.want {
					t.Errorf("%s: got %s, want %s", test.name, got, test.want)
				}
			}()
			got = test.call()
		}()
	}
}
