package sql

import (
	"fmt"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
)

// check refuses a list where a value is compared: it would be passed as the text of its JSON, and
// nothing be found.
func (s *statement) check(values starlark.Tuple) error {
	for i, slot := range s.slots {
		if !slot.inner {
			continue
		}
		if n := starlark.Len(values[i]); n >= 0 && values[i].Type() != "string" &&
			values[i].Type() != "bytes" {
			return usage(`a ? of IN (?) is one value, and got a %s of %d: write "IN (" + `+
				`", ".join(["?"] * len(x)) + ")" and pass *x`, values[i].Type(), n)
		}
	}
	return nil
}

var (
	// percent is a placeholder of Python's drivers.
	percent = regexp.MustCompile(`^%(s|d|\(\w+\)s)`)
	// inQuotes is a string that is a placeholder, as far as whoever wrote it thinks.
	inQuotes = regexp.MustCompile(`^'(%?)(\?|:[A-Za-z_]\w*|%s)(%?)'$`)
)

// instead says what to write where the values that are passed by position are not as many as there are
// ?, or one that is passed by name has no place: "" if it is not known what was meant.
func (s *statement) instead(args starlark.Tuple) string {
	if len(args) == 1 {
		if text := s.together(args[0]); text != "" {
			return text
		}
	}
	l := lexer{text: s.source, postgres: s.postgres}
	for t := l.next(); t.kind != end; t = l.next() {
		text := s.source[t.start:t.end]
		if m := percent.FindString(s.source[t.start:]); t.kind == sign && m != "" {
			return m + " is no placeholder here: write ? for a value that is passed by position, " +
				":name for one by name"
		}
		if m := inQuotes.FindStringSubmatch(text); t.kind == quoted && m != nil {
			instead := strings.Replace(m[2], "%s", "?", 1)
			return text + " is a string, and no placeholder: write " + instead + " without quotes" +
				around(m[1], m[3])
		}
	}
	if len(args) > 0 && s.bare == 0 && len(s.names) > 0 {
		return fmt.Sprintf("the value of :%s is passed by name: write %[1]s = x behind the statement",
			s.names[0])
	}
	return ""
}

// around says where what stands around a placeholder goes: with the value.
func around(before, behind string) string {
	if before+behind == "" {
		return ""
	}
	x := "x"
	if before != "" {
		x = `"%" + ` + x
	}
	if behind != "" {
		x += ` + "%"`
	}
	return ", and pass " + x
}

// together says what to write where all values were passed as one.
func (s *statement) together(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.IterableMapping:
		if s.bare == 0 && len(s.names) > 0 {
			return fmt.Sprintf("the value of :%s is passed by name: write %[1]s = x behind the "+
				"statement, or ** before the %s", s.names[0], v.Type())
		}
	case starlark.Tuple, *starlark.List, *starlark.Set:
		if s.bare > 1 {
			return fmt.Sprintf("the statement has %s (?), and a %s of %d was passed as one value: write "+
				"* before it, as in query(sql, *values)", plural(s.bare, "placeholder"), v.Type(),
				starlark.Len(v))
		}
	}
	return ""
}
