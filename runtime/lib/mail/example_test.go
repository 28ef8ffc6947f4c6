package mail_test

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What a script sends goes to the server that was granted; here, as in tests, it is kept instead.
func ExampleModule() {
	grant := &mail.Grant{URL: "smtp://notes:secret@mail.example.com?from=Notes <notes@example.com>"}
	trial, err := grant.Trial("")
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := mail.Module().Values(&host.Load{Grant: trial.Grant})
	if err != nil {
		fmt.Println(err)
		return
	}
	tests := host.Module{Name: "test", Members: trial.Members}
	seen, err := tests.Values(new(host.Load))
	if err != nil {
		fmt.Println(err)
		return
	}
	values["mails"] = seen["mails"]
	for _, expr := range []string{
		`len(send("ann@example.com", "Hello", text = "Hello, Ann.")) > 0`,
		`send("ann@example.com\nBcc: all@example.com", "Hello", text = "Hello, all.")`,
		`[(m.sender, m.to, m.subject) for m in mails()]`,
	} {
		v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "", expr, values)
		fmt.Println(v, host.KindOf(err))
	}
	// Output:
	// True error
	// <nil> invalid
	// [("Notes <notes@example.com>", ["ann@example.com"], "Hello")] error
}
