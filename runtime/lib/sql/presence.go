package sql

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A presence is whether the file that connections have open is still the one that its path leads to.
// What is written to one that was deleted ends with the last connection, and nobody is told. A nil
// presence is always.
type presence struct {
	path string
	mu   sync.Mutex
	file os.FileInfo // of the first connection; nil before it
	log  os.FileInfo // of its write-ahead log, nil before there is one
	seen time.Time   // when it was there last
}

// see takes down the log, as soon as there is one. It is to be called while the file is there.
func (p *presence) see() {
	if p.log == nil {
		if info, err := os.Stat(p.path + "-wal"); err == nil {
			p.log = info
		}
	}
}

// clean deletes the log of a file that has gone, unless it has gone, too: SQLite would take it for that
// of the file which is in its place. Nobody may have either open.
func (p *presence) clean() {
	info, err := os.Stat(p.path + "-wal")
	if err == nil && p.log != nil && os.SameFile(info, p.log) {
		_ = os.Remove(p.path + "-wal") // what cannot be deleted is seen when the file is opened
		_ = os.Remove(p.path + "-shm")
	}
}

// note takes down the file of a connection that was just opened, and fails if others have another one.
func (p *presence) note() error {
	if p == nil {
		return nil
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		p.file = info
	}
	if !os.SameFile(p.file, info) {
		return errGone
	}
	p.see()
	return nil
}

// glance is how long what was seen of a file is enough for those that read: a look costs as much as
// reading a few rows.
const glance = 100 * time.Millisecond

// gone reports whether the file was deleted, or another one put in its place; to those that read, a
// moment later.
func (p *presence) gone(reads bool) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return false
	}
	now := time.Now()
	if reads && now.Sub(p.seen) < glance {
		return false
	}
	info, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(p.file, info) {
		return true
	}
	p.seen = now
	p.see()
	return false
}

var (
	errGone = &Error{
		Message: "the file of the database was deleted, or replaced, while it was in use", kind: KindConnection,
	}
	errLost = &Error{
		Message: "the file of the database was deleted, or replaced, while it was written to: what was " +
			"written is lost", kind: KindConnection,
	}
)

// told has the database log what nobody asked for.
func (d *DB) told(logger *slog.Logger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logger = logger
}

// migrates has the database be made by m, should its file go.
func (d *DB) migrates(m *migration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.migration = m
}

// renew closes the ways to a file that has gone, so that the next statement makes it anew. While calls
// have connections to it that is an error: SQLite must not open a file whose path is that of one which
// is in use, for the two would share the index of the log.
func (d *DB) renew() error {
	for _, p := range d.lanes.pools {
		if !p.retire() {
			return errGone
		}
	}
	d.lanes.write.pool.file.clean()
	d.lanes, d.anew = nil, true
	d.logger.Warn("sql: the file of the database has gone: it is made anew",
		slog.String("database", d.name))
	return nil
}

// A remaking runs the migrations of a database that is made anew, before anybody has a connection to
// it. A nil one runs none.
type remaking struct {
	migration *migration
	logger    *slog.Logger
	writer    *pool
	turn      chan struct{} // one at a time; closed when they have run
}

// run runs them, or waits for whoever does.
func (r *remaking) run(ctx context.Context) error {
	if r == nil {
		return nil
	}
	select {
	case _, more := <-r.turn:
		if !more {
			return nil
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := r.writer.connect(ctx)
	if err == nil {
		err = r.migration.run(ctx, c, r.logger)
		c.discard()
	}
	if err != nil {
		r.turn <- struct{}{}
		return err
	}
	close(r.turn)
	return nil
}
