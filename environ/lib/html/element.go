package html

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The bounds of an element.
const (
	maxSize  = 32 << 20 // bytes, with all that is in it
	maxDepth = 1000     // elements in each other
	maxLists = 100      // lists in each other
	charged  = 64       // children that count as one step
)

var errLarge = fmt.Errorf("the HTML is larger than %d MiB", maxSize>>20)

// A tree is an element, or a row of them. It is immutable.
type tree struct {
	host.Object
	open     string // the tag, with attributes; "" of a row
	children []part
	end      string
	size     int // bytes of all
	depth    int
}

// A part is a text that is escaped, or a tree.
type part struct {
	text string
	tree *tree
}

var (
	_ host.Markup = (*tree)(nil)
	_ host.Sizer  = (*tree)(nil)
)

// HTML writes the element.
func (e *tree) HTML() string {
	var b strings.Builder
	b.Grow(e.size)
	e.write(&b)
	return b.String()
}

func (e *tree) write(b *strings.Builder) {
	b.WriteString(e.open)
	for _, p := range e.children {
		if b.WriteString(p.text); p.tree != nil {
			p.tree.write(b)
		}
	}
	b.WriteString(e.end)
}

// String is HTML, for str().
func (e *tree) String() string { return e.HTML() }

// Size is what the element holds besides what is in it.
func (e *tree) Size() int64 { return int64(len(e.open) + len(e.end) + 40*len(e.children)) }

// A builder makes a tree.
type builder struct {
	thread *starlark.Thread
	name   string // of the function, for messages
	kind   kind
	tree   *tree
	attrs  attributes
	lists  int // in each other
	work   int
}

func newBuilder(t *starlark.Thread, name string, k kind) *builder {
	b := &builder{thread: t, name: name, kind: k, tree: &tree{Object: "html", depth: 1}}
	b.attrs.element, b.attrs.thread = strings.ToLower(name), t
	return b
}

// add adds what is passed as children.
func (b *builder) add(args starlark.Tuple) error {
	for _, v := range args {
		if d, ok := v.(starlark.IterableMapping); ok {
			if err := b.attrs.addAll(d); err != nil {
				return err
			}
			continue
		}
		if err := b.child(v); err != nil {
			return err
		}
	}
	return nil
}

// child adds one child, or the elements of a list.
func (b *builder) child(v starlark.Value) error {
	if b.work++; b.work%charged == 0 {
		if err := host.Charge(b.thread, 1); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil
	case starlark.Bool:
		if !v {
			return nil
		}
	case *tree:
		return b.element(v)
	case host.Markup:
		return b.markup(v.HTML())
	case starlark.Callable:
		return fmt.Errorf("a child is the function %s: call it", v.Name())
	case starlark.Iterable:
		return b.list(v)
	}
	s, ok := host.Octets(v)
	if !ok {
		switch v.(type) {
		case starlark.Int, starlark.Float, starlark.Bool:
			s = v.String()
		default:
			return fmt.Errorf("a child is %s, neither text nor a number, an element or a list",
				v.Type())
		}
	}
	switch b.kind {
	case void:
		return b.isVoid()
	case rawText:
		return b.noText()
	}
	if len(s) > maxSize {
		return errLarge
	}
	return b.text(escapeText(s))
}

func (b *builder) isVoid() error {
	return fmt.Errorf("<%s> has no children", b.name)
}

func (b *builder) noText() error {
	return fmt.Errorf("<%s> takes no text, which is not escaped there: html.raw(...) marks what "+
		"is trusted, html.json(value) writes data", b.name)
}

func (b *builder) list(v starlark.Iterable) error {
	if _, ok := v.(starlark.IterableMapping); ok {
		return errors.New("a list of children has a dict; attributes are passed by name")
	}
	if b.lists++; b.lists > maxLists {
		return fmt.Errorf("lists are nested more than %d deep", maxLists)
	}
	defer func() { b.lists-- }()
	it := v.Iterate()
	if it == nil {
		return fmt.Errorf("a child is %s, which cannot be iterated over", v.Type())
	}
	defer it.Done()
	var element starlark.Value
	for it.Next(&element) {
		if err := b.child(element); err != nil {
			return err
		}
	}
	return host.IterError(it)
}

