// Package service has what a server process needs of the system it runs on: a place to begin from that
// is its own, sockets that somebody else has opened, a word to the service manager, and a successor.
//
// # Restart
//
// A process that is to be replaced starts its [Successor], which gets its listening sockets, loads what
// it serves, and says by [Heritage.Ready] that it serves: only then does the first one end. If the
// successor fails instead, or takes too long, nothing has changed. As there is always somebody who
// listens, no connection is refused.
//
// # systemd
//
// Sockets that systemd has opened come by [Receive] (sd_listen_fds), and [Notifier] speaks sd_notify:
// both are a few lines, and need no library.
package service
