package sql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A library is the module for one generation of a program.
type library struct {
	grant *Grant
	trial bool
	load  *host.Load

	mu      sync.Mutex
	own     map[string]*DB // of a trial
	loaded  bool           // statements may be run
	retired bool
	pending []*migration
}

// open is the Open of the module. Nothing is connected.
func open(l *host.Load) (any, error) {
	lib := &library{load: l}
	switch g := l.Grant.(type) {
	case nil:
		lib.grant = new(Grant)
	case *Grant:
		lib.grant = g
	case *trial:
		lib.grant, lib.trial = g.of, true
	default:
		return nil, fmt.Errorf("the grant is a %T, not a *sql.Grant", g)
	}
	if lib.grant == nil {
		return nil, errors.New("the grant is a nil *sql.Grant")
	}
	if l.Events == nil {
		lib.loaded = true // nobody will say it
	}
	l.OnReady(lib.ready)
	l.OnRetire(lib.retire)
	return lib, nil
}

// database returns the database of a name. That of a trial is the generation's own.
func (l *library) database(name string) (*DB, error) {
	if !l.trial {
		d, err := l.grant.Open(name)
		if err == nil {
			d.told(l.logger())
		}
		return d, err
	}
	granted, err := l.grant.engine(name)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return nil, errClosed
	}
	d := l.own[name]
	if d == nil {
		if l.own == nil {
			l.own = make(map[string]*DB)
		}
		var own engine = new(sqliteEngine)
		if server, ok := granted.(*postgresEngine); ok && l.grant.Schemas {
			own = &schemaEngine{postgresEngine: server}
		}
		d = newDB(name, own, l.grant.Limits.withDefaults())
		l.own[name] = d
	}
	return d, nil
}

// errLoading is the error of a statement that is run while the program loads.
var errLoading = &Error{
	Message: "a database is not to be used while the program loads: do it in a function, or in a " +
		"migration",
	kind: KindUsage,
}

// usable returns why no statement may be run.
func (l *library) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded {
		return errLoading
	}
	return nil
}

// ready runs the migrations, once the program has loaded whole, and lets statements be run.
func (l *library) ready(ctx context.Context) error {
	l.mu.Lock()
	all := l.pending
	l.pending, l.loaded = nil, true
	l.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.grant.Limits.withDefaults().Migration)
	defer cancel()
	logger := l.logger()
	if l.trial { // each test has its own database
		logger = slog.New(slog.DiscardHandler)
	}
	for _, m := range all {
		if err := m.apply(ctx, logger); err != nil {
			return err
		}
	}
	return nil
}

// retire closes the databases of a trial: nobody else knows them.
func (l *library) retire() {
	l.mu.Lock()
	all := l.own
	l.own, l.retired = nil, true
	l.mu.Unlock()
	for _, d := range all {
		var err error
		if e, ok := d.engine.(*schemaEngine); ok {
			err = e.drop()
		}
		if err = errors.Join(err, d.close()); err != nil {
			l.logger().Warn("sql: close the database of a test", slog.Any("error", err))
		}
	}
}

func (l *library) logger() *slog.Logger {
	if l.load.Logger == nil {
		return slog.Default()
	}
	return l.load.Logger
}
