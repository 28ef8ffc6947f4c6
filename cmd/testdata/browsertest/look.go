package browsertest

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Widths are those of screens that pages are looked at on: a desk's and a phone's.
var Widths = []int64{1280, 390}

// View has the page seen on a screen of that width, by one who wants it dark, or light.
func (b *Tab) View(width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.Do(chromedp.EmulateViewport(width, 800),
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
}

//go:embed look.js
var look string

// Look looks at the page, as it is viewed, and reports what cannot be read: what is wider than the
// screen, what is cut off and cannot be scrolled, words that lie on others, and colours that are too
// near that of what is behind them. The name is the page's.
func (b *Tab) Look(name string) {
	b.t.Helper()
	for _, fault := range b.Faults() {
		b.t.Errorf("%s: %s", name, fault)
	}
}

// Faults returns what Look reports.
func (b *Tab) Faults() []string {
	b.t.Helper()
	return Value[[]string](b, look)
}

// shots is the variable that names the directory for pictures.
const shots = "LARKSPUR_SHOTS"

// Shooting reports whether pictures are asked for.
func Shooting() bool { return os.Getenv(shots) != "" }

// Shoot writes a picture of the whole page into the directory that LARKSPUR_SHOTS names, if it names
// one: a person is to look at it.
func (b *Tab) Shoot(name string) {
	b.t.Helper()
	if !Shooting() {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Getenv(shots), name+".png"), picture, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
