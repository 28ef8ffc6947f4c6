package service

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Unit describes a service of systemd: a server that is started with the machine, and again when it
// fails, that runs as a user of its own, and reaches nothing that it has no use for.
type Unit struct {
	// Name is that of the unit, without .service.
	Name string
	// Exec is the absolute path of the program, and Args are its arguments.
	Exec string
	Args []string
	// Dir is the directory in which it is started. It can be read, wherever it is.
	Dir string
	// User is the user that it runs as. Empty means one that systemd makes for it.
	User string
	// State is the directory in which it keeps what it has to keep, "" if it keeps nothing.
	State string
	// Write are other directories that it writes to.
	Write []string
	// Listen are the URLs that it listens on, as [server.Listen] takes them.
	Listen []string
	// Workers says that it has processes of its own, which it puts into control groups.
	Workers bool
	// Drain is how long it may take to end. Zero means 30 seconds.
	Drain time.Duration
	// Activated says that systemd opens its sockets: see [Unit.WriteSocket].
	Activated bool
}

// Where systemd makes directories for services: for their state, and for their sockets.
const (
	stateDir = "/var/lib/"
	runDir   = "/run/"
)

// WriteService writes the unit file NAME.service. systemd.service(5), systemd.exec(5).
func (u *Unit) WriteService(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("[Unit]\nDescription=Larkspur: %s", escapePercent(u.Name))
	line("After=network-online.target\nWants=network-online.target")
	if u.Activated {
		line("Requires=%s.socket", u.Name)
	}
	line("\n[Service]\nType=notify\nNotifyAccess=main")
	line("ExecStart=%s", quoteAll(append([]string{u.Exec}, u.Args...)))
	line("# systemctl reload loads all again; systemctl kill -s USR2 --kill-who=main %s has a new", u.Name)
	line("# process of the program that is installed by now serve on.")
	line("ExecReload=/bin/kill -HUP $MAINPID")
	line("WorkingDirectory=%s", escapePercent(u.Dir))
	line("Restart=on-failure\nRestartSec=1")
	line("WatchdogSec=30")
	line("TimeoutStopSec=%d", int((cmp.Or(u.Drain, 30*time.Second)+10*time.Second)/time.Second))
	line("KillMode=mixed\nLimitNOFILE=65536\nUMask=0077")
	line("# Secrets, as LARKSPUR_SECRET=...\nEnvironmentFile=-/etc/%s.env", u.Name)
	line("")
	u.writeUser(line)
	u.writeBounds(line)
	line("\n[Install]\nWantedBy=multi-user.target")
	_, err := io.WriteString(w, b.String())
	return err
}

// writeUser writes whom it runs as, and what that may write to.
func (u *Unit) writeUser(line func(string, ...any)) {
	if u.User == "" {
		line("DynamicUser=yes")
	} else {
		line("User=%s", u.User)
	}
	var write []string
	for _, dir := range u.Write {
		if name, ok := strings.CutPrefix(dir, runDir); ok {
			line("RuntimeDirectory=%s\nRuntimeDirectoryPreserve=restart", escapePercent(name))
		} else {
			write = append(write, dir)
		}
	}
	if name, ok := strings.CutPrefix(u.State, stateDir); ok {
		line("StateDirectory=%s\nStateDirectoryMode=0700", escapePercent(name))
	} else if u.State != "" {
		write = append([]string{u.State}, write...)
	}
	if len(write) > 0 {
		line("ReadWritePaths=%s", quoteAll(write))
	}
}

// writeBounds writes what it has no use for.
func (u *Unit) writeBounds(line func(string, ...any)) {
	line("ProtectSystem=strict")
	home := "yes"
	for _, dir := range []string{"/home", "/root"} {
		for _, used := range append([]string{u.Dir, u.Exec, u.State}, u.Write...) {
			if used == dir || strings.HasPrefix(used, dir+"/") {
				home = "read-only"
			}
		}
	}
	line("ProtectHome=%s", home)
	for _, name := range []string{"NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectClock", "ProtectHostname",
		"ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "LockPersonality",
		"MemoryDenyWriteExecute", "RemoveIPC", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"} {
		line("%s=yes", name)
	}
	if u.Workers {
		line("Delegate=memory pids cpu") // a control group for each worker
	} else {
		line("ProtectControlGroups=yes\nProtectProc=invisible")
	}
	line("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK")
	line("SystemCallArchitectures=native")
	line("SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self")
	line("SystemCallErrorNumber=EPERM")
	if u.low() && !u.Activated {
		line("AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE")
	} else {
		line("CapabilityBoundingSet=")
	}
}

// low reports whether it listens on a port that takes a right.
func (u *Unit) low() bool {
	for _, where := range u.Listen {
		if at, err := url.Parse(where); err == nil && strings.HasPrefix(at.Scheme, "http") {
			_, port := hostPort(at)
			if n, err := strconv.Atoi(port); err == nil && n > 0 && n < 1024 {
				return true
			}
		}
	}
	return false
}

func hostPort(at *url.URL) (host, port string) {
	if host, port = at.Hostname(), at.Port(); port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	return host, port
}

// WriteSocket writes the unit file NAME.socket, by which systemd opens the sockets: they are there before
// the service is, and stay when it is started again. systemd.socket(5).
func (u *Unit) WriteSocket(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "[Unit]\nDescription=Larkspur: the sockets of %s\n\n[Socket]\n", escapePercent(u.Name))
	for _, where := range u.Listen {
		if rest, ok := strings.CutPrefix(where, "unix:"); ok {
			path, query, _ := strings.Cut(rest, "?")
			if !filepath.IsAbs(path) {
				path = filepath.Join(u.Dir, path)
			}
			fmt.Fprintf(&b, "ListenStream=%s\n", escapePercent(path))
			access, err := url.ParseQuery(query)
			if err != nil {
				return fmt.Errorf("unit: %s: %w", where, err)
			}
			for _, a := range []struct{ ours, theirs string }{
				{"mode", "SocketMode"}, {"owner", "SocketUser"}, {"group", "SocketGroup"},
			} {
				if v := access.Get(a.ours); v != "" {
					fmt.Fprintf(&b, "%s=%s\n", a.theirs, escapePercent(v))
				}
			}
			continue
		}
		at, err := url.Parse(where)
		if err != nil {
			return fmt.Errorf("unit: %w", err)
		}
		host, port := hostPort(at)
		switch {
		case host == "":
			fmt.Fprintf(&b, "ListenStream=%s\n", port)
		case net.ParseIP(host) == nil:
			return fmt.Errorf("unit: %s: systemd wants an address in place of the name %s", where, host)
		default:
			fmt.Fprintf(&b, "ListenStream=%s\n", net.JoinHostPort(host, port))
		}
	}
	b.WriteString("Backlog=4096\nNoDelay=yes\n\n[Install]\nWantedBy=sockets.target\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// escapePercent has systemd see no specifier in s.
func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// quoteAll writes words as systemd reads a command: systemd.service(5), "COMMAND LINES".
func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		word = strings.ReplaceAll(escapePercent(word), "$", "$$")
		if word == "" || strings.ContainsAny(word, " \t\n\"'\\;") {
			word = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(word) + `"`
		}
		quoted[i] = word
	}
	return strings.Join(quoted, " ")
}
