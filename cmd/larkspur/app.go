package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// findApp finds the application that the arguments name: FILE.star, FILE.star:CALLABLE, a directory
// that holds app.star, or, where no file has that name, one that is built in; without an argument,
// the current directory. It is nil if there is no argument and no app.star.
func findApp(args []string) (*site.Application, error) {
	if len(args) == 0 {
		if !exists("app.star") {
			return nil, nil
		}
		return site.Dir(".", "app.star"), nil
	}
	path, name, named := strings.Cut(args[0], ".star:")
	if named {
		path += ".star"
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return builtIn(path)
	case err != nil:
		return nil, runError{err}
	case info.IsDir() && !exists(filepath.Join(path, "app.star")):
		return nil, runError{fmt.Errorf("%s: the directory holds no app.star", path)}
	case info.IsDir():
		return site.Dir(path, "app.star"), nil
	case strings.HasSuffix(path, ".zip"):
		if _, err := deploy.ReadZip(path); err != nil {
			return nil, runError{err}
		}
		return &site.Application{FS: deploy.NewZip(path), Entry: "app.star"}, nil
	case !strings.HasSuffix(path, ".star"):
		return nil, runError{fmt.Errorf("%s: the name of a script ends in .star", path)}
	}
	a := site.Dir(filepath.Dir(path), filepath.Base(path))
	if named {
		a.Entry += ":" + name
	}
	return a, nil
}

// needApp is findApp for a command that needs one.
func needApp(command string, args []string) (*site.Application, error) {
	app, err := findApp(args)
	if app == nil && err == nil {
		if err = beside(command); err == nil {
			err = fmt.Errorf("there is no app.star in this directory: name the script, as in larkspur "+
				"%s blog.star", command)
		}
	}
	return app, err
}

// beside returns, where there is no app.star, an error that names the scripts which may be meant
// instead, nil if there are none.
func beside(command string) error {
	names, _ := filepath.Glob("*.star") // the pattern is right
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, "_test.star")
	})
	switch len(names) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("there is no app.star in this directory, but %s: write larkspur %s %s",
			names[0], command, names[0])
	}
	return fmt.Errorf("there is no app.star in this directory, but %d other scripts: name one, as in "+
		"larkspur %s %s", len(names), command, names[0])
}

// tour is the application that is built in, where no other is asked for.
func tour() *site.Application { return &site.Application{FS: apps.FS, Entry: "tour/app.star"} }

// builtIn returns the application that is built in by that name.
func builtIn(name string) (*site.Application, error) {
	var names []string
	for _, a := range apps.List() {
		if a.Name != name {
			names = append(names, a.Name)
			continue
		}
		// They load where no server may be asked, and do without; a flag grants more.
		nowhere := &fetch.Grant{Advice: func(host string) string { return "start it with --grant fetch=" + host }}
		app := &site.Application{FS: apps.FS, Entry: a.Entry, Grants: map[string]any{"fetch": nowhere}}
		if name == "mock" && exists(description) {
			app.FS, app.Dir = described{apps.FS, runtime.Dir(".")}, "."
		}
		return app, nil
	}
	err := fmt.Errorf("%s: there is no such file or directory", name)
	if strings.ContainsAny(name, `/\.`) {
		return nil, runError{err} // the name of a file, whatever it is like
	}
	if near := spell.Nearest(name, names, 3); near != "" {
		return nil, runError{fmt.Errorf("%w, and nothing of this name is built in; did you mean %s?",
			err, near)}
	}
	return nil, runError{fmt.Errorf("%w; built in are %s", err, strings.Join(names, ", "))}
}

// description is the file by which a user says what the mock that is built in answers.
const description = "mock.json"

// described is the tree of the mock with the description of somebody else in it.
type described struct{ mock, user fs.FS }

func (d described) Open(name string) (fs.File, error) {
	if name == description {
		return d.user.Open(name)
	}
	return d.mock.Open(name)
}

// exists reports whether path names something.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// appHelp is what the help of a command says of its argument.
const appHelp = `APP is FILE.star, FILE.star:CALLABLE, or a directory that holds app.star; without one
it is the current directory. Where no file has its name it may be one that is built in, as
httpbin: larkspur dev --help lists them.`

// builtInHelp lists the applications that are built in.
func builtInHelp() string {
	var b strings.Builder
	for _, a := range apps.List() {
		fmt.Fprintf(&b, "\n  %-9s %s", a.Name, a.About)
	}
	return b.String()
}

// completeApp completes an argument APP: scripts, and the directories on the way to them.
func completeApp(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"star"}, cobra.ShellCompDirectiveFilterFileExt
}
