package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A floor is when what a node has served was deployed: a deployment that is older was put back by somebody who
// has no key, for a rollback is a deployment of its own.
type floor struct {
	file string // "" if it ends with the process
	time time.Time
}

// read reads what was remembered, if anything was.
func (f *floor) read() error {
	if f.file == "" {
		return nil
	}
	data, err := os.ReadFile(f.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		f.time, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(data)))
	}
	if err != nil {
		return fmt.Errorf("deploy: read when what was served was deployed: %w", err)
	}
	return nil
}

// admit returns an error if the deployment is older.
func (f *floor) admit(d *Deployment) error {
	if !d.Time.Before(f.time) {
		return nil
	}
	return fmt.Errorf("deploy: it was signed at %s, and this node has served what was signed at %s: somebody has put "+
		"an old version back, or the clocks of who deploys differ; larkspur rollback --key goes back",
		d.Time.UTC().Format(time.RFC3339Nano), f.time.UTC().Format(time.RFC3339Nano))
}

// remember raises the floor of a node that trusts keys.
func (n *Node) remember(d *Deployment) {
	if len(n.Trust) == 0 || !d.Time.After(n.floor.time) || verify(n.Trust, n.App, d) != nil {
		return
	}
	if n.floor.time = d.Time; n.floor.file == "" {
		return
	}
	if err := replace(n.floor.file, d.Time.UTC().Format(time.RFC3339Nano)+"\n"); err != nil {
		n.logger.Warn("what has served cannot be remembered", slog.Any("error", err))
	}
}

// replace writes a file as a whole, with its directory, for their owner only.
func replace(file, content string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
