package habit

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/syntax"
)

// moment says what to write for a method of Python's datetime: a time is written as an example of it.
func (p *place) moment(m []string) string {
	dot, ok := p.node.(*syntax.DotExpr)
	if !ok {
		return ""
	}
	value := written(p.src, dot.X)
	switch m[1] {
	case "strftime":
		layout := `"2006-01-02 15:04:05"`
		if call := p.calls(dot); call != nil && len(call.Args) == 1 {
			if lit, ok := call.Args[0].(*syntax.Literal); ok {
				if text, ok := lit.Value.(string); ok {
					layout = syntax.Quote(reference(text), false)
				}
			}
		}
		return fmt.Sprintf(": a format is the time 2006-01-02 15:04:05 as it is to look; write %s.format(%s)",
			value, layout)
	case "isoformat":
		return fmt.Sprintf("; write %s.format(\"2006-01-02T15:04:05Z07:00\")", value)
	case "timestamp":
		return fmt.Sprintf("; write %s.unix", value)
	case "date":
		return fmt.Sprintf("; write %s.format(\"2006-01-02\")", value)
	case "time":
		return fmt.Sprintf("; write %s.format(\"15:04:05\")", value)
	case "weekday", "isoweekday":
		return fmt.Sprintf("; write %s.format(\"Monday\")", value)
	case "replace", "astimezone":
		return fmt.Sprintf("; write %s.in_location(\"Europe/Berlin\")", value)
	}
	return ""
}

// theirs says what to write for a function of a module of Python, where that of its name has another.
func (p *place) theirs(m []string) string {
	dot, ok := p.node.(*syntax.DotExpr)
	if !ok {
		return ""
	}
	id, ok := dot.X.(*syntax.Ident)
	if !ok {
		return ""
	}
	arguments := ""
	if call := p.calls(dot); call != nil {
		all := make([]string, len(call.Args))
		for i, arg := range call.Args {
			all[i] = written(p.src, arg)
		}
		arguments = "(" + strings.Join(all, ", ") + ")"
	}
	switch name := id.Name + "." + m[1]; name {
	case "time.strftime":
		return "; write time.now().format(\"2006-01-02 15:04:05\")"
	case "time.time":
		return "; write time.now().unix"
	default:
		if has := renamed()[name]; has != "" {
			return "; write " + id.Name + "." + has + arguments
		}
	}
	return ""
}

// directives are those of strftime, and how Go writes them.
var directives = strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05",
	"%y", "06", "%b", "Jan", "%B", "January", "%a", "Mon", "%A", "Monday", "%I", "03", "%p", "PM", "%Z", "MST",
	"%z", "-0700", "%j", "002", "%f", "000000", "%e", "_2", "%F", "2006-01-02", "%T", "15:04:05", "%-d", "2",
	"%-m", "1", "%-H", "15", "%-I", "3", "%%", "%")

// reference is the reference time of Go in a format of strftime.
func reference(format string) string { return directives.Replace(format) }

// variables are those of PEP 3333 and of requests of browsers.
var variables = strings.Fields(`REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING CONTENT_TYPE CONTENT_LENGTH
	SERVER_NAME SERVER_PORT SERVER_PROTOCOL REMOTE_ADDR REMOTE_PORT REMOTE_USER REQUEST_URI AUTH_TYPE
	wsgi.input wsgi.errors wsgi.url_scheme wsgi.file_wrapper wsgi.early_hints http2.push
	HTTP_HOST HTTP_ACCEPT HTTP_ACCEPT_LANGUAGE HTTP_ACCEPT_ENCODING HTTP_AUTHORIZATION HTTP_COOKIE
	HTTP_IF_NONE_MATCH HTTP_IF_MODIFIED_SINCE HTTP_ORIGIN HTTP_RANGE HTTP_REFERER HTTP_USER_AGENT`)

// variable says which variable of the environ a key that is missing is misspelt for. One that is not is
// absent from this request.
func (p *place) variable(m []string) string {
	value := "environ"
	if index, ok := p.node.(*syntax.IndexExpr); ok {
		value = written(p.src, index.X)
	}
	if name, ok := strings.CutPrefix(m[1], "HTTP_"); ok && (name == "CONTENT_TYPE" || name == "CONTENT_LENGTH") {
		return fmt.Sprintf("; write %s.get(%q)", value, name)
	}
	near := spell.Nearest(m[1], variables, 6) // the keys of others begin as these do
	if near == "" || near == m[1] {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?); write %s[%q]", near, value, near)
}
