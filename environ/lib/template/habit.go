package template

import (
	"regexp"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
)

// jinja is a tag of Jinja and Django, which would be text here.
var jinja = regexp.MustCompile(
	`\{%-?\s*(for|if|elif|else|block|extends|include|set|macro|with|end[a-z]*)\b`,
)

// srcdoc is an attribute that has a page, with a value in it: html/template escapes that once, for
// the attribute, and the page in it would take it for HTML.
var srcdoc = regexp.MustCompile(`(?i)\bsrcdoc\s*=\s*("[^"]*?|'[^']*?|[^\s"'>]*?)\{\{`)

// instead is what to write for a word of other template languages.
func instead(word string) string {
	switch word {
	case "for", "foreach", "each":
		return "{{range .list}}...{{.}}...{{end}}"
	case "elif", "elseif", "elsif":
		return "{{else if .x}}"
	case "extends", "layout":
		return "nothing: a page that only defines blocks, {{define \"content\"}}, is shown in the " +
			"nearest layout.html"
	case "include", "partial", "import", "render":
		return "{{template \"_name.html\" .}}"
	case "block":
		return "{{block \"name\" .}}...{{end}}, and in the page {{define \"name\"}}...{{end}}"
	case "set", "let", "var", "assign":
		return "{{$x := .value}}"
	case "macro":
		return "{{define \"name\"}}...{{end}}"
	case "if", "with", "else":
		return "{{" + word + "}}"
	case "unless":
		return "{{if not .x}}"
	case "safe", "raw":
		return "html.raw(text) of @html where the value is passed"
	case "escape", "e":
		return "nothing: values are escaped"
	case "default":
		return "{{or .x \"else\"}}, or {{get . \"x\" \"else\"}} for one that may be missing"
	case "this", "self":
		return "{{.}}"
	}
	if strings.HasPrefix(word, "end") {
		return "{{end}}"
	}
	return ""
}

// foreign says of what html/template takes, and should not be, what to write instead; nil if there
// is nothing: a tag of another template language, a value in srcdoc.
func (s *source) foreign() *host.Diagnostic {
	if at := srcdoc.FindStringIndex(s.text); at != nil {
		d := s.diagnose(1+strings.Count(s.text[:at[0]], "\n"), "a value in srcdoc is not escaped "+
			"for the page that it is a part of; give that an address of its own, and write src")
		return &d
	}
	at := jinja.FindStringSubmatchIndex(s.text)
	if at == nil {
		return nil
	}
	word := s.text[at[2]:at[3]]
	d := s.diagnose(1+strings.Count(s.text[:at[0]], "\n"), "{% "+word+" %} is Jinja's; write "+
		instead(word))
	return &d
}

// explained says of a message of the parser what to write instead, if that is known.
func explained(message string, functions map[string]any) string {
	switch {
	case strings.HasPrefix(message, "bad character U+007D"),
		strings.HasPrefix(message, `unexpected "}"`):
		return message + ": an action ends with }}"
	case strings.HasPrefix(message, `unexpected "="`), strings.HasPrefix(message, `unexpected "!"`),
		strings.HasPrefix(message, `unexpected "<"`), strings.HasPrefix(message, `unexpected ">"`),
		strings.HasPrefix(message, "bad character U+003C"),
		strings.HasPrefix(message, "bad character U+003E"):
		return message + ": compare by eq .a .b, and ne, lt, le, gt and ge"
	}
	name, ok := strings.CutPrefix(message, `function "`)
	if !ok {
		return message
	}
	if name, ok = strings.CutSuffix(name, `" not defined`); !ok {
		return message
	}
	message = "there is no function " + name
	if write := instead(name); write != "" {
		return message + "; write " + write
	}
	if near := nearest(name, functions); near != "" {
		return message + "; did you mean " + near + "?"
	}
	return message + "; a value is written with a dot, {{." + name + "}}; a function is passed " +
		"to templates, functions = {\"" + name + "\": ...}"
}

// nearest returns the function that a name most likely stands for, "" if there is none.
func nearest(name string, functions map[string]any) string {
	var names []string
	for known := range functions {
		names = append(names, known)
	}
	slices.Sort(names)
	return spell.Nearest(name, names, 3)
}
