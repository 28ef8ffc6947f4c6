package markdown_test

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/lib/markdown"
)

// What comes out may stand in any page.
func ExampleRender() {
	html, err := markdown.Render("# Hello\n\nHello <script>steal()</script>[you](https://example.org)")
	fmt.Print(html, err)
	// Output:
	// <h1>Hello</h1>
	// <p>Hello steal()<a href="https://example.org">you</a></p>
	// <nil>
}
