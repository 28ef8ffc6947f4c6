package route

import (
	"slices"
	"strings"
)

// A node of the tree is what patterns have in common up to a slash. The tree is immutable once it is
// built, and each node is visited at most once for a path: what a client sends cannot make a match
// cost more than the routes are many.
type node struct {
	literals map[string]*node
	branches []branch // the most special first
	leaf     []*entry // routes that end here
	tail     []*entry // routes that end here with what is left of the path
	mount    *entry
}

// A branch is what follows a segment with parameters. Those of the same shape are one.
type branch struct {
	segment *segment
	next    *node
}

// insert adds an entry.
func (n *node) insert(e *entry) {
	for _, s := range e.pattern.segments {
		switch {
		case s.rank == nil:
			n = n.literal(s.literal)
		case s.only != nil && s.only.kind == kindPath:
			n.tail = append(n.tail, e)
			return
		default:
			n = n.branch(s)
		}
	}
	if e.mount != nil {
		n.mount = e
		return
	}
	n.leaf = append(n.leaf, e)
}

func (n *node) literal(text string) *node {
	if n.literals == nil {
		n.literals = make(map[string]*node)
	}
	next := n.literals[text]
	if next == nil {
		next = new(node)
		n.literals[text] = next
	}
	return next
}

func (n *node) branch(s *segment) *node {
	for _, b := range n.branches {
		if b.segment.same(s) {
			return b.next
		}
	}
	made := branch{s, new(node)}
	i, _ := slices.BinarySearchFunc(n.branches, s, func(b branch, s *segment) int {
		if c := b.segment.compare(s); c != 0 {
			return c
		}
		return -1 // behind its equals
	})
	n.branches = slices.Insert(n.branches, i, made)
	return made.next
}

// same reports whether two segments match the same, whatever the names are.
func (s *segment) same(other *segment) bool {
	return slices.EqualFunc(s.parts, other.parts, func(a, b part) bool {
		return (a.name == "") == (b.name == "") && a.text == b.text && a.kind == b.kind &&
			a.expression == b.expression
	})
}

// A search is one for the entry that takes a request. What it found is in it.
type search struct {
	method string
	path   string // PATH_INFO

	entry  *entry
	values []string // of the parameters
	at     int      // where in the path what a mount leaves begins

	missed [][]*entry // routes for the path that do not take the method, the most special first
}

// find looks below n, which is the node of what stands before path[i:], and reports whether it found
// an entry. An i behind the end says that nothing follows. The values of the way to n are in s.
//
// The most special goes first: text, then a segment with parameters by [segment.compare], then
// {x:path}, then a mount. What does not lead to an entry that takes the method is left for what is
// less special.
func (s *search) find(n *node, i int) bool {
	if i > len(s.path) {
		return s.take(n.leaf) || s.enter(n.mount, i)
	}
	end, next := len(s.path), len(s.path)+1
	if k := strings.IndexByte(s.path[i:], '/'); k >= 0 {
		end, next = i+k, i+k+1
	}
	text := s.path[i:end]
	if below := n.literals[text]; below != nil && s.find(below, next) {
		return true
	}
	for first := 0; first < len(n.branches); {
		last := first + 1
		for last < len(n.branches) &&
			n.branches[first].segment.compare(n.branches[last].segment) == 0 {
			last++
		}
		if s.follow(n.branches[first:last], text, next) {
			return true
		}
		first = last
	}
	if n.tail != nil && kindPath.matches(s.path[i:]) {
		kept := len(s.values)
		s.values = append(s.values, s.path[i:])
		if s.take(n.tail) {
			return true
		}
		s.values = s.values[:kept]
	}
	return s.enter(n.mount, i)
}

// follow goes into the branches whose segment matches text. They are equally special: where several
// lead to an entry, what follows decides.
func (s *search) follow(branches []branch, text string, next int) bool {
	kept := len(s.values)
	if len(branches) == 1 {
		values, ok := branches[0].segment.match(text, s.values)
		if s.values = values; ok && s.find(branches[0].next, next) {
			return true
		}
		s.values = s.values[:kept]
		return false
	}
	var best search
	for _, b := range branches {
		try := *s
		try.values = slices.Clone(s.values)
		values, ok := b.segment.match(text, try.values)
		if try.values = values; !ok {
			continue
		}
		if try.find(b.next, next) && (best.entry == nil || try.entry.before(best.entry)) {
			best = try
		}
		s.missed = try.missed
	}
	if best.entry == nil {
		return false
	}
	s.entry, s.values, s.at = best.entry, append(s.values, best.values[kept:]...), best.at
	return true
}

// take takes the entry that has the method.
func (s *search) take(routes []*entry) bool {
	if len(routes) == 0 {
		return false
	}
	if s.entry = choose(routes, s.method); s.entry != nil {
		return true
	}
	s.missed = append(s.missed, routes)
	return false
}

// enter takes a mount, behind whose prefix path[i:] stands.
func (s *search) enter(mount *entry, i int) bool {
	if mount == nil {
		return false
	}
	s.entry, s.at = mount, i-1
	return true
}

// choose returns the entry for a method: one that names it; for HEAD one that has GET, whose body
// the server drops; one for any.
func choose(routes []*entry, method string) *entry {
	var get, other *entry
	for _, e := range routes {
		for _, m := range e.methods {
			switch m {
			case method:
				return e
			case "GET":
				get = e
			case anyMethod:
				other = e
			}
		}
	}
	if method == "HEAD" && get != nil {
		return get
	}
	return other
}

// allowed are the methods of routes that take the same path, in order, with what is answered besides:
// HEAD where there is GET, and OPTIONS.
func allowed(all [][]*entry) []string {
	methods := []string{"OPTIONS"}
	for _, routes := range all {
		for _, e := range routes {
			methods = append(methods, e.methods...)
			if slices.Contains(e.methods, "GET") {
				methods = append(methods, "HEAD")
			}
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}
