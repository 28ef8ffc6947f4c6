package re

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// flags are the numbers that Python has for them.
type flags int

const (
	ignorecase flags = 2
	locale     flags = 4
	multiline  flags = 8
	dotall     flags = 16
	unicoded   flags = 32
	verbose    flags = 64
	ascii      flags = 256
)

// letters are how flags stand in a pattern, and the names that they have for scripts.
var letters = []struct {
	letter byte
	flag   flags
	name   string
	doc    string
}{
	{'a', ascii, "ASCII", `\w, \d and \s are of ASCII only.`},
	{'i', ignorecase, "IGNORECASE", "Small letters and capitals are the same."},
	{'m', multiline, "MULTILINE", "^ and $ match at the beginning and the end of each line."},
	{'s', dotall, "DOTALL", "A dot matches line breaks too."},
	{'u', unicoded, "UNICODE", `\w, \d and \s are of Unicode, as they are without it.`},
	{'x', verbose, "VERBOSE", "Spaces, line breaks and what is behind a # mean nothing."},
}

// flagMembers are the constants of the module, which are put together by |.
func flagMembers() []host.Member {
	all := []host.Member{{Name: "NOFLAG", Doc: "No flag: 0.", Value: starlark.MakeInt(0)}}
	for _, l := range letters {
		v := starlark.MakeInt(int(l.flag))
		short := strings.ToUpper(string(l.letter))
		all = append(all,
			host.Member{Name: l.name, Doc: l.doc, Value: v},
			host.Member{Name: short, Doc: "Short for " + l.name + ".", Value: v},
		)
	}
	return all
}

func flagOf(letter byte) flags {
	for _, l := range letters {
		if l.letter == letter {
			return l.flag
		}
	}
	return 0
}

func (f flags) String() string {
	var names []string
	for _, l := range letters {
		if f&l.flag != 0 {
			names = append(names, "re."+l.name)
		}
	}
	return strings.Join(names, "|")
}

// check returns an error if f has what is no flag.
func (f flags) check() error {
	all := flags(0)
	for _, l := range letters {
		all |= l.flag
	}
	switch {
	case f&locale != 0:
		return errors.New("there is no LOCALE: letters are those of Unicode, or of ASCII")
	case f&^all != 0 || f < 0:
		return fmt.Errorf("%d is no flag: put together flags of the module, as in re.I | re.M",
			int(f))
	case f&ascii != 0 && f&unicoded != 0:
		return errors.New("ASCII and UNICODE exclude each other")
	}
	return nil
}

// prefix begins a group of RE2 with those flags that RE2 has.
func (f flags) prefix(off flags) string {
	text := func(f flags) (s string) {
		for _, l := range letters {
			if f&l.flag&(ignorecase|multiline|dotall) != 0 {
				s += string(l.letter)
			}
		}
		return s
	}
	if s := text(off); s != "" {
		return "(?" + text(f) + "-" + s + ":"
	}
	return "(?" + text(f) + ":"
}
