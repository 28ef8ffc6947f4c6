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
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// findApp finds the application that the arguments name: FILE.star, FILE.star:CALLABLE, or a
// directory that holds app.star; without an argument, the current directory. It is nil if there is
// no argument and no app.star.
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
		return nil, runError{fmt.Errorf("%s: there is no such file or directory", path)}
	case err != nil:
		return nil, runError{err}
	case info.IsDir() && !exists(filepath.Join(path, "app.star")):
		return nil, runError{fmt.Errorf("%s: the directory holds no app.star", path)}
	case info.IsDir():
		return site.Dir(path, "app.star"), nil
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

// tour is the application that is built in.
func tour() *site.Application { return &site.Application{FS: apps.FS, Entry: "tour/app.star"} }

// exists reports whether path names something.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
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
