package environ_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ"
)

func TestSuggest(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"PATH_INFO", ""},
		{"PATH_INF0", "PATH_INFO"},
		{"PATHINFO", "PATH_INFO"},
		{"PATH_IFNO", "PATH_INFO"},
		{"path_info", "PATH_INFO"},
		{"HTTP-HOST", "HTTP_HOST"},
		{"HTTP_HOTS", "HTTP_HOST"},
		{"HTTP_USERAGENT", "HTTP_USER_AGENT"},
		{"HTTP_REFERRER", "HTTP_REFERER"},
		{"HTTP_CONTENT_TYPE", "CONTENT_TYPE"},
		{"CONTENT-LENGTH", "CONTENT_LENGTH"},
		{"wsgi.inputs", "wsgi.input"},
		{"wsgi.url_schema", "wsgi.url_scheme"},
		{"larkspur.onfinish", "larkspur.on_finish"},
		{"HTTP_X_REQUESTED", ""},
		{"HTTP_ACME_TOKEN", ""},
		{"HTTPS", ""},
		{"HTTP", ""},
		{"blog.title", ""},
		{"DATABASE_URL", ""},
		{"SERVER_ROOT", ""},
		{"REMOTE_USER", ""},
		{"", ""},
	} {
		if got := environ.Suggest(test.name); got != test.want {
			t.Errorf("Suggest(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}
