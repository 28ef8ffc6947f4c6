package env_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/env"
	"go.starlark.net/starlark"
)

// run returns what the app of a script returns, or the error of that or of its loading.
func run(t *testing.T, grant any, script string, more ...*host.Module) string {
	t.Helper()
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{
			"app.star":      {Data: []byte(script)},
			"settings.star": {Data: []byte("load('@test', 'environment')\nsettings = environment({'KEY': 'early'})\n")},
			"loads.star":    {Data: []byte("load('@env', 'env')\nKEY = env['KEY']\n")},
		},
		Modules: append(more, env.Module()),
		Grants:  map[string]any{"env": grant},
	}, "app.star")
	if err != nil {
		return "load: " + err.Error()
	}
	defer p.Close()
	var got string
	err = p.Call(t.Context(), func(_ context.Context, th *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(th, app, nil, nil)
		if err == nil {
			got = v.String()
		}
		return err
	})
	if err != nil {
		return "error: " + err.Error()
	}
	return got
}

func app(expr string) string { return "load('@env', 'env')\ndef app():\n    return " + expr + "\n" }

func TestEnv(t *testing.T) {
	t.Setenv("LARKSPUR_A", "one")
	t.Setenv("LARKSPUR_B", "")
	t.Setenv("LARKSPUR_SECRET", "secret")
	grant := &env.Grant{Names: []string{"LARKSPUR_B", "LARKSPUR_A", "LARKSPUR_C", "LARKSPUR_A"}}
	for expr, want := range map[string]string{
		`env["LARKSPUR_A"], env["LARKSPUR_B"]`: `("one", "")`,
		`env.get("LARKSPUR_A"), env.get("LARKSPUR_C"), env.get("LARKSPUR_C", 1), env.get("LARKSPUR_B", default = 2)`: `("one", None, 1, "")`,
		`[n for n in env], env.keys(), len(env), type(env), env`:                                                     `(["LARKSPUR_A", "LARKSPUR_B", "LARKSPUR_C"], ["LARKSPUR_A", "LARKSPUR_B", "LARKSPUR_C"], 3, "env", <env>)`,
		`["LARKSPUR_" + x in env for x in ["A", "B", "C", "SECRET", ""]]`:                                            `[True, True, False, False, False]`,
		`env["LARKSPUR_C"]`:             `error: env: the variable LARKSPUR_C is granted, and not set: env.get has a default`,
		`env["LARKSPUR_SECRET"]`:        `error: env: the variable LARKSPUR_SECRET is not granted; grant env=LARKSPUR_SECRET`,
		`env.get("LARKSPUR_SECRET", 1)`: `error: get: the variable LARKSPUR_SECRET is not granted; grant env=LARKSPUR_SECRET`,
		`env.get("larkspur_a")`:         `error: get: the variable larkspur_a is not granted; grant env=larkspur_a`,
		`env["a=b\n"]`:                  `error: env: the variable "a=b\n" is not granted`,
		`env[1]`:                        `error: env: got int, want the name of a variable`,
		`env.LARKSPUR_A`:                `error: env has no .LARKSPUR_A field or method`,
		`[catch(lambda: env[x])[1].kind for x in ("LARKSPUR_C", "OTHER")]`: `["missing", "refused"]`,
	} {
		if got := run(t, grant, app(expr)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expr, got, want)
		}
	}
	if got := run(t, nil, app(`len(env), env.get("PATH")`)); !strings.HasPrefix(got, "error: get: the variable PATH is not granted") {
		t.Error(got)
	}
	own := &env.Grant{Names: []string{"X"}, Look: func(name string) (string, bool) { return name + "!", true },
		Advice: func(name string) string { return "start with --grant env=" + name }}
	if got := run(t, own, app(`env["X"], catch(env.get, "Y")[1].message`)); got != `("X!", "get: the variable Y is not granted; start with --grant env=Y")` {
		t.Error(got)
	}
	if got := run(t, own, "load('@env', 'env')\ndef app():\n    env['X'] = 1\n"); !strings.Contains(got, "env value does not support item assignment") {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"A": "", "a.b-c_1(x86)": "", "": `env: grant variable "": it has no name`,
		"A=B": `env: grant variable "A=B": no variable has '=' in its name`, "A B": `env: grant variable "A B": no variable has ' ' in its name`,
		"A,B": `env: grant variable "A,B": no variable has ',' in its name`, "É": `env: grant variable "É": no variable has 'É' in its name`,
		"A\x00": `env: grant variable "A\x00": no variable has '\x00' in its name`,
	} {
		err := (&env.Grant{Names: []string{name}}).Check()
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: got %v, want %s", name, err, want)
		}
	}
	for _, grant := range []any{"A", env.Grant{}, &env.Grant{Names: []string{""}}} {
		if _, err := env.Module().Values(&host.Load{Grant: grant}); err == nil {
			t.Errorf("%v is taken for a grant", grant)
		}
	}
}

// TestTrial: a test has the variables that it sets, and none of the real ones.
func TestTrial(t *testing.T) {
	t.Setenv("KEY", "real")
	trial, err := (&env.Grant{Names: []string{"KEY"}}).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	test := &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}
	for _, step := range []struct{ script, want string }{
		{`load("@test", "environment")
load("@env", "env")
def app():
    before = (env.get("KEY"), "KEY" in env, env.get("OTHER", "none"), catch(lambda: env["OTHER"])[1].message)
    environment({"KEY": "mine", "OTHER": "too"})
    between = (env["KEY"], env["OTHER"], env.keys())
    environment({"KEY": None})
    return before, between, env.get("KEY", "none"), env["OTHER"]`,
			`((None, False, "none", "env: the test has not set the variable OTHER: environment({\"OTHER\": \"...\"}) does"), ("mine", "too", ["KEY", "OTHER"]), "none", "too")`},
		{`load("settings.star", "settings")
load("loads.star", "KEY")
app = lambda: KEY`, `"early"`},
		{`load("loads.star", "KEY")
app = lambda: KEY`, "load: loads.star:2:10: env: the test has not set the variable KEY: environment({\"KEY\": \"...\"}) does"},
		{`load("@test", "environment")
app = lambda: [catch(environment, x)[1].message for x in (1, {1: "a"}, {"A=B": "a"}, {"A": 1}, {"A": "\x00"})]`,
			`["environment: for parameter values: got int, want dict", "environment: for parameter values: 1 is no name of a variable", ` +
				`"environment: for parameter values: \"A=B\" is no name of a variable", "environment: for parameter values: A is int: want a string, or None", ` +
				`"environment: for parameter values: A has a zero byte, which no variable has"]`},
	} {
		if err := trial.Begin(); err != nil {
			t.Fatal(err)
		}
		if got := run(t, trial.Grant, step.script, test); got != step.want {
			t.Errorf("%s\n got %s\nwant %s", step.script, got, step.want)
		}
	}
}
