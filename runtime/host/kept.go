package host

import (
	"strings"
	"unicode"
)

// Kept is the name of the directory in which tools keep secrets of whoever develops a program. No path
// that a script or a client can choose leads into it.
const Kept = ".larkspur"

// Loose returns a name as the file system sees it that is least strict about names: small and capital
// letters are the same to many, and to HFS+ of macOS, which ignores some characters, more is. Names that
// are the same to any file system have the same loose name.
func Loose(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80 && (r < 'A' || r > 'Z'):
			return r
		case ignored(r):
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r)) // the long s and the sign of kelvin, too
	}, name)
}

// ignored reports whether HFS+ takes no notice of r: Apple's Technical Note TN1150, "Case-Insensitive
// String Comparison Algorithm".
func ignored(r rune) bool {
	return r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff
}
