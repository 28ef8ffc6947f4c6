package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/spf13/cobra"
)

// An application is what APP names: a tree, and the entry in it.
type application struct {
	tree  fs.FS
	dir   string // of the tree; "" if it is the tour, which is in the binary
	entry string
}

// findApp finds the application that the arguments name: FILE.star, FILE.star:CALLABLE, or a directory
// that holds app.star; without an argument, the current directory. It is nil if there is no
// argument and no app.star.
func findApp(args []string) (*application, error) {
	if len(args) == 0 {
		if !exists("app.star") {
			return nil, nil
		}
		return &application{runtime.Dir("."), ".", "app.star"}, nil
	}
	path, name, named := strings.Cut(args[0], ".star:")
	if named {
		path += ".star"
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, runError{fmt.Errorf("%s: there is no such file or directory", path)}
	case err != nil:
		return nil, runError{err}
	case info.IsDir() && !exists(filepath.Join(path, "app.star")):
		return nil, runError{fmt.Errorf("%s: the directory holds no app.star", path)}
	case info.IsDir():
		return &application{runtime.Dir(path), path, "app.star"}, nil
	case !strings.HasSuffix(path, ".star"):
		return nil, runError{fmt.Errorf("%s: the name of a script ends in .star", path)}
	}
	a := &application{runtime.Dir(filepath.Dir(path)), filepath.Dir(path), filepath.Base(path)}
	if named {
		a.entry += ":" + name
	}
	return a, nil
}

// needApp is findApp for a command that needs one.
func needApp(command string, args []string) (*application, error) {
	app, err := findApp(args)
	if app == nil && err == nil {
		err = fmt.Errorf("there is no app.star in this directory: name the script, as in larkspur %s blog.star", command)
	}
	return app, err
}

// tour is the application that is built in.
func tour() *application { return &application{tree: apps.FS, entry: "tour/app.star"} }

// exists reports whether path names something.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// path is where a file of the tree lies, as the user would name it.
func (a *application) path(file string) string {
	if a.dir == "" {
		return file
	}
	return filepath.Join(a.dir, filepath.FromSlash(file))
}

// config is how the application is loaded: the modules that a script may load are granted here.
func (a *application) config(l runtime.Limits, logger *slog.Logger) *runtime.Config {
	return &runtime.Config{
		FS:      a.tree,
		Modules: []*host.Module{http.Module(), body.Module(), static.Module()},
		Advice: func(_ string, m *host.Module) string {
			if m == nil {
				return "" // the list of those that there are says enough
			}
			return "larkspur does not grant it"
		},
		Limits: l,
		Logger: logger,
	}
}

// appHelp is what the help of a command says of its argument.
const appHelp = `APP is FILE.star, FILE.star:CALLABLE, or a directory that holds app.star; without one
it is the current directory.`

// completeApp completes an argument APP: scripts, and the directories on the way to them.
func completeApp(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"star"}, cobra.ShellCompDirectiveFilterFileExt
}
