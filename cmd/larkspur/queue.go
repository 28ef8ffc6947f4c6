package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

func newQueue(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:        "queue",
		Short:      "List jobs that have failed, and have them done again",
		SuggestFor: []string{"jobs", "queues"},
		Long: `Queue looks at the queues of an application (@queue): those of larkspur dev, below
.larkspur, or those of --data or --nats, as they are given to serve, which may run meanwhile.

A job that has failed for good is kept for 30 days, with its error.`,
		Example: `  larkspur queue list
  larkspur queue list --data /var/lib/blog mails
  larkspur queue retry --data /var/lib/blog mails 3PEYLLRJQXXGVPGC
  larkspur queue drop --data /var/lib/blog mails --all`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("list, retry or drop")
		},
	}
	c.AddCommand(newQueueList(stdout), newQueueChange(stdout, "retry", "Have jobs that have failed done again",
		(*state.Grant).Retry), newQueueChange(stdout, "drop", "Forget jobs that have failed", (*state.Grant).Drop))
	return c
}

// A kept is where the state of an application is, of which there need not be a script.
type kept struct{ grants }

// open returns it.
func (k *kept) open() (*state.Grant, func(), error) {
	app, err := findApp(nil)
	if err != nil {
		return nil, nil, err
	}
	if app == nil && exists(site.DevDir) {
		app = site.Dir(".", "app.star") // dev was told of another script
	}
	if app == nil && k.data == "" && k.nats == "" && len(k.lines) == 0 {
		return nil, nil, fmt.Errorf("there is no app.star in this directory, nor .larkspur of larkspur dev: say where " +
			"the state is, with --data DIR or --nats URL")
	}
	if app == nil {
		app = tour()
	}
	granted, end, err := k.develop(app, nil)
	if err != nil {
		return nil, nil, err
	}
	return &granted.State, end, nil
}

func newQueueList(stdout io.Writer) *cobra.Command {
	var k kept
	c := &cobra.Command{
		Use:   "list [flags] [QUEUE]",
		Short: "List queues, or the jobs of one that have failed",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, end, err := k.open()
			if err != nil {
				return err
			}
			defer end()
			if len(args) == 0 {
				return listQueues(c.Context(), stdout, g)
			}
			dead, err := g.Dead(c.Context(), args[0])
			if err != nil {
				return runError{err}
			}
			for _, d := range dead {
				fmt.Fprintf(stdout, "%s  %s  attempts: %d\n  value: %s\n", d.ID,
					d.Time.UTC().Format("2006-01-02 15:04:05"), d.Attempts, host.Cut(string(d.Value)))
				text := d.Backtrace
				if text == "" {
					text = d.Error
				}
				fmt.Fprintf(stdout, "  %s\n", strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  "))
			}
			return nil
		},
	}
	k.flags(c)
	return c
}

// listQueues lists all queues.
func listQueues(ctx context.Context, stdout io.Writer, g *state.Grant) error {
	all, err := g.Queues(ctx)
	if err != nil {
		return runError{err}
	}
	if len(all) == 0 {
		fmt.Fprintln(stdout, "no jobs wait, and none have failed")
		return nil
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tWAITING\tFAILED")
	for _, q := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\n", q.Queue, q.Jobs, q.Dead)
	}
	return w.Flush()
}

func newQueueChange(stdout io.Writer, name, short string,
	change func(*state.Grant, context.Context, state.Dead) error) *cobra.Command {
	var k kept
	var every bool
	c := &cobra.Command{
		Use:   name + " [flags] QUEUE [JOB]...",
		Short: short,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if every == (len(args) > 1) {
				return fmt.Errorf("name the jobs, as larkspur queue list %s has them, or say --all", args[0])
			}
			g, end, err := k.open()
			if err != nil {
				return err
			}
			defer end()
			dead, err := g.Dead(c.Context(), args[0])
			if err != nil {
				return runError{err}
			}
			for _, id := range args[1:] {
				if !slices.ContainsFunc(dead, func(d state.Dead) bool { return d.ID == id }) {
					return runError{fmt.Errorf("the queue %s has no failed job %s", args[0], id)}
				}
			}
			n := 0
			for _, d := range dead {
				if !every && !slices.Contains(args[1:], d.ID) {
					continue
				}
				if err := change(g, c.Context(), d); err != nil {
					return runError{err}
				}
				n++
			}
			fmt.Fprintf(stdout, "jobs: %d\n", n)
			return nil
		},
	}
	k.flags(c)
	c.Flags().BoolVar(&every, "all", false, "all of the queue that have failed")
	return c
}
