package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/service"
	"github.com/spf13/cobra"
)

// living are the flags that say how a server lives on its system.
type living struct {
	pidFile string
	user    string
	umask   string
	chdir   string
	delay   time.Duration
}

func (l *living) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.pidFile, "pid-file", "",
		"`FILE` that names the process which serves; larkspur restart reads it")
	c.Flags().StringVar(&l.user, "user", "",
		"`USER` to run as, or USER:GROUP, once the sockets are open; the process has to begin as root, and all "+
			"files are read as the user")
	c.Flags().StringVar(&l.umask, "umask", "", "`BITS` that new files lack in their mode, as in 027")
	c.Flags().StringVar(&l.chdir, "chdir", "", "`DIR` to go to first; all other names are seen from there")
	c.Flags().Var((*display.Duration)(&l.delay), "drain-delay",
		"how long to serve on after SIGTERM, while /readyz says already that the server ends")
}

// check finds what is wrong with the values.
func (l *living) check() error {
	if _, err := strconv.ParseUint(l.umask, 8, 9); l.umask != "" && err != nil {
		return fmt.Errorf("--umask %s: write octal digits, as in 027", l.umask)
	}
	if l.delay < 0 {
		return fmt.Errorf("--drain-delay %v: no time, or some", l.delay)
	}
	return nil
}

// move goes to the directory that --chdir names, and returns the one before.
func (l *living) move() (before string, err error) {
	if before, err = os.Getwd(); err != nil {
		return "", runError{err}
	}
	if l.chdir != "" {
		if err := os.Chdir(l.chdir); err != nil {
			return "", runError{fmt.Errorf("--chdir: %w", err)}
		}
	}
	return before, nil
}

// settle makes the process the one that the flags describe, and returns what it has of its system. It
// comes before all that opens files: from then on they are seen as the user sees them. dir is the directory that
// the process was started in.
func (l *living) settle(dir string, listen []string) (*place, error) {
	heritage, err := service.Receive()
	if err != nil {
		return nil, runError{err}
	}
	p := &place{heritage: heritage, notifier: service.NewNotifier(), dir: dir, delay: l.delay, pidFile: l.pidFile}
	if bits, err := strconv.ParseUint(l.umask, 8, 9); err == nil {
		service.Umask(int(bits))
	}
	if err := service.NoInput(); err != nil {
		return nil, runError{err}
	}
	if p.pid, err = service.OpenPIDFile(l.pidFile); err != nil {
		return nil, runError{err}
	}
	if l.user == "" {
		return p, nil
	}
	id, err := service.FindIdentity(l.user)
	if err != nil {
		return nil, runError{fmt.Errorf("--user: %w", err)}
	}
	if err := p.open(listen); err != nil {
		return nil, err
	}
	if err := p.pid.Own(id); err != nil {
		return nil, runError{err}
	}
	if err := service.Become(id); err != nil {
		return nil, runError{err}
	}
	return p, nil
}
