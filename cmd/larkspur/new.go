package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"github.com/spf13/cobra"
)

// starters are what a new application can begin as: directories of that one.
//
//go:embed starter
var starters embed.FS

// templates are the names of the starters, and what each of them is. The first is the usual one.
var templates = [...]struct{ name, about string }{
	{"page", "a page, a form, a static file"},
	{"api", "a JSON API"},
	{"site", "several pages in one layout, and a database"},
}

func newNew(stdout io.Writer) *cobra.Command {
	var template string
	c := &cobra.Command{
		Use:        "new [flags] DIR",
		Short:      "Begin an application",
		SuggestFor: []string{"init", "create"},
		Long: `New makes the directory DIR with a small application that runs at once, with tests and a
README. It refuses a directory that is not empty. With --template it is

  page   a page, a form, a static file; this is what it is without
  api    a JSON API
  site   several pages in one layout, the files that they use, and a guest book in a database`,
		Example: `  larkspur new blog && cd blog && larkspur test && larkspur dev
  larkspur new --template api shop`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) (
			[]string, cobra.ShellCompDirective,
		) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			tree, err := starterOf(template)
			if err != nil {
				return err
			}
			made, err := begin(args[0], tree)
			if err != nil {
				return runError{err}
			}
			for _, file := range made {
				fmt.Fprintln(stdout, file)
			}
			if args[0] != "." {
				fmt.Fprintf(stdout, "\nNext:\n\n    cd %s\n", quote(args[0]))
			} else {
				fmt.Fprintf(stdout, "\nNext:\n\n")
			}
			fmt.Fprint(stdout, "    larkspur test    run its tests\n"+
				"    larkspur dev     look at it in a browser, and change it\n")
			return nil
		},
	}
	c.Flags().StringVar(&template, "template", templates[0].name, "`NAME` of what it begins as: page, api or site")
	_ = c.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) (
		[]string, cobra.ShellCompDirective,
	) {
		var names []string
		for _, t := range templates {
			names = append(names, t.name+"\t"+t.about)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}) // the flag is there
	return c
}

// starterOf returns the files of a starter.
func starterOf(template string) (fs.FS, error) {
	var names []string
	for _, t := range templates {
		if t.name == template {
			return fs.Sub(starters, "starter/"+t.name)
		}
		names = append(names, t.name)
	}
	meant := ""
	if near := spell.Nearest(template, names, 2); near != "" {
		meant = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return nil, fmt.Errorf("there is no template %q%s; there are %s", template, meant, strings.Join(names, ", "))
}

// quote writes a path as a shell reads it.
func quote(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	special := func(r rune) bool {
		letter, digit := r|0x20 >= 'a' && r|0x20 <= 'z', r >= '0' && r <= '9'
		return r < 0x80 && !letter && !digit && !strings.ContainsRune("-_./", r)
	}
	if path != "" && strings.IndexFunc(path, special) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// begin writes a starter to dir, which is made if it does not exist, and returns the files.
func begin(dir string, tree fs.FS) ([]string, error) {
	there, err := os.ReadDir(dir)
	switch {
	case len(there) > 0:
		return nil, fmt.Errorf("%s: the directory is not empty", dir)
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var made []string
	err = fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
			return nil
		case d.IsDir():
			return root.Mkdir(path, 0o777)
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		made = append(made, path)
		return root.WriteFile(path, content, 0o666)
	})
	return made, err
}
