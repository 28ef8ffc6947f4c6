package mail

import (
	"net/mail"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxAddress is how many bytes an address may have, RFC 5321, section 4.5.3.1.3, less the brackets.
	maxAddress = 254
	// maxName is how many bytes the name before it may have.
	maxName = 256
)

// parseAddress reads one address, with a name or without. It is stricter than RFC 5322: no quotes, no
// comments in the address and no literal of an IP, because servers differ in how they read these.
func parseAddress(text string) (*mail.Address, error) {
	if len(text) > maxAddress+maxName+len(` "" <>`) || !printable(text) {
		return nil, notAddress(text)
	}
	a, err := mail.ParseAddress(text)
	if err != nil || len(a.Address) > maxAddress || len(a.Name) > maxName || !printable(a.Name) {
		return nil, notAddress(text)
	}
	// In quotes it is no encoded word, RFC 2047, section 5, and many programs decode it.
	if strings.Contains(a.Name, "=?") {
		return nil, notAddress(text)
	}
	// What is no group, and has no comment, begins or ends with the address.
	if text != a.Address && !strings.HasSuffix(text, "<"+a.Address+">") {
		return nil, notAddress(text)
	}
	local, domain, ok := strings.Cut(a.Address, "@")
	// RFC 5321, section 4.5.3.1.1: a local part has up to 64 octets.
	if !ok || len(local) > 64 || !dotted(local, "!#$%&'*+-/=?^_`{|}~") || !dotted(domain, "-") {
		return nil, notAddress(text)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return nil, notAddress(text)
		}
	}
	return a, nil
}

func notAddress(text string) error {
	return failed(invalid, "%s is no address: write ann@example.com, or Ann Lee <ann@example.com>, in "+
		"letters of ASCII but for the name", host.Cut(strconv.Quote(text)))
}

// printable reports whether a text is one line of UTF-8, without what steers.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// dotted reports whether a text is words of ASCII letters, digits and more, with single dots between
// them: RFC 5322, section 3.2.3, dot-atom-text.
func dotted(s, more string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			c := word[i]
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
				strings.IndexByte(more, c) >= 0) {
				return false
			}
		}
	}
	return true
}

// addresses reads an address or a list of them, None being none.
func addresses(param string, v starlark.Value, most int) ([]*mail.Address, error) {
	if v == starlark.None {
		return nil, nil
	}
	var texts []string
	if s, ok := starlark.AsString(v); ok {
		texts = []string{s}
	} else {
		all, ok := v.(starlark.Iterable)
		if !ok {
			return nil, failed(invalid, "for parameter %s: got %s, want an address, or a list of them", param,
				v.Type())
		}
		for x := range starlark.Elements(all) {
			s, ok := starlark.AsString(x)
			switch {
			case !ok:
				return nil, failed(invalid, "for parameter %s: got %s, want an address", param, x.Type())
			case len(texts) == most:
				return nil, failed(excessive, "for parameter %s: there are more than %d addresses", param, most)
			}
			texts = append(texts, s)
		}
	}
	parsed := make([]*mail.Address, 0, len(texts))
	for _, text := range texts {
		a, err := parseAddress(text)
		if err != nil {
			return nil, failed(invalid, "for parameter %s: %v", param, err)
		}
		parsed = append(parsed, a)
	}
	return parsed, nil
}
