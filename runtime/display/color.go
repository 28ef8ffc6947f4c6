package display

import (
	"io"
	"os"
)

// A Color is how a terminal shows a text, as the SGR parameter of ECMA-48.
type Color string

// The colours that are used.
const (
	Bold   Color = "1"
	Faint  Color = "2"
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
	Cyan   Color = "36"
)

// A Palette colours text, or leaves it as it is. The zero value leaves it.
type Palette bool

// PaletteOf returns the palette for what is written to w. Colours are for terminals, and not for
// those who do not want them (https://no-color.org).
func PaletteOf(w io.Writer) Palette {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return Palette(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

// In returns the text in that colour.
func (p Palette) In(c Color, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
