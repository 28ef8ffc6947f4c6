package cover_test

import (
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/cover"
)

func ExampleProfile_Attach() {
	c := &runtime.Config{FS: fstest.MapFS{"a.star": {Data: []byte("def never():\n    return 1\n\nx = 2\n")}}}
	var profile cover.Profile
	profile.Attach(c)
	if _, err := runtime.LoadFile(c, "a.star"); err != nil {
		fmt.Println(err)
	}
	for _, f := range profile.Files(func(string) bool { return true }) {
		fmt.Printf("%s: %d of %d statements ran\n", f.Name, f.Ran, f.Statements)
	}
	// Output: a.star: 2 of 3 statements ran
}
