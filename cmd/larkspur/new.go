package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// starter is what a new application begins as, in the directory of that name.
//
//go:embed starter
var starter embed.FS

func newNew(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:        "new DIR",
		Short:      "Begin an application",
		SuggestFor: []string{"init", "create"},
		Long: `New makes the directory DIR with a small application that runs at once: a page, a form, a
static file, tests and a README. It refuses a directory that is not empty.`,
		Example: `  larkspur new blog && cd blog && larkspur test && larkspur dev`,
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) (
			[]string, cobra.ShellCompDirective,
		) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			made, err := begin(args[0])
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

// begin writes the starter to dir, which is made if it does not exist, and returns the files.
func begin(dir string) ([]string, error) {
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
	tree, err := fs.Sub(starter, "starter")
	if err != nil {
		return nil, err
	}
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
