package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// locate returns the path in the tree of the file that load(module) names in the file from.
//
//	"x.star", "./x.star", "../x.star"   counted from the directory of from
//	"//lib/x.star"                      counted from the root of the tree
func locate(from, module string) (string, error) {
	var name string
	switch rest, rooted := strings.CutPrefix(module, "//"); {
	case module == "":
		return "", errors.New("the name is empty")
	case strings.ContainsAny(module, "\\\x00"):
		return "", errors.New("a path has slashes only, also on Windows")
	case rooted:
		name = path.Clean(rest)
	case module[0] == '/':
		return "", fmt.Errorf("the root of the tree is written //: write %q", "/"+module)
	default:
		name = path.Join(path.Dir(from), module)
	}
	switch {
	case name == ".." || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/"):
		return "", errors.New("it is outside the program's tree")
	case name == "." || strings.HasSuffix(module, "/"):
		return "", errors.New("it is a directory")
	case !fs.ValidPath(name):
		return "", errors.New("it is not a valid path")
	}
	return name, nil
}

// splitEntry splits FILE.star[:NAME] into the file and the names of globals to try.
func splitEntry(entry string) (file string, names []string, err error) {
	file, names = entry, []string{"app", "application"}
	if i := strings.LastIndexByte(entry, ':'); i >= 0 {
		file, names = entry[:i], []string{entry[i+1:]}
		if names[0] == "" {
			return "", nil, fmt.Errorf("entry %q: no name after the colon", entry)
		}
	}
	if file, err = locate(".", file); err != nil {
		return "", nil, fmt.Errorf("entry %q: %w", entry, err)
	}
	return file, names, nil
}
