package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/environ/lib/session"
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
