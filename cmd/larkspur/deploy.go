package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/spf13/cobra"
)

// A target is where applications are deployed to.
type target struct {
	to   string
	wait time.Duration
}

func (t *target) flags(c *cobra.Command) {
	c.Flags().StringVar(&t.to, "to", "",
		"where it is deployed to: the `URL` of servers of NATS, nats://HOST:PORT, as --nats of larkspur serve "+
			"has it, or the directory of --data")
}

func (t *target) waitFlag(c *cobra.Command) {
	t.wait = time.Minute
	c.Flags().Var((*display.Duration)(&t.wait), "wait", "how long nodes are waited for; what was begun goes on")
}

// open returns the store. The function closes it.
func (t *target) open(ctx context.Context) (*deploy.Store, func(), error) {
	if t.to == "" {
		return nil, nil, errors.New("say where with --to URL, as in --to nats://localhost:4222")
	}
	g, err := keptAt(t.to)
	if err != nil {
		return nil, nil, fmt.Errorf("--to: %w", err)
	}
	s, err := deploy.Open(ctx, g)
	if err != nil {
		g.Close()
		return nil, nil, runError{err}
	}
	return s, func() { g.Close() }, nil
}

func newDeploy(stdout io.Writer) *cobra.Command {
	var t target
	var key string
	c := &cobra.Command{
		Use:   "deploy [flags] DIR|FILE.zip APP",
		Short: "Have all nodes that serve an application take a new version up",
		Long: `Deploy puts all files of a directory, or of a .zip, that holds app.star where servers that were
started as larkspur serve nats://HOST:PORT/APP, or deployed:APP, follow it. Names that begin with a dot
are left out.

Each node loads it beside what serves. When it has loaded on all of them all serve it, between two
requests. If it does not load on one of them, that node and the line are said, and nothing changes.`,
		Example: `  larkspur deploy . --to nats://10.0.0.1:4222 blog
  larkspur deploy blog.zip --to /var/lib/blog --key deploy.pem blog`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := deploy.CheckName(args[1]); err != nil {
				return err
			}
			private, err := signingKey(key)
			if err != nil {
				return err
			}
			tree, err := readTree(args[0])
			if err != nil {
				return runError{err}
			}
			store, end, err := t.open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			d, err := store.Deploy(c.Context(), args[1], tree, private)
			if err != nil {
				return runError{err}
			}
			fmt.Fprintf(stdout, "deployment %d: files: %d, bytes: %d, tree: %.12s\n", d.Number, d.Files, d.Size, d.Digest)
			return t.await(c.Context(), stdout, store, args[1], d.Number)
		},
	}
	t.flags(c)
	t.waitFlag(c)
	c.Flags().StringVar(&key, "key", "",
		"`FILE` with a private key of Ed25519, in PEM, that signs it; larkspur serve --trust has the public one")
	return c
}

// readTree reads a directory or an archive.
func readTree(path string) (*deploy.Tree, error) {
	if strings.HasSuffix(path, ".zip") {
		return deploy.ReadZip(path)
	}
	return deploy.Pack(runtime.Dir(path))
}

// await waits for what becomes of a deployment, and says it.
func (t *target) await(ctx context.Context, stdout io.Writer, s *deploy.Store, app string, number int) error {
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	d, nodes, err := s.Wait(ctx, app, number)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && d != nil:
		return runError{fmt.Errorf("deployment %d is %s, and not all nodes are as far:%s", number, d.State, list(nodes))}
	case err != nil:
		return runError{err}
	case d.State == deploy.Stopped:
		return runError{fmt.Errorf("deployment %d is stopped, and what serves goes on: node %s: %s", number, d.Node, d.Error)}
	case d.State != deploy.Serving:
		return runError{fmt.Errorf("deployment %d is %s: another one came meanwhile", number, d.State)}
	}
	for _, n := range nodes {
		if n.Serving != number {
			return runError{fmt.Errorf("deployment %d serves, but not on all nodes:%s", number, list(nodes))}
		}
	}
	if len(nodes) == 0 {
		fmt.Fprintf(stdout, "deployment %d serves; no node runs that could try it\n", number)
		return nil
	}
	fmt.Fprintf(stdout, "deployment %d serves; nodes: %d\n", number, len(nodes))
	return nil
}

// list says how far nodes are.
func list(nodes []deploy.Status) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "\n  %s: serves %d", n.Node, n.Serving)
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
			r, err := store.Record(c.Context(), args[0])
			if err != nil {
				return runError{err}
			}
			nodes, err := store.Nodes(c.Context(), args[0])
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
		d := r.Deployments[i]
		signed, state := "no", d.State
		if len(d.Signature) > 0 {
			signed = "yes"
		}
		if d.Error != "" {
			state += ": node " + d.Node + ": " + d.Error
		}
		fmt.Fprintf(w, "%d\t%s\t%.12s\t%d\t%d\t%s\t%s\n", d.Number, d.Time.UTC().Format("2006-01-02 15:04:05"),
			d.Digest, d.Files, d.Size, signed, state)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "nodes: %d%s\n", len(nodes), list(nodes))
	return nil
}

func newRollback(stdout io.Writer) *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:   "rollback [flags] APP [NUMBER]",
		Short: "Have an earlier deployment serve again",
		Long: `Rollback has the deployment serve again that did so before the one that serves, or the one of the
number. It waits for no node: the deployment has been loaded before.`,
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
			store, end, err := t.open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			d, err := store.Rollback(c.Context(), args[0], number)
			if err != nil {
				return runError{err}
			}
			return t.await(c.Context(), stdout, store, args[0], d.Number)
		},
	}
	t.flags(c)
	t.waitFlag(c)
	return c
}
