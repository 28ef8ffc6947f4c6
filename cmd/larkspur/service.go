package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/server/service"
	"github.com/spf13/cobra"
)

func newService(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Write what a service manager needs to run a server",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a command is missing: service print")
		},
	}
	c.AddCommand(newServicePrint(stdout))
	return c
}

func newServicePrint(stdout io.Writer) *cobra.Command {
	var u service.Unit
	var socket bool
	c := &cobra.Command{
		Use:   "print [flags] -- [flags of serve] [APP]",
		Short: "Print the unit file by which systemd runs a server",
		Long: `Print writes the unit of a server that is started as larkspur serve with what stands behind --,
in this directory, by this larkspur. It runs as a user of its own, which may write to the directory of
--data and to nothing else, and has no right but to listen.

With --socket the sockets are systemd's, which opens them before the server is there: print
--socket-unit writes their unit, with the same flags.`,
		Example: `  larkspur service print --name blog -- --listen https://:443 --tls-cert c.pem --tls-key k.pem \
      --data /var/lib/blog app.star | sudo tee /etc/systemd/system/blog.service
  sudo systemctl enable --now blog`,
		RunE: func(c *cobra.Command, args []string) error {
			if i := c.ArgsLenAtDash(); i > 0 || i < 0 && len(args) > 0 {
				return fmt.Errorf("write -- before the flags and the argument of serve, as in larkspur service print -- %s",
					strings.Join(args, " "))
			}
			if err := describeUnit(&u, args); err != nil {
				return err
			}
			if socket {
				return u.WriteSocket(stdout)
			}
			return u.WriteService(stdout)
		},
	}
	c.Flags().StringVar(&u.Name, "name", "larkspur", "`NAME` of the unit")
	c.Flags().StringVar(&u.User, "user", "", "`USER` that it runs as, which has to exist (default one that systemd makes)")
	c.Flags().BoolVar(&u.Activated, "socket", false, "the sockets are opened by systemd")
	c.Flags().BoolVar(&socket, "socket-unit", false, "print the unit of the sockets, NAME.socket, instead")
	return c
}

// describeUnit describes the server that is started with args.
func describeUnit(u *service.Unit, args []string) error {
	var s serving
	c := &cobra.Command{Use: "serve"}
	s.flags(c)
	if err := c.ParseFlags(args); err != nil {
		return err
	}
	if err := s.check(c); err != nil {
		return err
	}
	if s.user != "" {
		return fmt.Errorf("--user %s: systemd has it run as that user: write larkspur service print --user %[1]s", s.user)
	}
	var err error
	if u.Exec, err = os.Executable(); err != nil {
		return runError{err}
	}
	if u.Dir, err = os.Getwd(); err != nil {
		return runError{err}
	}
	if s.data != "" {
		if u.State, err = filepath.Abs(s.data); err != nil {
			return runError{err}
		}
	}
	for _, where := range s.listen {
		if path, ok := strings.CutPrefix(where, "unix:"); ok && !u.Activated {
			path, _, _ = strings.Cut(path, "?")
			if path, err = filepath.Abs(path); err != nil {
				return runError{err}
			}
			u.Write = append(u.Write, filepath.Dir(path))
		}
	}
	u.Args, u.Listen, u.Workers, u.Drain = append([]string{"serve"}, args...), s.listen, s.workers > 0, s.drain+s.delay
	return nil
}
