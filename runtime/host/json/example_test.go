package json_test

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host/json"
)

// The bounds hold whoever wrote the text.
func ExampleLimits_Decode() {
	fmt.Println(json.Limits{}.Decode(`{"a": [1, 2.5, null]}`))
	fmt.Println(json.Limits{Depth: 2}.Decode(`[[[]]]`))
	fmt.Println(json.Limits{}.Decode(strings.Repeat("[", 1<<20)))
	// Output:
	// {"a": [1, 2.5, None]} <nil>
	// <nil> at offset 2, nested deeper than 2
	// <nil> at offset 1000, nested deeper than 1000
}
