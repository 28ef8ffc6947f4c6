package lint

import (
	"maps"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// unused warns about names that nothing uses. A name that begins with _ says that it is not meant
// to be, unless it is a global, which it makes private to its file, or loaded.
func (c *checker) unused() {
	for _, b := range c.order {
		name := b.id.Name
		if v := variable(b.id); v != b.id || len(c.uses[v]) > 0 {
			continue
		}
		quiet := strings.HasPrefix(name, "_")
		global := scope(b.id) == resolve.Global
		switch {
		case b.how == loaded:
			c.warn(b.id.NamePos, "%s is loaded, but not used", name)
		case global && (!quiet || name == "_" || b.how == unpacked):
		case global:
			c.warn(b.id.NamePos, "%s is not used, and no other file can load it", name)
		case quiet:
		case b.how == assigned:
			c.warn(b.id.NamePos, "%s is assigned, but not used", name)
		case b.how == defined:
			c.warn(b.id.NamePos, "%s is defined, but not used", name)
		case b.how == parameter && c.free(b.def):
			c.warn(b.id.NamePos, "the parameter %s of %s is not used", name, b.def.Name.Name)
		}
	}
}

// free reports whether the parameters of a function are its author's to choose: nothing but calls
// in the file use it.
func (c *checker) free(def *syntax.DefStmt) bool {
	private := scope(def.Name) != resolve.Global || strings.HasPrefix(def.Name.Name, "_")
	if !private || c.function(def.Name) != def {
		return false
	}
	uses := c.uses[variable(def.Name)]
	for _, id := range uses {
		if !c.called[id] {
			return false
		}
	}
	return len(uses) > 0
}

// shadows warns about names that hide a builtin, and names in a function that hide one from around
// it where that is not the custom: a parameter, a function or the variable of a loop may be called
// what another is, but an assignment may have been meant for the other, and what was loaded was
// loaded to be used.
func (c *checker) shadows(f *syntax.File) {
	outer := make(map[string]binder)
	whole := wholes(f)
	for _, b := range c.order {
		if variable(b.id) != b.id {
			continue
		}
		if c.rules.Builtin != nil && c.rules.Builtin(b.id.Name) && !whole[b.id] {
			c.warn(b.id.NamePos, "%s hides the builtin of that name", b.id.Name)
		}
		if scope(b.id) == resolve.Global || b.how == loaded {
			outer[b.id.Name] = b
		}
	}
	for _, stmt := range f.Stmts {
		c.hide(stmt, outer)
	}
}

// wholes are the names of what the file loads from a host module of the same name. If that is also
// the name of a builtin, the author knows it: there is no other name for both.
func wholes(f *syntax.File) map[*syntax.Ident]bool {
	all := make(map[*syntax.Ident]bool)
	for _, stmt := range f.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			for i, to := range load.To {
				all[to] = load.ModuleName() == "@"+to.Name && load.From[i].Name == to.Name
			}
		}
	}
	return all
}

// hide looks for functions in n, around which are the names of outer.
func (c *checker) hide(n syntax.Node, outer map[string]binder) {
	syntax.Walk(n, func(n syntax.Node) bool {
		def, ok := n.(*syntax.DefStmt)
		if !ok {
			return true
		}
		fn, ok := def.Function.(*resolve.Function)
		if !ok {
			return false
		}
		inner := maps.Clone(outer)
		for _, local := range fn.Locals {
			id := local.First
			if len(c.binds[id]) == 0 {
				continue
			}
			b := c.binds[id][0]
			hidden, ok := outer[id.Name]
			meant := b.how == assigned && hidden.how != parameter && hidden.how != unpacked
			if ok && (meant || hidden.how == loaded && b.how != parameter) {
				c.warn(id.NamePos, "%s hides the one of line %d", id.Name, hidden.id.NamePos.Line)
			}
			inner[id.Name] = b
		}
		for _, stmt := range def.Body {
			c.hide(stmt, inner)
		}
		return false
	})
}
