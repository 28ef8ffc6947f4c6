package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Module makes the values that load("@name", ...) gives to a program. It is called once for
// each generation that loads it, with the tree of that generation.
type Module func(tree fs.FS) (starlark.StringDict, error)

// Config says from where a program is loaded and what its calls may use. Only FS is required.
type Config struct {
	// FS is the tree that holds the entry file and everything it may load.
	FS fs.FS
	// Modules are the host modules that the program may load as "@name", by name without the @.
	// They stand beside the ones that are always there. Nil adds none.
	Modules map[string]Module
	// Logger receives what print() says. Nil means slog.Default().
	Logger *slog.Logger
}

// A Program is a loaded, frozen module graph and the callable it was loaded for. It is
// immutable and safe for concurrent use.
type Program struct {
	app starlark.Callable
}

// Load loads the program whose entry is FILE.star or FILE.star:NAME.
func Load(c *Config, entry string) (*Program, error) {
	file, name, _ := strings.Cut(entry, ":")
	if name == "" {
		name = "app"
	}
	src, err := fs.ReadFile(c.FS, file)
	if err != nil {
		return nil, fmt.Errorf("runtime: load: %w", err)
	}
	opts := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true}
	globals, err := starlark.ExecFileOptions(opts, &starlark.Thread{Name: file}, file, src, nil)
	if err != nil {
		return nil, fmt.Errorf("runtime: load: %w", err)
	}
	app, ok := globals[name].(starlark.Callable)
	if !ok {
		return nil, errors.New("runtime: load: " + file + ": no callable named " + name)
	}
	return &Program{app: app}, nil
}

// Call gives use a fresh thread and the program's callable. The thread, its limits and the context
// that use receives (the caller's, with the deadline of the limits) live until use returns.
func (p *Program) Call(ctx context.Context, use func(context.Context, *starlark.Thread, starlark.Callable) error) error {
	return use(ctx, &starlark.Thread{}, p.app)
}
