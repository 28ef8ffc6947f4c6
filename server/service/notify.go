package service

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Notifier tells the service manager how the process does: sd_notify(3). A nil one tells nobody. It is
// safe for concurrent use.
type Notifier struct {
	// Watchdog is how often the service manager wants to hear that the process lives, at least. Zero means
	// that it does not.
	Watchdog time.Duration

	socket string
	env    []string // for a successor
	mu     sync.Mutex
	conn   net.Conn
}

// NewNotifier returns the notifier that the environment names, nil if it names none. The variables are
// taken out of the environment: processes that this one starts do not speak for it.
func NewNotifier() *Notifier {
	n := &Notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	usec, pid := os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	if n.socket == "" {
		return nil
	}
	n.env = []string{"NOTIFY_SOCKET=" + n.socket}
	if us, err := strconv.ParseInt(usec, 10, 64); err == nil && us > 0 &&
		(pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.Watchdog = time.Duration(us) * time.Microsecond
		n.env = append(n.env, "WATCHDOG_USEC="+usec) // of any process: it is not known yet which
	}
	return n
}

// Env is what a [Successor] needs to tell the same service manager.
func (n *Notifier) Env() []string {
	if n == nil {
		return nil
	}
	return n.env
}

// The states that Tell knows.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Reloading is the state of a process that loads what it serves again; Ready ends it.
func Reloading() string {
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic()/1000)
}

// Main says that another process is the service from now on.
func Main(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// Status is a line that systemctl status shows.
func Status(text string) string { return "STATUS=" + strings.ReplaceAll(text, "\n", " ") }

// Tell tells states. The error is that of the socket, which the process can do without.
func (n *Notifier) Tell(states ...string) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn == nil {
		name := n.socket
		if name[0] == '@' {
			name = "\x00" + name[1:] // abstract
		}
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("notify the service manager: %w", err)
		}
		n.conn = c
	}
	if _, err := n.conn.Write([]byte(strings.Join(states, "\n"))); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}
