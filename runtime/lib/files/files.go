// Package files is the host module @files: directories that whoever runs a program has granted it.
//
// # The model
//
// A [Grant] says what there is: directories by name, and perhaps one below which a directory is
// made for each further name. A script asks for one by directory(name), which touches nothing yet,
// so that it may stand in a global; what its methods do is done when they are called, while the
// call waits, and ends with it.
//
// Paths are relative to the directory, with slashes, and mean what they say: no "..", no leading
// slash, no backslash, nothing that has to be cleaned away. Symlinks lead where [os.Root] lets them:
// anywhere inside, and nowhere else, whoever changes what meanwhile. There are regular files and
// directories; what is neither, a FIFO, a socket, a device, is not listed, and an error to open,
// without waiting for anybody. Names that begin with a dot are as good as others, but those that
// begin with .larkspur are not there: so the files are called that are being written, and what
// larkspur dev keeps.
//
// # Writing
//
// A file is written beside where it is to stand, synced, and then renamed: whoever reads sees what
// was there before or all of what is there now, and a process that dies leaves nothing but a
// hidden file, which is removed an hour later. Of two that write the same file the one that ends
// last has written it.
//
// # Errors
//
// Their kind says what is wrong: not_found, exists, is_directory, not_directory, not_file (a FIFO,
// say), not_empty, outside, name, read_only, size, quota, full, denied, busy and not_granted.
package files

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Name is the name of the module, by which a [*Grant] is granted.
const Name = "files"

// The bounds of what is done in one call.
const (
	maxRead    = 10 << 20 // bytes of a file that is read at once, where nothing else is said
	maxEntries = 10_000   // of a list
	blockSize  = 64 << 10 // bytes of a block, where nothing else is said
	maxBlock   = 16 << 20
)

// Module describes @files. It is to be granted a [*Grant].
func Module() *host.Module {
	return &host.Module{
		Name: Name,
		Doc: "Directories that were granted: files to read, to write as a whole, to list. Nothing " +
			"outside of them can be reached, by whatever path or symlink.",
		Grant:   "a directory",
		Whole:   true,
		Members: []host.Member{directoryMember()},
		Types:   []*host.Type{directoryType, entryType},
		Scene: `files = directory("notes")
files.write("a.txt", "hello")`,
		Open: func(l *host.Load) (any, error) {
			g, ok := l.Grant.(*Grant)
			if !ok {
				return nil, fmt.Errorf("@files is granted %T, not a *files.Grant", l.Grant)
			}
			return g, nil
		},
	}
}

func directoryMember() host.Member {
	return host.Member{
		Name: "directory",
		Doc: "Returns a directory that was granted. It is not looked at before one of its methods " +
			"is called, so it may stand in a global.",
		Params: []host.Param{{
			Name: "name", Doc: "of the grant: small letters, digits, - and _, 64 at most",
		}},
		Result: "a directory",
		Errors: []host.Failure{
			{When: "no directory of that name is granted (kind not_granted)"},
			{When: "it is no such name (kind name)"},
		},
		Example: `directory("notes")  # <directory "notes">
directory("Notes")  # error: directory: "Notes" is not the name of a directory`,
		Fn: func(g *Grant, name string) (*Directory, error) { return g.directory(name) },
	}
}

// text describes a parameter that is a path.
func pathParam(doc string) host.Param {
	return host.Param{Name: "path", Doc: doc + ", from the directory, with slashes", Type: "string"}
}

// flag describes a parameter that is False if nothing is said.
func flag(name, doc string, value bool) host.Param {
	return host.Param{Name: name, Doc: doc, Default: starlark.Bool(value)}
}

// absent is the failure of most methods.
var absent = host.Failure{When: "there is no such file (kind not_found)"}
