package runtime

import "github.com/larkspur-web/larkspur/runtime/host"

// Check reports every fault of a program that it can find, none if there are none: files that do
// not parse, undefined names, loads of what does not exist, load cycles, and an entry that is
// missing, is not callable, or does not take two positional arguments (environ, start_response).
// Only if there is none of these in any file does it run the top level, as Load does, and reports
// what it ran into.
func Check(c *Config, entry string) host.Diagnostics {
	l := newLoader(c)
	name, names, err := splitEntry(entry)
	if err != nil {
		return host.Diagnostics{diagnoseFile(entry, err.Error())}
	}
	fsys, done, err := l.snapshot()
	if err != nil {
		return host.Diagnostics{diagnoseFile(name, err.Error())}
	}
	defer done()
	g := l.newGraph(fsys, name)
	g.survey()
	if len(g.faults) > 0 {
		if fault := g.declared(names); fault != nil {
			g.faults = append(g.faults, *fault)
			g.sort()
		}
		return g.faults
	}
	gen := newGeneration(l.config, 0)
	defer gen.retire()
	globals, err := l.run(g, gen)
	if err != nil {
		return diagnoseError(name, err)
	}
	app, fault := g.entry(names, globals[name])
	if fault == nil {
		fault = callable(app)
	}
	if fault != nil {
		return host.Diagnostics{*fault}
	}
	return nil
}
