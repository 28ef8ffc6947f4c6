package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/format"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

func newFormat(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	f := formatter{stdout: stdout, stderr: stderr}
	c := &cobra.Command{
		Use:        "fmt [flags] [PATH]...",
		Short:      "Lay out scripts in one style",
		SuggestFor: []string{"format"},
		Long: `Fmt lays out scripts in one style: four spaces a level, a statement a line, spaces
around operators, double quotes. It keeps the lines that the author made, and
never changes what a script means: it compares the syntax trees and the comments.

Without a flag it prints the formatted scripts. PATH is a script or a directory, of
which it takes every .star file; not those in directories named testdata, or with a
dot in front. Without one it formats what comes on standard input.

It exits 1 if a script cannot be formatted, or if -l or -d, without -w, finds one that
is not.`,
		Example: `  larkspur fmt -w .               format all scripts below this directory
  larkspur fmt -d blog.star       show what it would change
  larkspur fmt -l .               list what is not formatted; exit 1 if anything is
  larkspur fmt < in.star > out.star`,
		ValidArgsFunction: func(*cobra.Command, []string, string) (
			[]string, cobra.ShellCompDirective,
		) {
			return []string{"star"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				if f.write {
					return errors.New(
						"-w needs a PATH: what is on standard input cannot be written back")
				}
				src, err := io.ReadAll(stdin)
				if err != nil {
					return runError{err}
				}
				f.format("<stdin>", src)
			}
			for _, path := range args {
				f.walk(path)
			}
			if f.failed || f.differs && (f.list || f.diff) && !f.write {
				return errFound
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&f.diff, "diff", "d", false, "print differences instead of scripts")
	c.Flags().BoolVarP(&f.list, "list", "l", false,
		"print the names of scripts that are not formatted instead of scripts")
	c.Flags().BoolVarP(&f.write, "write", "w", false, "write scripts back instead of printing them")
	return c
}

// A formatter formats files one after the other.
type formatter struct {
	stdout, stderr    io.Writer
	diff, list, write bool

	failed  bool // a file could not be formatted
	differs bool // one was not formatted
}

func (f *formatter) fail(err error) {
	f.failed = true
	fmt.Fprintf(f.stderr, "larkspur: %v\n", err)
}

// walk formats a file, or the scripts of a directory.
func (f *formatter) walk(root string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.fail(err)
		case d.IsDir():
			if path != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
		case path == root || strings.HasSuffix(path, ".star") && d.Type().IsRegular():
			src, err := os.ReadFile(path)
			if err != nil {
				f.fail(err)
				return nil
			}
			f.format(path, src)
		}
		return nil
	})
	if err != nil {
		f.fail(err)
	}
}

func (f *formatter) format(name string, src []byte) {
	out, err := format.Source(name, src)
	if err != nil {
		f.fail(err)
		return
	}
	differs := !bytes.Equal(src, out)
	f.differs = f.differs || differs
	if f.list && differs {
		fmt.Fprintln(f.stdout, name)
	}
	if f.diff && differs {
		_, _ = f.stdout.Write(diff.Diff(name+".orig", src, name, out)) // as any print
	}
	if f.write && differs {
		if err := replace(name, out); err != nil {
			f.fail(err)
		}
	}
	if !f.list && !f.diff && !f.write {
		_, _ = f.stdout.Write(out)
	}
}

// replace puts content in the place of a file, or makes one: whoever reads it meanwhile, or if it
// fails, has the old one whole.
func replace(path string, content []byte) error {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	switch info, err := os.Stat(path); {
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	err = errors.Join(err, t.Chmod(mode), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}
