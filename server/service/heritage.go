package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/server"
)

// variable is that of the environment by which a process knows that it takes the place of another.
const variable = "LARKSPUR_RESTART"

// firstFile is the first descriptor that is passed on, by systemd and to a successor.
const firstFile = 3

// A bequest is what variable says: which descriptors are what.
type bequest struct {
	Ready   int
	Stderr  int
	Sockets []string // where each listens; their descriptors follow
	Foreign bool     // [Heritage.Foreign]
}

// A Heritage is what a process has from whoever has started it.
type Heritage struct {
	// Opened are the sockets that are open already. Nil means that there are none.
	Opened *server.Opened
	// Restarted says that the process takes the place of another one, which waits for Ready.
	Restarted bool
	// Foreign says that the sockets are the service manager's: their files stay when the process ends.
	Foreign bool

	once   sync.Once
	ready  *os.File
	stderr *os.File
}

// Receive takes what the process was given: by the one that it is the [Successor] of, or by systemd as
// sockets (sd_listen_fds(3)). It is to be called once, before files are opened and processes started, as
// they must not see it.
func Receive() (*Heritage, error) {
	h := new(Heritage)
	if said := os.Getenv(variable); said != "" {
		os.Unsetenv(variable)
		var b bequest
		if err := json.Unmarshal([]byte(said), &b); err != nil {
			return nil, fmt.Errorf("restart: read %s: %w", variable, err)
		}
		h.Restarted, h.Foreign, h.Opened = true, b.Foreign, new(server.Opened)
		h.ready, h.stderr = received(b.Ready, "ready"), received(b.Stderr, "stderr")
		for i, where := range b.Sockets {
			if err := h.add(where, b.Stderr+1+i); err != nil {
				return nil, fmt.Errorf("restart: the socket of %s: %w", where, err)
			}
		}
		return h, nil
	}
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if count == "" {
		return h, nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return h, nil // they are for a parent
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1024 {
		return nil, fmt.Errorf("socket activation: LISTEN_FDS is %q", count)
	}
	h.Foreign, h.Opened = true, new(server.Opened)
	for fd := firstFile; fd < firstFile+n; fd++ {
		if err := h.add("", fd); err != nil {
			return nil, fmt.Errorf("socket activation: descriptor %d: %w", fd, err)
		}
	}
	return h, nil
}

// received is the file of a descriptor, which processes that this one starts do not get.
func received(fd int, name string) *os.File {
	closeOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// add adds a socket that was passed on.
func (h *Heritage) add(where string, fd int) error {
	f := received(fd, "socket")
	defer f.Close() // the listener has a copy
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	h.Opened.Add(where, l)
	return nil
}

// Unused returns an error if systemd has opened sockets that nobody listens on, since the two then are
// of different minds about where the server is to be reached.
func (h *Heritage) Unused() error {
	left := h.Opened.Unused()
	if h.Restarted || len(left) == 0 {
		return nil
	}
	return errors.New("socket activation: systemd has opened " + strings.Join(left, " and ") +
		", and no --listen names that")
}

// Stderr is where the process is to write its errors in the end: a successor writes them to the one whose
// place it takes, until it is ready.
func (h *Heritage) Stderr() *os.File {
	if h.stderr != nil {
		return h.stderr
	}
	return os.Stderr
}

// Ready tells the process whose place this one takes that it serves, closes the sockets that nobody has
// taken, and has the standard error be that of the other one. listeners are those that it has.
func (h *Heritage) Ready(listeners []*server.Listener) {
	h.once.Do(func() {
		h.Opened.Close()
		if !h.Restarted {
			return
		}
		for _, l := range listeners {
			l.Leave(h.Foreign)
		}
		replaceStderr(h.stderr)
		// If nobody waits any more, it is because the other one was killed: this one serves all the same.
		fmt.Fprintln(h.ready, readyWord)
		h.ready.Close()
		h.ready = nil
	})
}

// readyWord is what a successor says.
const readyWord = "ready"
