package habit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// decorator: a decorator is a function that is called with another. Those of frameworks say which
// route a function is of.
func (s *spot) decorator() string {
	_, end := s.line(s.i)
	name := "function"
	for i := s.i; i+1 < len(s.tokens); i++ {
		if s.tokens[i].text == "def" {
			name = s.tokens[i+1].text
			break
		}
	}
	if text := s.routed(name); text != "" {
		return "Starlark has no decorators: a router has the routes; write " + text
	}
	return fmt.Sprintf("Starlark has no decorators: call the function with the other; "+
		"name it _%s and write %s = %s(_%s) behind it", name, name, s.text(s.i+1, end), name)
}

// routed says how to write @app.route("/path", methods = ["POST"]), @app.get("/path") or @get("/path")
// of a function; "" if the decorator is none of these.
func (s *spot) routed(function string) string {
	open := s.i + 1
	for open < len(s.tokens) && (isName(s.tokens[open].text) || s.tokens[open].text == ".") {
		open++
	}
	closing := s.closing(open)
	if closing < open+2 || s.language.module("route") == nil || !isText(s.tokens[open+1].text) {
		return ""
	}
	kind := s.tokens[open-1].text
	if !slices.Contains([]string{"route", "get", "post", "put", "patch", "delete"}, kind) {
		return ""
	}
	path := variable().ReplaceAllStringFunc(s.tokens[open+1].text, parameter)
	methods := ""
	for i := open + 2; i < closing; i++ {
		if text := s.tokens[i].text; (text == "methods" || text == "method") && s.tokens[i+1].text == "=" {
			methods = strings.ToUpper(s.text(i+2, closing))
		}
	}
	route := fmt.Sprintf("%s(%s, %s)", kind, path, function)
	if kind == "route" {
		kind = "get"
		if one := methodOnly().FindStringSubmatch(methods); one != nil {
			kind = strings.ToLower(one[1])
		} else if methods != "" {
			kind = "route"
		}
		route = fmt.Sprintf("%s(%s, %s)", kind, path, function)
		if kind == "route" {
			route = fmt.Sprintf("route(%s, %s, %s)", methods, path, function)
		}
	}
	load := s.language.module("route").load([]string{kind, "router"})
	return fmt.Sprintf("app = router([%s]) behind it, with %s", route, load)
}

// methodOnly matches a method that stands alone.
var methodOnly = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[\[(]?["'](GET|POST|PUT|PATCH|DELETE)["'],?[\])]?$`)
})

// variable matches a variable of a path, as Flask and bottle write it.
var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<(\w+)(?::(\w+))?>`) })

// parameter is how a router writes the variable of a path: the type stands behind the name.
func parameter(text string) string {
	m := variable().FindStringSubmatch(text)
	kinds := map[string]string{"int": ":int", "float": ":float", "path": ":path", "uuid": ":uuid",
		"string": "", "default": "", "any": ""}
	if kind, ok := kinds[m[1]]; ok && m[2] != "" { // Flask
		return "{" + m[2] + kind + "}"
	}
	return "{" + m[1] + kinds[m[2]] + "}"
}
