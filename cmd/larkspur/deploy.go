package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/spf13/cobra"
)

// A target is where applications are deployed to.
type target struct {
	to   string
	key  string
	wait time.Duration
}

func (t *target) flags(c *cobra.Command) {
	c.Flags().StringVar(&t.to, "to", "",
		"where it is deployed to: the `URL` of servers of NATS, nats://HOST:PORT, as --nats of larkspur serve "+
			"has it, or the directory of --data")
}

// signFlags are those of what changes what serves.
func (t *target) signFlags(c *cobra.Command) {
	t.wait = time.Minute
	c.Flags().Var((*display.Duration)(&t.wait), "wait", "how long nodes are waited for; what was begun goes on")
	c.Flags().StringVar(&t.key, "key", "",
		"`FILE` with a private key of Ed25519, in PEM, that signs it; larkspur serve --trust has the public one")
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

// rollout are the flags of how a tree is deployed.
type rollout struct {
	goOn   bool
	canary string
	watch  time.Duration
	errors string
	keep   int
}

func (r *rollout) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.canary, "canary", "",
		"`HOW` many nodes serve it first and are watched, before all do: 1, or a part of them, as in 10%")
	r.watch = 30 * time.Second
	c.Flags().Var((*display.Duration)(&r.watch), "watch",
		"how long the nodes of --canary have to be well; 0 is until --continue, or larkspur rollback")
	c.Flags().StringVar(&r.errors, "max-errors", "1%",
		"which `PART` of the requests of a node of --canary may fail; if more do, all go back")
	c.Flags().BoolVar(&r.goOn, "continue", false,
		"have all nodes serve what --canary has some serve, without waiting for the end of --watch")
	c.Flags().IntVar(&r.keep, "keep", deploy.DefaultKeep, "how many deployments of the application are kept")
}

// check finds what is wrong with the values together.
func (r *rollout) check(c *cobra.Command, args []string) error {
	changed := c.Flags().Changed
	switch {
	case r.goOn && len(args) != 1:
		return errors.New("--continue deploys nothing: name the application only")
	case r.goOn && (changed("canary") || changed("watch") || changed("max-errors") || changed("keep") || changed("key")):
		return errors.New("--continue is of what was deployed: of the other flags it has --to and --wait")
	case !r.goOn && len(args) != 2:
		return errors.New("name what is deployed, and the application, as in larkspur deploy --to URL . blog")
	case r.canary == "" && (changed("watch") || changed("max-errors")):
		return errors.New("--watch and --max-errors are of --canary")
	case r.watch < 0:
		return fmt.Errorf("--watch %v: 0 or more", r.watch)
	case r.keep < 1:
		return fmt.Errorf("--keep %d: 1 or more", r.keep)
	}
	return deploy.CheckName(args[len(args)-1])
}

// read returns what the flags say.
func (r *rollout) read(key string) (how deploy.Rollout, err error) {
	if r.canary != "" {
		if how.Canary, err = deploy.ParseCanary(r.canary); err != nil {
			return how, fmt.Errorf("--canary: %w", err)
		}
		percent, err := strconv.ParseFloat(strings.TrimSuffix(r.errors, "%"), 64)
		if err != nil || !(percent >= 0 && percent <= 100) {
			return how, fmt.Errorf("--max-errors %s: a part, as in 1%% or 0.5%%", r.errors)
		}
		how.Canary.Watch, how.Canary.Allowed = r.watch, percent/100
	}
	how.Keep = r.keep
	how.Key, err = signingKey(key)
	return how, err
}

