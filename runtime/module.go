package runtime

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/json"
	"github.com/larkspur-web/larkspur/runtime/lib/math"
	"github.com/larkspur-web/larkspur/runtime/lib/structs"
	"github.com/larkspur-web/larkspur/runtime/lib/time"
	"github.com/larkspur-web/larkspur/runtime/spell"
)

// A catalog has the descriptions of the host modules that a program may load, or could if they were
// granted.
type catalog struct {
	config  *Config
	modules map[string]*host.Module
}

func newCatalog(c *Config) *catalog {
	all := &catalog{c, make(map[string]*host.Module)}
	standard := []*host.Module{json.Module(), math.Module(), structs.Module(), time.Module()}
	for _, m := range standard {
		all.modules[m.Name] = m
	}
	for _, m := range c.Modules {
		all.modules[m.Name] = m
	}
	return all
}

// Module returns the description of the module that load("@name") is of, nil if there is none.
// Whether it is granted is not asked.
func (c *Config) Module(name string) *host.Module { return newCatalog(c).modules[name] }

// Catalog returns the descriptions of all modules that there are for the program, granted or not,
// in the order of their names.
func (c *Config) Catalog() []*host.Module {
	all := slices.Collect(maps.Values(newCatalog(c).modules))
	slices.SortFunc(all, func(a, b *host.Module) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// find returns the module that load("@name") is of, or why there is none for this program.
func (c *catalog) find(name string) (*host.Module, error) {
	m := c.modules[name]
	switch {
	case m == nil:
		meant := ""
		if near := spell.Nearest(name, c.loadable(), 3); near != "" {
			meant = fmt.Sprintf(" (did you mean @%s?)", near)
		}
		return nil, fmt.Errorf("unknown module @%s%s; there are @%s%s",
			name, meant, strings.Join(c.loadable(), ", @"), c.advice(name, nil))
	case !c.granted(m):
		return nil, fmt.Errorf(
			"@%s is not granted; it needs %s%s", name, m.Grant, c.advice(name, m),
		)
	}
	return m, nil
}

// granted reports whether the program may load m.
func (c *catalog) granted(m *host.Module) bool {
	_, ok := c.config.Grants[m.Name]
	return ok || m.Grant == ""
}

// loadable are the names of what the program may load, in order.
func (c *catalog) loadable() []string {
	var names []string
	for name, m := range c.modules {
		if c.granted(m) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// advice says, in the words of whoever runs the program, how it may come to load a module.
func (c *catalog) advice(name string, m *host.Module) string {
	var text string
	switch {
	case c.config.Advice != nil:
		text = c.config.Advice(name, m)
	case m == nil:
		text = "others are added in runtime.Config.Modules"
	default:
		text = fmt.Sprintf("grant it in runtime.Config.Grants[%q]", name)
	}
	if text == "" {
		return ""
	}
	return "; " + text
}
