package files

import (
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// reserved is what no name in a path begins with that a script can say: .larkspur, in which larkspur
// dev keeps secrets, and files that are being written.
const reserved = host.Kept

func hidden(name string) bool { return strings.HasPrefix(host.Loose(name), reserved) }

// maxPath is how many bytes a path has at most, as on Linux.
const maxPath = 4096

// local returns the name that a path of a script has on this system. Nothing is cleaned, so that a
// file has one path. It is, as a rule, the client that has named a file so: the error is a bad
// request, if the script does not catch it.
func local(name string) (string, error) {
	wrong := func(kind, format string, args ...any) (string, error) {
		return "", &failure{kind: kind, text: quoted(name) + " " + fmt.Sprintf(format, args...),
			status: http.StatusBadRequest}
	}
	switch {
	case name == "":
		return "", &failure{kind: "name", text: `the path is empty; the directory itself is "."`,
			status: http.StatusBadRequest}
	case len(name) > maxPath:
		return wrong("name", "is longer than %d bytes", maxPath)
	case strings.ContainsRune(name, 0):
		return wrong("name", "has a NUL in it")
	case name[0] == '/':
		return wrong("outside", "is absolute; paths are relative to the directory")
	case strings.ContainsRune(name, '\\'):
		return wrong("outside", "has a backslash in it; write slashes")
	case name == ".":
		return name, nil
	}
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "..":
			return wrong("outside", "leads out of the directory")
		case element == "" || element == ".":
			return wrong("name", "is not as short as it can be; write %s", quoted(path.Clean(name)))
		case hidden(element):
			return wrong("outside", "has a name that begins with %s, which is reserved", reserved)
		}
	}
	system := filepath.FromSlash(name)
	if !filepath.IsLocal(system) {
		return wrong("outside", "leads out of the directory") // a name that the system reserves
	}
	return system, nil
}

// localFile is local for what is no directory for sure.
func localFile(name string) (string, error) {
	if name == "." {
		return "", &failure{kind: "is_directory", text: `"." is the directory itself; name a file`}
	}
	return local(name)
}

// sayable reports whether a script can name an entry of a directory.
func sayable(name string) bool {
	return !hidden(name) && !strings.ContainsAny(name, "\\\x00") && filepath.IsLocal(name)
}
