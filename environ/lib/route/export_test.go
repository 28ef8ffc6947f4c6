package route

import "go.starlark.net/starlark"

// Find finds what a router answers a request with, as a dispatch does, for tests: the route and the
// texts of its parameters; the methods that the path has instead.
func Find(r *Router, method, path string) (found string, values, allow []string) {
	var few [maxParams]string
	s := search{method: method, path: path, values: few[:0]}
	if !s.find(&r.root, 1) {
		if s.missed != nil {
			allow = allowed(s.missed)
		}
		return "", nil, allow
	}
	return s.entry.String(), s.values, nil
}

// Match is Find without what it says, for benchmarks.
func Match(r *Router, method, path string) bool {
	var few [maxParams]string
	s := search{method: method, path: path, values: few[:0]}
	return s.find(&r.root, 1)
}

// ParsePattern parses a pattern and returns how many parameters it has.
func ParsePattern(text string) (names []string, err error) {
	p, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	return p.names, nil
}

// Elsewhere is where a path is redirected.
func Elsewhere(r *Router, script, path, method string) string {
	return r.elsewhere(script, path, method)
}

// Fill is the path that url_for makes of a pattern.
func Fill(text string, params map[string]starlark.Value) (string, error) {
	p, err := parsePattern(text)
	if err != nil {
		return "", err
	}
	return p.fill(params, new([]string))
}
