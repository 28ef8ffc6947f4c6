// Package markdown is the host module @markdown: HTML of Markdown, by github.com/yuin/goldmark.
// [Module] describes it, and [Render] is for other packages.
package markdown

import "github.com/larkspur-web/larkspur/runtime/host"

// MaxBytes is how long a text may be.
const MaxBytes = 1 << 20

// Module describes @markdown.
func Module() *host.Module {
	r := newRenderer()
	return &host.Module{
		Name:  "markdown",
		Doc:   "HTML of Markdown.",
		Whole: true,
		Members: []host.Member{{
			Name: "markdown",
			Doc: "Returns the HTML of a text of Markdown: CommonMark with tables, ~~strikethrough~~ " +
				"and links of bare addresses. It is safe to show whoever wrote it: HTML in the text " +
				"is left out, and so is the address of a link to javascript:, vbscript:, file: or " +
				"data:. Templates and @html take it as it is.",
			Params: []host.Param{{Name: "text", Doc: "the Markdown, up to 1 MiB"}},
			Result: "HTML: str() of it is a string",
			Errors: []host.Failure{{When: "the text is longer than 1 MiB, or nested very deep"}},
			Example: `str(markdown("*hello*"))  # "<p><em>hello</em></p>\n"
str(markdown("[x](javascript:alert)"))  # "<p><a href=\"\">x</a></p>\n"`,
			Pure: true,
			Fn: func(text string) (host.HTML, error) {
				s, err := r.render(text)
				return host.HTML(s), err
			},
		}},
	}
}

// Render returns the HTML of a text of Markdown, as the function of the module does. It is safe to
// stand in a page: no element, attribute or address of a script comes out of it. It may be called
// from any number of goroutines.
func Render(text string) (string, error) { return newRenderer().render(text) }
