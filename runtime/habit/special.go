package habit

import (
	"fmt"
	"strings"
)

// special is what to write for a function of Python whose arguments decide what that is; "" for any
// other.
func (l *Language) special(name string, args []string) string {
	switch name {
	case "bytearray":
		switch {
		case len(args) == 0:
			return `b""`
		case isNumber(args[0]):
			return "bytes([0] * " + args[0] + ")"
		}
	case "next":
		return next(args)
	case "open":
		return l.open(args)
	}
	return ""
}

// next is the first of what an iterator gives.
func next(args []string) string {
	if len(args) == 0 {
		return ""
	}
	all, ok := strings.CutPrefix(args[0], "iter(")
	if ok && strings.HasSuffix(all, ")") {
		all = strings.TrimSuffix(all, ")")
	} else {
		all = args[0]
	}
	if len(args) == 1 {
		return "list(" + all + ")[0]"
	}
	return fmt.Sprintf("(list(%s) + [%s])[0]", all, args[1])
}

// open is for a file that is written, which is another module's than one that is read.
func (l *Language) open(args []string) string {
	if len(args) < 2 {
		return ""
	}
	mode := args[1]
	if _, value, named := strings.Cut(mode, "="); named {
		mode = strings.TrimSpace(value)
	}
	method := ""
	switch {
	case !isText(mode):
		return ""
	case strings.ContainsAny(mode, "wx+"):
		method = "write"
	case strings.Contains(mode, "a"):
		method = "append"
	default:
		return ""
	}
	return fmt.Sprintf("directory(\"name\").%s(%s, content), with load(\"@files\", \"directory\")", method, args[0])
}
