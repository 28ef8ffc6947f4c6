package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/server/site"
)

// secretVariable is the variable of the environment that has the secrets of sessions, with blanks
// between them.
const secretVariable = "LARKSPUR_SECRET"

// secretFile is the name of the file that keeps one.
const secretFile = "session-secret"

// grantSecret has the application find the secrets of its sessions at k.
func grantSecret(app *site.Application, k session.Keeper) {
	if app.Grants == nil {
		app.Grants = make(map[string]any)
	}
	app.Grants[session.Name] = k
}

// variable returns the secrets of the environment, none if there are none.
func variable() ([]string, error) {
	secrets := strings.Fields(os.Getenv(secretVariable))
	if len(secrets) == 0 {
		return nil, nil
	}
	if err := session.Check(secrets); err != nil {
		return nil, fmt.Errorf("%s: %w", secretVariable, err)
	}
	return secrets, nil
}

// A serveSecret is the keeper of serve: the environment, or else what the nodes of a cluster share, or
// else a file in the directory of --data.
type serveSecret struct{ data, cluster string }

var errNoSecret = errors.New("there is no secret to encrypt sessions by: start larkspur serve " +
	"with --data DIR, where it keeps one, or with the variable " + secretVariable + " in its " +
	"environment; or write sessions(app, secret = ...)")

func (s serveSecret) Secrets() ([]string, error) {
	secrets, err := variable()
	switch {
	case err != nil || secrets != nil:
		return secrets, err
	case s.cluster != "":
		return []string{s.cluster}, nil
	case s.data == "":
		return nil, errNoSecret
	}
	return site.SecretFile{Path: filepath.Join(s.data, secretFile)}.Secrets()
}

// A deployedSecret is the keeper of a server that takes up what is deployed. Its sessions are those of all nodes:
// without a secret of the environment or of a cluster, they share one in the store. Where keys are trusted, and
// not who can write to the store, it is none of those who can read it, so that the node has one of its own.
type deployedSecret struct {
	serveSecret
	node   *deploy.Node
	logger *slog.Logger

	mu   sync.Mutex
	kept []string // nil until the store was asked
}

var errOwnSecret = errors.New("there is no secret to encrypt sessions by: with --trust none is taken from where it " +
	"was deployed to, so have the variable " + secretVariable + " be the same for all nodes; or write " +
	"sessions(app, secret = ...)")

func (s *deployedSecret) Secrets() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets, err := variable()
	switch {
	case err != nil || secrets != nil || s.cluster != "":
		return s.serveSecret.Secrets()
	case s.kept != nil:
		return s.kept, nil
	case len(s.node.Trust) > 0 && s.data == "":
		return nil, errOwnSecret
	case len(s.node.Trust) > 0:
		s.logger.Warn("with --trust sessions are this node's own, which others cannot read: have the variable " +
			secretVariable + " be the same for all nodes")
		s.kept, err = s.serveSecret.Secrets()
		return s.kept, err
	}
	var own []string // of before there were other nodes
	if s.data != "" && exists(filepath.Join(s.data, secretFile)) {
		if own, err = s.serveSecret.Secrets(); err != nil {
			return nil, err
		}
	}
	offered := session.MakeSecret()
	if len(own) > 0 {
		offered = own[0]
	}
	shared, err := s.node.Store().Secret(context.Background(), s.node.App, offered)
	if err == nil {
		err = session.Check([]string{shared})
	}
	if err != nil {
		return nil, err
	}
	s.kept = append([]string{shared}, slices.DeleteFunc(own, func(o string) bool { return o == shared })...)
	return s.kept, nil
}

// A devSecret is the keeper of dev: the environment, or else a file below the application. Where
// none can be kept it is one that ends with the process.
type devSecret struct {
	data   string // of --data; "" without
	dir    string // "" for an application that lies nowhere
	logger *slog.Logger
	random session.Keeper
}

func (d devSecret) Secrets() ([]string, error) {
	secrets, err := variable()
	switch {
	case err != nil || secrets != nil:
		return secrets, err
	case d.data != "":
		return serveSecret{data: d.data}.Secrets()
	case d.dir == "":
		return d.random.Secrets()
	}
	path := filepath.Join(d.dir, site.DevDir, secretFile)
	secrets, err = site.SecretFile{Path: path, Ignore: true}.Secrets()
	var file *os.PathError
	if errors.As(err, &file) {
		d.logger.Warn("sessions end with this process", slog.Any("error", err))
		return d.random.Secrets()
	}
	return secrets, err
}
