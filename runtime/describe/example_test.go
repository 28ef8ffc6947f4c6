package describe_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// A program that embeds Larkspur shows its own modules as larkspur docs does.
func ExampleLibrary() {
	upper := &host.Module{
		Name: "text", Doc: "Text.", Whole: true,
		Members: []host.Member{{
			Name: "shout", Doc: "Returns a text in capitals.", Result: "a string",
			Params:  []host.Param{{Name: "text", Doc: "what is shouted"}},
			Example: `shout("hi")  # "HI"`,
			Fn:      strings.ToUpper,
		}},
	}
	c := &runtime.Config{Modules: []*host.Module{upper}}
	library := &describe.Library{Modules: c.Catalog()}
	e, err := library.Find("text.shout")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := e.Write(os.Stdout, describe.Style{}); err != nil {
		fmt.Println(err)
	}
	_, err = library.Find("text.shuot")
	fmt.Println("\n" + err.Error())
	// Output:
	// text.shout(text)
	//     load("@text", "shout")
	//
	// Returns a text in capitals.
	//
	// Parameters
	//   text  string
	//       what is shouted
	//
	// Returns
	//   a string
	//
	// Example
	//   shout("hi")  # "HI"
	//
	// nothing is called text.shuot (did you mean text.shout?)
}
