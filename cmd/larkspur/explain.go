package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/spf13/cobra"
)

func newExplain(stdout, stderr io.Writer) *cobra.Command {
	var d dry
	c := &cobra.Command{
		Use:   "explain [flags] URL-or-PATH [APP]",
		Short: "Show what would be pushed with a page, and why the rest would not",
		Long: `Explain asks the application for a page, as the first that a client sees on its
connection, and prints what is decided about each resource that a call, a Link field, an
early hint or the map brings up: what becomes of it, where it comes from, and why. Nothing
is sent: no server is needed.

Without APP it is the application of the current directory; where no script is, it is the
tour that is built in, as for dev.

The statuses are promised (an HTTP/2 push), hinted (a 103), linked (the Link field is
left to tell it) and skipped.`,
		Example: "  larkspur push explain / blog.star\n" +
			"  larkspur push explain --hints --push-map site.push https://example.com/blog/ blog.star",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := d.load("push explain "+args[0], args[1:], stderr); err != nil {
				return err
			}
			defer d.end()
			t, err := d.ask(args[0])
			if err != nil {
				return err
			}
			return t.explain(stdout)
		},
	}
	d.flags(c)
	c.Flags().BoolVar(&d.refuses, "hints", false,
		"for a client that takes no pushes, as browsers are")
	return c
}

// explain prints what was decided, in columns.
func (t *trial) explain(w io.Writer) error {
	fmt.Fprintf(w, "GET %s: %d, %d bytes\n", t.page.RequestURI, t.Status, t.Body)
	if len(t.verdicts) == 0 {
		fmt.Fprintln(w, "nothing comes up that could be pushed")
		return nil
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range t.verdicts {
		why := string(v.Reason)
		if v.Detail != "" {
			if why != "" {
				why += ": "
			}
			why += v.Detail
		}
		if v.Status == push.Linked {
			why = "the client takes no pushes"
		}
		if v.Status == push.Promised {
			why = fmt.Sprintf("%d bytes", v.Bytes)
			if v.Critical {
				why += ", before the page"
			}
		}
		target := v.Target
		if v.Method != "" {
			target = v.Method + " " + target
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", v.Status, display.Escape(target), v.Source, why)
	}
	return columns.Flush()
}
