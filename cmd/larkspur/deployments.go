package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/spf13/cobra"
)

// tries says which of so many nodes try a deployment.
func tries(d *deploy.Deployment, nodes int) string {
	names := slices.Sorted(maps.Values(d.Tries))
	return fmt.Sprintf("%d of %d nodes: %s", len(names), nodes, strings.Join(names, ", "))
}

// faults lists what went wrong with requests.
func faults(all []deploy.Fault) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "\n  count: %d, status: %d", f.Count, f.Status)
		if f.Code != "" {
			b.WriteString(", code: " + f.Code)
		}
		if f.Place != "" {
			b.WriteString(", at " + f.Place)
		}
	}
	return b.String()
}

// list says how far nodes are.
func list(nodes []deploy.Status) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "\n  %s: serves %d", n.Node, n.Serving)
		if n.Requests != 0 {
			fmt.Fprintf(&b, ", requests: %d, failed: %d", n.Requests, n.Errors)
		}
		if n.Loaded != 0 {
			fmt.Fprintf(&b, ", has loaded %d", n.Loaded)
		}
		if n.Failed != 0 {
			fmt.Fprintf(&b, ", could not load %d: %s", n.Failed, n.Error)
		}
	}
	return b.String()
}

func newDeployments(stdout io.Writer) *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:     "deployments [flags] APP",
		Short:   "List the last versions that were deployed, and the nodes that serve",
		Example: `  larkspur deployments --to nats://10.0.0.1:4222 blog`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := deploy.CheckName(args[0]); err != nil {
				return err
			}
			store, end, err := t.open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			r, nodes, err := store.Look(c.Context(), args[0])
			if err != nil {
				return runError{err}
			}
			return printRecord(stdout, r, nodes)
		},
	}
	t.flags(c)
	return c
}

// printRecord lists deployments, the newest first, and nodes.
func printRecord(stdout io.Writer, r *deploy.Record, nodes []deploy.Status) error {
	if len(r.Deployments) == 0 {
		fmt.Fprintln(stdout, "nothing was deployed")
		return nil
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tTIME\tTREE\tFILES\tBYTES\tSIGNED\tSTATE")
	for i := len(r.Deployments) - 1; i >= 0; i-- {
		d := &r.Deployments[i]
		signed := "no"
		if len(d.Signature) > 0 {
			signed = "yes"
		}
		fmt.Fprintf(w, "%d\t%s\t%.12s\t%d\t%d\t%s\t%s\n", d.Number, d.Time.UTC().Format(time.DateTime),
			d.Digest, d.Files, d.Size, signed, stateOf(d, len(nodes)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "nodes: %d%s\n", len(nodes), list(nodes))
	return nil
}

// stateOf is the state of a deployment, with what belongs to it.
func stateOf(d *deploy.Deployment, nodes int) string {
	state := d.State
	if d.State == deploy.Trying {
		state += " on " + tries(d, nodes) + ", since " + d.Since.UTC().Format(time.DateTime)
	}
	if d.Again != 0 {
		state += fmt.Sprintf(": the tree of %d", d.Again)
	}
	if d.Error != "" {
		state += ": node " + d.Node + ": " + d.Error
	}
	return state + strings.ReplaceAll(faults(d.Faults), "\n ", ";")
}

func newRollback(stdout io.Writer) *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:   "rollback [flags] APP [NUMBER]",
		Short: "Have what served before serve again",
		Long: `Rollback ends the deployment that waits, or that --canary has some nodes serve: what serves goes on.
If there is none, or with a number, it deploys the files of an earlier deployment again, those of the one
that served before the one that does, or of the number. As that was loaded before, one node is waited for.`,
		Example: `  larkspur rollback --to nats://10.0.0.1:4222 blog`,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			number := 0
			if len(args) > 1 {
				var err error
				if number, err = strconv.Atoi(args[1]); err != nil || number < 1 {
					return fmt.Errorf("%s is no number of a deployment: larkspur deployments lists them", args[1])
				}
			}
			if err := deploy.CheckName(args[0]); err != nil {
				return err
			}
			key, err := signingKey(t.key)
			if err != nil {
				return err
			}
			store, end, err := t.open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			d, err := store.Rollback(c.Context(), args[0], number, key)
			if err != nil {
				return runError{err}
			}
			if d.Again != 0 {
				fmt.Fprintf(stdout, "deployment %d: the tree of %d\n", d.Number, d.Again)
			}
			return t.await(c.Context(), stdout, store, args[0], d)
		},
	}
	t.flags(c)
	t.signFlags(c)
	return c
}
