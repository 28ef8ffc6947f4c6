package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

// following are the flags of a server that takes up what is deployed.
type following struct {
	trust []string

	kept *state.Grant // of its own; nil if there is none
}

// close ends what was opened.
func (f *following) close() {
	if f.kept != nil {
		f.kept.Close()
	}
}

func (f *following) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.trust, "trust", nil,
		"`FILE` with a public key of Ed25519, in PEM: what is deployed is loaded only if its key, or "+
			"that of another --trust, has signed it")
}

// A deployed application is one that is named by where it was put.
type deployed struct {
	url string // empty for where the state is kept
	app string
}

// whereDeployed returns what the argument says of an application that was deployed, nil if it names
// another one.
func whereDeployed(args []string) (*deployed, error) {
	if len(args) == 0 {
		return nil, nil
	}
	if app, ok := strings.CutPrefix(args[0], "deployed:"); ok {
		return &deployed{app: app}, deploy.CheckName(app)
	}
	if !isURL(args[0]) {
		return nil, nil
	}
	where, query, more := strings.Cut(args[0], "?")
	i := strings.LastIndexByte(where, '/')
	d := &deployed{where[:i], where[i+1:]}
	if strings.HasSuffix(d.url, "/") {
		return nil, errors.New("name the application behind the URL, as in nats://HOST:PORT/NAME")
	}
	if more {
		d.url += "?" + query
	}
	return d, deploy.CheckName(d.app)
}

// isURL reports whether an argument is the URL of servers of NATS.
func isURL(arg string) bool {
	return strings.HasPrefix(arg, "nats://") || strings.HasPrefix(arg, "tls://")
}

// follow returns the application that was deployed, which goes with what is deployed later.
func (s *serving) follow(
	ctx context.Context, from *deployed, granted *grant.Set, sessions string,
) (*site.Application, error) {
	node := &deploy.Node{App: from.app}
	if s.data != "" {
		node.Memory = filepath.Join(s.data, "deployed-"+from.app)
	}
	for _, file := range s.trust {
		key, err := deploy.ReadTrusted(file)
		if err != nil {
			return nil, runError{fmt.Errorf("--trust: %w", err)}
		}
		node.Trust = append(node.Trust, key)
	}
	keeps := &granted.State
	if from.url != "" {
		var err error
		if keeps, err = keptAt(from.url); err != nil {
			return nil, err
		}
		keeps.Logger, s.kept = granted.State.Logger, keeps
	}
	if !keeps.Granted() {
		return nil, fmt.Errorf("deployed:%s: say where it was deployed to, with --data, --nats or --cluster", from.app)
	}
	tree, err := node.First(ctx, keeps)
	if err != nil {
		return nil, runError{err}
	}
	app := &site.Application{FS: tree, Source: node, Entry: "app.star"}
	grantSecret(app, &deployedSecret{
		serveSecret: serveSecret{s.data, sessions}, node: node, logger: granted.State.Logger})
	return app, nil
}

// zip reports whether the application is an archive, and has it be followed if it is to be watched.
func (s *serving) zip(app *site.Application) bool {
	z, ok := app.FS.(*deploy.Zip)
	if ok && s.watch {
		app.Source = z
	}
	return ok
}

// keptAt is what is kept by servers of NATS, or in the directory of --data.
func keptAt(where string) (*state.Grant, error) {
	if !isURL(where) {
		return &state.Grant{Dir: filepath.Join(where, "state")}, nil
	}
	s := new(grant.Set)
	if err := s.KeepAt(where); err != nil {
		return nil, err
	}
	return &s.State, nil
}

// signingKey reads the key that signs; nil if no file is named.
func signingKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		return nil, nil
	}
	key, err := deploy.ReadKey(file)
	if err != nil {
		return nil, runError{fmt.Errorf("--key: %w", err)}
	}
	return key, nil
}
