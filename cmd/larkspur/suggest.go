package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArgs is the Args of a command that has others: what is none of these may be a misspelt one.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	// cobra's: what is near, what begins so, and what a command lists as its SuggestFor.
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		meant = fmt.Sprintf("; did you mean %s %s?", c.CommandPath(), near[0])
	}
	return fmt.Errorf("there is no command %q%s", args[0], meant)
}

// suggestFlag adds to the error of a flag that there is none of which one may have been meant.
func suggestFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		name = short // -watch, with one dash
	}
	if name, _, _ = strings.Cut(name, "="); len(name) < 2 {
		return err
	}
	if near := spell.Nearest(name, names, 3); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	for _, known := range names {
		if strings.HasPrefix(known, name+"-") || strings.HasSuffix(known, "-"+name) {
			return fmt.Errorf("%w; did you mean --%s?", err, known)
		}
	}
	return err
}
