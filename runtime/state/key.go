package state

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxKey is how many bytes a key has at most.
	maxKey = 256
	// maxName is how many characters the name of a bucket, a counter, a queue has at most.
	maxName = 64
)

// A key is any text for a script, and a subject for NATS, whose parts are separated by dots and have
// letters, digits and a few other characters. The characters that a subject may have in a bucket are
// themselves, so that other clients of NATS find the same keys; any other octet is = and two digits.

// subjectOf returns the subject of a key.
func subjectOf(key string) (string, error) {
	switch {
	case key == "":
		return "", failed(KindKey, "a key is not empty")
	case len(key) > maxKey:
		return "", failed(KindKey, "a key has %d bytes, and %d at most", len(key), maxKey)
	case key[0] == '.' || key[len(key)-1] == '.' || strings.Contains(key, ".."):
		return "", failed(KindKey, "a dot in a key stands between two parts of it, which are not empty")
	}
	return escape(key), nil
}

const hexDigits = "0123456789ABCDEF"

// escape writes text as a subject. Its dots separate.
func escape(text string) string {
	plain := true
	for i := range len(text) {
		plain = plain && isPlain(text[i])
	}
	if plain {
		return text
	}
	b := make([]byte, 0, len(text)+16)
	for i := range len(text) {
		if c := text[i]; isPlain(c) {
			b = append(b, c)
		} else {
			b = append(b, '=', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(b)
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '_' || c == '/' || c == '.'
}

// keyOf returns the key of a subject. One that was not written by this package may have a = that is
// followed by something else: that is itself.
func keyOf(subject string) string {
	if !strings.Contains(subject, "=") {
		return subject
	}
	b := make([]byte, 0, len(subject))
	for i := 0; i < len(subject); i++ {
		if subject[i] == '=' && i+2 < len(subject) {
			hi, lo := strings.IndexByte(hexDigits, subject[i+1]), strings.IndexByte(hexDigits, subject[i+2])
			if hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, subject[i])
	}
	return string(b)
}

// filterOf returns the subjects among which all keys are that begin with a prefix, and perhaps others:
// what stands before its last dot is asked for.
func filterOf(prefix string) (string, error) {
	if len(prefix) > maxKey {
		return "", failed(KindKey, "a prefix has %d bytes, and %d at most", len(prefix), maxKey)
	}
	parts := prefix[:strings.LastIndexByte(prefix, '.')+1]
	if strings.HasPrefix(parts, ".") || strings.Contains(parts, "..") {
		return "", failed(KindKey, "a dot in a prefix follows a part of a key, which is not empty")
	}
	return escape(parts) + ">", nil
}

// checkName returns an error if what is to have the name cannot.
func checkName(what, name string) error {
	if name == "" || len(name) > maxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return failed(KindUsage, "%s is no name of a %s: it has a-z, 0-9, _ and - only, %d at most",
			host.Cut(starlark.String(name).String()), what, maxName)
	}
	return nil
}
