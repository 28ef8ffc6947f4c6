package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Cluster is what the servers in the processes of several machines, the nodes, need to know so that
// they keep what there is together: three of them have all of it, and they go on while fewer than half
// are lost. The first time it takes all of them, so that there never are two clusters. The zero value is
// none: the server is alone.
type Cluster struct {
	// Name is the cluster's: a-z, 0-9, _ and -. Empty means none.
	Name string
	// Peers are the nodes, each as HOST or HOST:PORT. All others have to be named, for the first time
	// it takes all that are; the list may have this one in it, and is then the same for all. Without a
	// port it is [ClusterPort].
	Peers []string
	// Listen is the address at which this node is reached by the others, as HOST:PORT, or :PORT for
	// all addresses of the machine. Empty means :[ClusterPort].
	Listen string
	// Secret is what all nodes know and nobody else: 32 bytes at least, which cannot be guessed. Who
	// has it is a node. A guest needs none.
	Secret string

	hidden bool // the nodes do not tell each other their addresses: it is for tests of who reaches whom
}

// ClusterPort is where nodes are reached unless another port is said: that of NATS for the same.
const ClusterPort = 6222

// LeastSecret is how many bytes a secret needs, so that it is not guessed by trying.
const LeastSecret = 32

// check returns what is wrong with it.
func (c *Cluster) check() error {
	switch {
	case c.Name == "" && (len(c.Peers) > 0 || c.Listen != ""):
		return errors.New("state: the cluster has no name")
	case c.Name == "":
		return nil
	case checkName("cluster", c.Name) != nil:
		return fmt.Errorf("state: %w", checkName("cluster", c.Name))
	case len(c.Peers) == 0:
		return errors.New("state: a cluster has other nodes: say where each of them is")
	}
	if _, err := hostPort(c.listen()); err != nil {
		return fmt.Errorf("state: where the node listens: %w", err)
	}
	for _, peer := range c.Peers {
		if at, err := hostPort(peer); err != nil {
			return fmt.Errorf("state: node %s: %w", peer, err)
		} else if strings.HasPrefix(at, ":") {
			return fmt.Errorf("state: node %s: it has no host", peer)
		}
	}
	return nil
}

// checkSecret returns what is wrong with the secret. A guest has none.
func (c *Cluster) checkSecret() error {
	if len(c.Secret) < LeastSecret {
		return fmt.Errorf("the secret of the cluster has %d bytes, and needs %d", len(c.Secret), LeastSecret)
	}
	return nil
}

func (c *Cluster) listen() string {
	if c.Listen == "" {
		return ":" + strconv.Itoa(ClusterPort)
	}
	return c.Listen
}

// hostPort completes an address by the port.
func hostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), strconv.Itoa(ClusterPort)
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", errors.New("write HOST or HOST:PORT")
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q is no port: 1 to 65535", port)
	}
	if strings.ContainsAny(host, "/@ ,?#") || host != "" && strings.Trim(host, "0123456789") == "" {
		return "", errors.New("write HOST or HOST:PORT")
	}
	return net.JoinHostPort(host, port), nil
}

// options has o be those of a node, whose directory is dir.
func (c *Cluster) options(o *server.Options, dir string) error {
	if err := c.checkSecret(); err != nil {
		return err
	}
	node, err := c.identity(dir)
	if err != nil {
		return err
	}
	secured, err := trust(c.Name, c.Secret)
	if err != nil {
		return err
	}
	at, err := hostPort(c.listen())
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(at)
	number, _ := strconv.Atoi(port)
	l, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("listen for the other nodes: %w", err) // the server would only log it
	}
	l.Close()
	o.ServerName = node
	// Routes are not made by a server that has no listener for clients. This one lets nobody in.
	o.DontListen, o.Host, o.Port = false, "127.0.0.1", server.RANDOM_PORT
	o.CustomClientAuthentication = inside{}
	o.Cluster = server.ClusterOpts{
		Name: c.Name, Host: host, Port: number, NoAdvertise: true,
		TLSConfig: secured, TLSTimeout: 5, AuthTimeout: 10,
		PingInterval: 3 * time.Second, MaxPingsOut: 3, // a machine that is gone says nothing
	}
	if c.hidden {
		o.Cluster.Advertise = "127.0.0.1:1" // where nobody is
	}
	if o.Routes, err = c.routes(); err != nil {
		return err
	}
	hurry()
	return nil
}

// routes are where the nodes are. The server counts them for how many it takes to begin, and does not
// connect to itself.
func (c *Cluster) routes() ([]*url.URL, error) {
	var all []*url.URL
	for _, peer := range c.Peers {
		at, err := hostPort(peer)
		if err != nil {
			return nil, err
		}
		same := func(other *url.URL) bool { return other.Host == at }
		if !slices.ContainsFunc(all, same) {
			all = append(all, &url.URL{Scheme: "nats-route", Host: at})
		}
	}
	return all, nil
}

// nodeFile is the name of the file in the directory that says of which cluster the directory is, and
// as which node: two words.
const nodeFile = "node"

// identity returns the name of this node, which it has for as long as it has its directory: what the
// others know of it is bound to that.
func (c *Cluster) identity(dir string) (string, error) {
	path := filepath.Join(dir, nodeFile)
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		words := strings.Fields(string(data))
		if len(words) != 2 {
			return "", fmt.Errorf("%s does not have two words: the name of the cluster and that of the node", path)
		}
		if words[0] != c.Name {
			return "", fmt.Errorf("%s is of a node of the cluster %s, not of %s", dir, words[0], c.Name)
		}
		return words[1], nil
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if single(dir) {
		return "", fmt.Errorf("what is kept in %s is that of a single server, which a cluster would not take over: "+
			"begin the cluster with another directory", dir)
	}
	name := rand.Text()
	temp := path + ".new"
	if err := os.WriteFile(temp, []byte(c.Name+" "+name+"\n"), 0o600); err != nil {
		return "", err
	}
	return name, os.Rename(temp, path)
}

// single reports whether a server that was alone has kept something in dir.
func single(dir string) bool {
	streams, _ := filepath.Glob(filepath.Join(dir, server.JetStreamStoreDir, "*", "streams", "*"))
	return len(streams) > 0
}

// alone returns an error if dir is that of a node of a cluster.
func alone(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, nodeFile))
	if err != nil {
		return nil // as a rule there is none
	}
	name, _, _ := strings.Cut(string(data), " ")
	return fmt.Errorf("what is kept in %s is that of a node of the cluster %s: start it with that", dir, name)
}

// inside lets those in who do not come by a network.
type inside struct{}

// Check is of the server.
func (inside) Check(c server.ClientAuthentication) bool {
	at := c.RemoteAddress()
	return at != nil && at.Network() == "pipe"
}