// element adds an element.
func (b *builder) element(e *tree) error {
	switch {
	case b.kind == void:
		return b.isVoid()
	case b.kind == rawText, b.kind == textOnly:
		return fmt.Errorf("<%s> has no elements in it: they would be shown as text", b.name)
	}
	if err := b.grow(e.size); err != nil {
		return err
	}
	if b.tree.depth = max(b.tree.depth, e.depth+1); b.tree.depth > maxDepth {
		return fmt.Errorf("elements are nested more than %d deep", maxDepth)
	}
	b.tree.children = append(b.tree.children, part{tree: e})
	return nil
}

// markup adds HTML that is trusted.
func (b *builder) markup(s string) error {
	switch b.kind {
	case void:
		return b.isVoid()
	case textOnly: // character references are, tags are not
		s = tags.Replace(s)
	case rawText:
		lower := strings.ToLower(s)
		for _, ends := range []string{"</" + strings.ToLower(b.name), "<!--"} {
			if strings.Contains(lower, ends) {
				return fmt.Errorf("<%s> has %q in it, which is not what it seems: write it as %q",
					b.name, ends, `\x3c`+ends[1:])
			}
		}
	}
	return b.text(s)
}

var tags = strings.NewReplacer("<", "&lt;", ">", "&gt;")

// text adds what is escaped, to the text before it if there is one.
func (b *builder) text(s string) error {
	if err := b.grow(len(s)); err != nil {
		return err
	}
	all := &b.tree.children
	*all = append(*all, part{text: s})
	return nil
}

func (b *builder) grow(n int) error {
	if b.tree.size += n; b.tree.size > maxSize {
		return errLarge
	}
	return nil
}

// close ends the element, whose attributes are known.
func (b *builder) close() (*tree, error) {
	e := b.tree
	e.open = "<" + b.name + b.attrs.String() + ">"
	if (b.name == "textarea" || b.name == "pre") && len(e.children) > 0 {
		first := e.children[0].text
		if strings.HasPrefix(first, "\n") || strings.HasPrefix(first, "\r") {
			e.open += "\n" // a parser drops one
		}
	}
	if b.kind != void {
		e.end = "</" + b.name + ">"
	}
	return e, b.grow(len(e.open) + len(e.end))
}

// make is the function of an element.
func (k *known) make(
	t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	e, err := build(t, k.name, k.kind, args, kwargs)
	if err != nil {
		return nil, failed(fn.Name(), err)
	}
	return e, nil
}

func build(
	t *starlark.Thread, name string, k kind, args starlark.Tuple, kwargs []starlark.Tuple,
) (*tree, error) {
	b := newBuilder(t, name, k)
	if err := b.add(args); err != nil {
		return nil, err
	}
	for _, kv := range kwargs {
		name := attributeName(string(kv[0].(starlark.String)))
		if err := b.attrs.add(name, kv[1]); err != nil {
			return nil, err
		}
	}
	return b.close()
}

// failed is the error of a function, unless the call must end for it.
func failed(name string, err error) error {
	if host.Innermost(err) != nil || host.TimedOut(err) || host.CodeOf(err) != "" {
		return err
	}
	return environ.Misuse(fmt.Errorf("html.%s: %w", name, err))
}

// element is html.element(name, *children, **attributes).
func element(
	t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, failed("element", errors.New("name it: html.element(\"my-card\")"))
	}
	name, ok := starlark.AsString(args[0])
	if !ok {
		return nil, failed("element", fmt.Errorf("the name is %s, not a string", args[0].Type()))
	}
	k, err := kindOf(name)
	if err != nil {
		return nil, failed("element", err)
	}
	e, err := build(t, name, k, args[1:], kwargs)
	if err != nil {
		return nil, failed("element", err)
	}
	return e, nil
}

// fragment is html.fragment(*children).
func fragment(
	t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, failed("fragment", fmt.Errorf("it has no attribute %s", kwargs[0][0]))
	}
	b := newBuilder(t, "fragment", normal)
	err := b.add(args)
	if err == nil && b.attrs.b.Len() > 0 {
		err = errors.New("it has no attributes")
	}
	if err != nil {
		return nil, failed("fragment", err)
	}
	return b.tree, nil
}
