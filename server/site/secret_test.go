package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server/site"
)

// TestSecretFile checks that a secret is made once, for its owner only, whoever asks first.
func TestSecretFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	f := site.SecretFile{Path: filepath.Join(dir, "secret"), Ignore: true}
	var asking sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 20 {
		asking.Go(func() {
			secrets, err := f.Secrets()
			if err != nil || len(secrets) != 1 {
				t.Errorf("%v, %v", secrets, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[secrets[0]] = true
		})
	}
	asking.Wait()
	if len(seen) != 1 {
		t.Errorf("there are %d secrets", len(seen))
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, f.Path: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if ignore, _ := os.ReadFile(filepath.Join(dir, ".gitignore")); string(ignore) != "*\n" {
		t.Errorf("git ignores %q", ignore)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("there are %v", left)
	}
}

// TestSecretFiles checks what a file may say: several secrets, and none that is too short.
func TestSecretFiles(t *testing.T) {
	long := strings.Repeat("a", 32)
	for text, want := range map[string]string{
		long + "\n" + strings.Repeat("b", 40) + "\n": "", "\r\n" + long + "\r\n": "",
		"": "there is no secret in the list", "\n": "there is no secret", "short": "this one has 5",
	} {
		f := site.SecretFile{Path: filepath.Join(t.TempDir(), "secret")}
		if err := os.WriteFile(f.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		secrets, err := f.Secrets()
		if want == "" && (err != nil || secrets[0] != long) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v", text, secrets, err)
		}
	}
	if _, err := (site.SecretFile{Path: "/dev/null/secret"}).Secrets(); err == nil {
		t.Error("a secret below a file")
	}
}

// TestSecretIsGranted checks that an application which names no secret is served only with one that
// is granted, and is looked at without.
func TestSecretIsGranted(t *testing.T) {
	app := &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@session", "sessions")

app = sessions(lambda environ, start_response: [])
`)}}}
	if faults := runtime.Check(app.Config(nil), app.Name()); faults != nil {
		t.Error(faults)
	}
	err := new(site.Server).Set(&site.Site{Mounts: []site.Mount{{App: app}}})
	const want = `app.star:4:15: LARK0403: session: there is no secret to encrypt sessions by: write ` +
		`sessions(app, secret = ...), or have the site grant one, in Grants["session"]`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	app.Grants = map[string]any{session.Name: site.SecretFile{Path: filepath.Join(t.TempDir(), "x")}}
	if err := new(site.Server).Set(&site.Site{Mounts: []site.Mount{{App: app}}}); err != nil {
		t.Error(err)
	}
}
