package format_test

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/format"
)

func ExampleSource() {
	out, err := format.Source("hello.star", []byte("def app(environ,start_response):\n  return [ b'hello' ]"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out))
	// Output:
	// def app(environ, start_response):
	//     return [b"hello"]
}
