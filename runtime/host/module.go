package host

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"
)

// A Module describes what load("@name", ...) gives to scripts, and makes it. It must not be
// changed once it is in use, and is then safe for concurrent use.
type Module struct {
	// Name is what a script writes after the @.
	Name string
	// Doc says what the module is for. Its first sentence stands alone in lists.
	Doc string
	// Grant says what whoever runs a program has to grant for it to load the module, as in "a
	// database". Empty means that the module reaches nothing outside of the program, and may be
	// loaded by all.
	Grant string
	// Members are what a script can load.
	Members []Member
	// Whole adds a member of the module's own name, which has all the others as attributes. If one
	// of them has that name, the whole is called as it is.
	Whole bool
	// Types are the types of values that the members make, as far as they are the module's own.
	Types []*Type
	// Tests are the members that @test has for the sake of the module, as descriptions: those that do
	// something are a [Trial]'s.
	Tests []Member
	// Scene is a piece of script that comes before each example: what all of them speak of, such as
	// an environ. All members of the module are known in it.
	Scene string
	// Files are those that examples find in the tree, by path.
	Files map[string]string
	// Open makes what the functions of one generation of a program work on: the first argument of
	// those whose first parameter has that type. If it is a starlark.StringDict, it has the
	// values of the members that have none. Nil opens nothing: the functions work on the *Load
	// itself, or on nothing.
	Open func(*Load) (any, error)
	// Misuse makes what a script gets for wrong arguments, by an error that names function and
	// fault. Nil leaves that as it is.
	Misuse func(error) error
}

// A Member is a name of a module, or a method of a [Type]: a function, a value, or a struct of
// members.
type Member struct {
	Name string
	// Doc says what it does, and what nil, zero or an absent argument mean.
	Doc string
	// Params are the parameters of a function, those that a script passes.
	Params []Param
	// Result says what a function returns.
	Result string
	// Errors are those that a script may want to know of.
	Errors []Failure
	// Example is a piece of script. An expression that has a comment on its line is what the
	// comment says, or fails with a message that has what follows "error:". All members of the
	// module are known in it.
	Example string
	// Pure says that nothing but the arguments decides what a function returns, so that a tool
	// may call it with the constants that stand in a script.
	Pure bool
	// Check says what is wrong with arguments of a function that are known before it is called, by
	// the names of their parameters: a tool calls it with the constants that stand in a script, and
	// with nil for what it does not know. Nil checks nothing.
	Check func(given map[string]starlark.Value) error

	// Fn is a Go function: see [Func] for its parameters, of which each has its row in Params.
	// Before them it may have what [Module.Open] returned, or the *[Load], or the value whose
	// method it is. Or it is a func([Args]) (starlark.Value, error), which costs less to call and
	// says in Params what Types it takes.
	Fn any
	// Value is a value that needs no making: a constant, or a builtin that binds its own arguments.
	Value starlark.Value
	// Members are those of a struct.
	Members []Member
}

// A Param is a parameter of a function.
type Param struct {
	Name string
	// Doc says what it is for.
	Doc string
	// Type says what may be passed, where the Go type does not: a string or an int, say.
	Type string
	// Default is what the function gets if nothing is passed. Nil means that something must be. All
	// calls get the same value, which is frozen.
	Default starlark.Value
	// Optional says that nothing need be passed though there is no Default. The function then
	// gets the zero value of the Go type: nil for a starlark.Value.
	Optional bool
	// Pass is how it may be passed.
	Pass Passing
	// Given is the name of one of the [Module.Types]: a function that is passed is called with a value
	// of it first. Empty says nothing.
	Given string
	// Apart says what is wrong with a text that a script puts together, and what to write instead, as
	// a tool warns of it; "" if nothing is. Nil says that it may be put together.
	Apart func(Composed) string
}

// Composed is a text that a script puts together of texts and values, to pass it to a function.
type Composed struct {
	// Fn is the function as the script calls it: db.query.
	Fn    string
	Parts []Part
	// Behind are the arguments behind it, as they stand in the script.
	Behind []string
	// Elsewhere says that it is not put together in the call, or that this is not all of it.
	Elsewhere bool
}

// A Part is a piece of a text that a script puts together: a text that is known, or a value.
type Part struct {
	Text  string
	Value string // as it stands in the script; empty if Text is the piece
	From  Origin // of the value
}

// An Origin is where a value comes from, as far as the script says it.
type Origin uint8

// The origins, in the order of what they may be.
const (
	Fixed  Origin = iota // from the script itself: it is one of a few texts, or a number
	Other                // it cannot be said
	Passed               // a function was called with it
	Sent                 // from a request
)

func (p Param) required() bool {
	return p.Default == nil && !p.Optional && p.Pass < Rest
}

// Passing is how a parameter may be passed.
type Passing uint8

// The ways to pass a parameter.
const (
	Freely     Passing = iota // by position or by name
	ByPosition                // by position only
	ByName                    // by name only
	Rest                      // all further ones by position, as *name
	RestByName                // all further ones by name, as **name; of a Value only
)

// A Failure is an error that a function may return.
type Failure struct {
	// Code is what the error is searched for by, as LARK0401; empty if it has none.
	Code string
	// When says when it is returned.
	When string
}

// Names returns what a script can load from the module, in order. A nil Module has none.
func (m *Module) Names() []string {
	if m == nil {
		return nil
	}
	names := make([]string, 0, len(m.Members)+1)
	for _, member := range m.Members {
		names = append(names, member.Name)
	}
	if m.Whole && m.Member(m.Name) == nil {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Member returns the member of that name, nil if there is none. The whole of a module is not a
// member, and a nil Module has none.
func (m *Module) Member(name string) *Member {
	if m == nil {
		return nil
	}
	return find(m.Members, name)
}

// Pure returns the function of a member that is pure, made without opening the module; nil if
// that name is none.
func (m *Module) Pure(name string) *starlark.Builtin {
	member := m.Member(name)
	if member == nil || !member.Pure {
		return nil
	}
	v, _ := (&builder{misuse: m.Misuse}).value(member, name)
	fn, _ := v.(*starlark.Builtin)
	return fn
}

func find(members []Member, name string) *Member {
	i := slices.IndexFunc(members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &members[i]
}

// Values opens the module for one generation of a program and returns the values of its members.
// They are not frozen yet.
func (m *Module) Values(l *Load) (starlark.StringDict, error) {
	var state any = l
	if m.Open != nil {
		var err error
		if state, err = m.Open(l); err != nil {
			return nil, err
		}
	}
	made, _ := state.(starlark.StringDict)
	b := builder{state: state, misuse: m.Misuse}
	values := make(starlark.StringDict, len(m.Members)+1)
	for i := range m.Members {
		member := &m.Members[i]
		v, err := b.value(member, member.Name)
		if err != nil {
			return nil, fmt.Errorf("module @%s: %w", m.Name, err)
		}
		if v == nil {
			v = made[member.Name]
		}
		if v == nil {
			return nil, fmt.Errorf("module @%s: nothing makes %s", m.Name, member.Name)
		}
		values[member.Name] = v
	}
	if m.Whole {
		all := make(starlark.StringDict, len(values))
		for name, v := range values {
			all[name] = v
		}
		values[m.Name] = whole(m.Name, all)
	}
	return values, nil
}
