package env

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Grant says which variables a program sees. The zero value grants none. It must not be changed
// once a program has it, and is then safe for concurrent use.
type Grant struct {
	// Names are those of the variables.
	Names []string
	// Look returns the value of a variable, and whether it is set. It may be called from any number
	// of goroutines. Nil is os.LookupEnv.
	Look func(name string) (string, bool)
	// Advice says how a variable is granted that was refused, in the words of whoever runs the
	// program; "" says nothing. Nil says grant env=NAME.
	Advice func(name string) string

	trial *trial // not nil if it is a trial's
}

var _ host.Tester = (*Grant)(nil)

// Check returns what is wrong with Names, nil if nothing is.
func (g *Grant) Check() error {
	for _, name := range g.Names {
		if err := valid(name); err != nil {
			return fmt.Errorf("env: grant variable %q: %w", name, err)
		}
	}
	return nil
}

// valid returns what is wrong with a name: POSIX.1-2024, Base Definitions, section 8.1, wants letters,
// digits and _; some shells and systems have more.
func valid(name string) error {
	if name == "" {
		return fmt.Errorf("it has no name")
	}
	for _, c := range name {
		if c <= ' ' || c == '=' || c == ',' || c >= 0x7f {
			return fmt.Errorf("no variable has %q in its name", c)
		}
	}
	return nil
}

// advice says how a variable is granted.
func (g *Grant) advice(name string) string {
	text := "grant env=" + name
	switch {
	case valid(name) != nil:
		return ""
	case g.Advice != nil:
		text = g.Advice(name)
	}
	if text == "" {
		return ""
	}
	return "; " + text
}

// grants reports whether a program sees a variable.
func (g *Grant) grants(name string) bool {
	if slices.Contains(g.Names, name) {
		return true
	}
	return g.trial != nil && valid(name) == nil // what users are to grant no test can know
}

// missing says that a variable is granted, and not set.
func (g *Grant) missing(name string) string {
	if g.trial != nil {
		return fmt.Sprintf("the test has not set the variable %s: environment({%q: \"...\"}) does", name, name)
	}
	return fmt.Sprintf("the variable %s is granted, and not set: env.get has a default", name)
}

// look returns a variable that is granted.
func (g *Grant) look(name string) (string, bool) {
	switch {
	case g.trial != nil:
		return g.trial.look(name)
	case g.Look != nil:
		return g.Look(name)
	}
	return os.LookupEnv(name)
}

// names are those that are granted, each once, in order.
func (g *Grant) names() []string {
	all := slices.Clone(g.Names)
	if g.trial != nil {
		all = append(all, g.trial.names()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A trial is the environment of a test: what that says, and nothing of the real one.
type trial struct {
	mu     sync.Mutex
	values map[string]string
}

// Trial is [host.Tester]'s: no variable is set but those that the test sets.
func (g *Grant) Trial(string) (*host.Trial, error) {
	tr := new(trial)
	return &host.Trial{
		Grant:   &Grant{Names: g.Names, trial: tr},
		Members: []host.Member{tr.member()},
		Begin: func() error {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.values = nil
			return nil
		},
	}, nil
}

func (tr *trial) member() host.Member {
	return host.Member{
		Name: "environment",
		Doc: "Sets variables that the application sees by @env in this test; nothing of the real " +
			"environment is there. What the application reads while it is loaded has to be set by a " +
			"file that the test loads before it.",
		Params: []host.Param{{
			Name: "values", Type: "dict",
			Doc: "a dict from names to strings, or to None for a variable that is not set",
		}},
		Result:  "None",
		Errors:  []host.Failure{{When: "values is no dict of that kind"}},
		Example: `environment({"API_KEY": "secret", "DEBUG": None})`,
		Fn: func(values starlark.IterableMapping) error {
			set := make(map[string]string)
			var unset []string
			for _, item := range values.Items() {
				name, ok := starlark.AsString(item[0])
				if !ok || valid(name) != nil {
					return fmt.Errorf("for parameter values: %s is no name of a variable", host.Show(item[0]))
				}
				value, ok := starlark.AsString(item[1])
				switch {
				case item[1] == starlark.None:
					unset = append(unset, name)
				case !ok:
					return fmt.Errorf("for parameter values: %s is %s: want a string, or None", name,
						item[1].Type())
				case strings.ContainsRune(value, 0):
					return fmt.Errorf("for parameter values: %s has a zero byte, which no variable has", name)
				default:
					set[name] = value
				}
			}
			tr.set(set, unset)
			return nil
		},
	}
}

func (tr *trial) set(values map[string]string, unset []string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.values == nil {
		tr.values = make(map[string]string)
	}
	maps.Copy(tr.values, values)
	for _, name := range unset {
		delete(tr.values, name)
	}
}

func (tr *trial) look(name string) (string, bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	value, ok := tr.values[name]
	return value, ok
}

func (tr *trial) names() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Collect(maps.Keys(tr.values))
}
