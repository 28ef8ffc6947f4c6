package browsertest

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// Browsers are the tests of a package, as testing.M, that share browsers. To start one takes longer
// than most pages do.
type Browsers struct{ M interface{ Run() int } }

// Run runs the tests, and ends the browsers that they have started.
func (b Browsers) Run() int {
	dir, err := os.MkdirTemp("", "browsers-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.dir = dir
	code := b.M.Run()
	shared.close()
	_ = os.RemoveAll(dir) // of which a process that ends may still write a file
	return code
}

// shared are the browsers of the tests of this process.
var shared browsers

// browsers are those that run, by the certificates that they trust: Chromium is told of these when
// it starts.
type browsers struct {
	dir string // is where they keep what they keep; "" if each is of one test

	mu   sync.Mutex
	open map[string]context.Context
}

// browser returns the browser that trusts the certificate, unless that is nil.
func (b *browsers) browser(t *testing.T, trusted *x509.Certificate) (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
			t.Fatal("chromium is not installed, and LARKSPUR_REQUIRE_PEERS=1 asks for it")
		}
		t.Skip("NOT TESTED IN A BROWSER: chromium is not installed")
	}
	key := ""
	if trusted != nil {
		sum := sha256.Sum256(trusted.RawSubjectPublicKeyInfo)
		key = base64.StdEncoding.EncodeToString(sum[:])
	}
	if b.dir == "" {
		ctx, err := launch(path, t.TempDir(), key)
		t.Cleanup(func() { end(ctx) }) // before its directory is removed
		return ctx, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx := b.open[key]; ctx != nil && ctx.Err() == nil {
		return ctx, nil
	}
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	ctx, err := launch(path, dir, key)
	if err != nil {
		end(ctx)
		return nil, err
	}
	if b.open == nil {
		b.open = make(map[string]context.Context)
	}
	b.open[key] = ctx
	return ctx, nil
}

func (b *browsers) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ctx := range b.open {
		end(ctx)
	}
}

// launch starts a browser, which keeps its files in a directory and trusts a key, unless that is "".
func launch(path, dir, key string) (context.Context, error) {
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(dir), chromedp.Flag("in-process-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-breakpad", true),
		chromedp.Flag("disable-software-rasterizer", true),
	}
	if key != "" {
		options = append(options, chromedp.Flag("ignore-certificate-errors-spki-list", key))
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator) // which end cancels
	// It starts with the first step, and ends with the context of that.
	return ctx, chromedp.Do(ctx)
}

// end ends a browser, and returns once it is gone.
func end(ctx context.Context) { _ = chromedp.Cancel(ctx) }