func newDeploy(stdout io.Writer) *cobra.Command {
	var t target
	var r rollout
	c := &cobra.Command{
		Use:   "deploy [flags] DIR|FILE.zip APP",
		Short: "Have all nodes that serve an application take a new version up",
		Long: `Deploy puts all files of a directory, or of a .zip, that holds app.star where servers that were
started as larkspur serve nats://HOST:PORT/APP, or deployed:APP, follow it. Names that begin with a dot
are left out.

Each node loads it beside what serves. When it has loaded on all of them all serve it, between two
requests. If it does not load on one of them, that node and the line are said, and nothing changes.

With --canary some nodes serve it first, while the others go on with what they have. For the time of
--watch each of the first counts its requests. If more of one fail than --max-errors says (three, while
it is watched), or if one ends, all go back by themselves, and the node and the faults are said; else all
serve it. A request is answered by one version; a client whose requests come to several nodes may see
both meanwhile. The nodes do that among themselves, whether or not this command still waits for them.`,
		Example: `  larkspur deploy . --to nats://10.0.0.1:4222 blog
  larkspur deploy blog.zip --to /var/lib/blog --key deploy.pem blog
  larkspur deploy . --to nats://10.0.0.1:4222 --canary 10% --watch 5m blog
  larkspur deploy --continue --to nats://10.0.0.1:4222 blog`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.check(c, args); err != nil {
				return err
			}
			how, err := r.read(t.key)
			if err != nil {
				return err
			}
			app := args[len(args)-1]
			var tree *deploy.Tree
			if !r.goOn {
				if tree, err = readTree(args[0]); err != nil {
					return runError{err}
				}
			}
			store, end, err := t.open(c.Context())
			if err != nil {
				return err
			}
			defer end()
			var d *deploy.Deployment
			if r.goOn {
				d, err = store.Continue(c.Context(), app)
			} else {
				d, err = store.Deploy(c.Context(), app, tree, how)
			}
			if err != nil {
				return runError{err}
			}
			if !r.goOn {
				fmt.Fprintf(stdout, "deployment %d: files: %d, bytes: %d, tree: %.12s\n", d.Number, d.Files, d.Size, d.Digest)
			}
			return t.await(c.Context(), stdout, store, app, d)
		},
	}
	t.flags(c)
	t.signFlags(c)
	r.flags(c)
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
func (t *target) await(
	ctx context.Context, stdout io.Writer, s *deploy.Store, app string, d *deploy.Deployment,
) error {
	o, err := t.once(ctx, s, app, d.Number, true)
	if err != nil {
		return err
	}
	if o.State == deploy.Trying {
		fmt.Fprintf(stdout, "deployment %d is tried by %s\n", o.Number, tries(&o.Deployment, len(o.Nodes)))
		if o.Canary.Watch == 0 {
			fmt.Fprintln(stdout, "go on with larkspur deploy --continue, or back with larkspur rollback")
			return nil
		}
		wait := *t
		wait.wait += o.Canary.Watch
		if o, err = wait.once(ctx, s, app, d.Number, false); err != nil {
			return err
		}
	}
	for _, name := range o.Gone {
		fmt.Fprintf(stdout, "node %s has ended meanwhile, and was not waited for\n", name)
	}
	if err := failure(o); err != nil {
		return runError{err}
	}
	if len(o.Nodes) == 0 {
		fmt.Fprintf(stdout, "deployment %d serves; no node runs that could try it\n", o.Number)
		return nil
	}
	fmt.Fprintf(stdout, "deployment %d serves; nodes: %d\n", o.Number, len(o.Nodes))
	return nil
}

// once waits once.
func (t *target) once(
	ctx context.Context, s *deploy.Store, app string, number int, tried bool,
) (*deploy.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	o, err := s.Wait(ctx, app, number, tried)
	switch {
	case err == nil, errors.Is(err, context.DeadlineExceeded) && o != nil && o.Ended():
		return o, nil // of what has ended the reason is told, though a node may still serve it
	case errors.Is(err, context.DeadlineExceeded) && o != nil:
		err = fmt.Errorf("deployment %d is %s, and not all nodes are as far after %v; it goes on:%s",
			number, o.State, t.wait, list(o.Nodes))
	}
	return nil, runError{err}
}

// failure says why a deployment does not serve, or not everywhere.
func failure(o *deploy.Outcome) error {
	switch {
	case o.State == deploy.Stopped, o.State == deploy.Back && o.Node != "":
		return fmt.Errorf("deployment %d is %s, and what served goes on: node %s: %s%s",
			o.Number, o.State, o.Node, o.Error, faults(o.Faults))
	case o.State == deploy.Back:
		return fmt.Errorf("deployment %d is %s: somebody has said so", o.Number, o.State)
	case o.State != deploy.Serving:
		return fmt.Errorf("deployment %d is %s: another one came meanwhile", o.Number, o.State)
	}
	for _, n := range o.Nodes {
		if n.Serving != o.Number {
			return fmt.Errorf("deployment %d serves, but not on all nodes:%s", o.Number, list(o.Nodes))
		}
	}
	return nil
}
