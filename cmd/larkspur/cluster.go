package main

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

// joining are the flags by which a server is a node of a cluster.
type joining struct {
	cluster string
	peers   []string
	at      string
	secret  string
}

// clusterVariable is the variable of the environment that has the secret of a cluster.
const clusterVariable = "LARKSPUR_CLUSTER_SECRET"

func (j *joining) flags(c *cobra.Command) {
	c.Flags().StringVar(&j.cluster, "cluster", "",
		"`NAME` of the cluster that keeps state, of which this process is a node; needs --data and --peer, "+
			"and the secret that all nodes share")
	c.Flags().StringSliceVar(&j.peers, "peer", nil,
		"`HOST` of a node of the cluster, or HOST:PORT; all have to be named, and this one may be among them")
	c.Flags().StringVar(&j.at, "cluster-listen", "",
		fmt.Sprintf("`HOST:PORT` at which the other nodes reach this one, by TCP and TLS (default :%d)", state.ClusterPort))
	c.Flags().StringVar(&j.secret, "cluster-secret", "",
		"`FILE` with the secret of the cluster; without one the variable "+clusterVariable+" of the environment has it")
}

// check finds what is wrong with the values together.
func (j *joining) check(g *grants) error {
	switch {
	case j.cluster == "" && (len(j.peers) > 0 || j.at != "" || j.secret != ""):
		return errors.New("--peer, --cluster-listen and --cluster-secret are of a cluster: name it with --cluster")
	case j.cluster == "":
		return nil
	case g.nats != "":
		return errors.New("--cluster and --nats: one of the two")
	case g.data == "":
		return errors.New("--cluster needs a directory in which this node keeps its part: name it with --data")
	case len(j.peers) == 0:
		return errors.New("--cluster needs the other nodes: name each with --peer HOST")
	}
	return nil
}

// join has what is granted be kept by the cluster, and returns what the sessions of all nodes are
// encrypted by, unless something else is said; "" if there is no cluster.
func (j *joining) join(s *grant.Set) (sessions string, err error) {
	if j.cluster == "" {
		return "", nil
	}
	if s.State.Dir == "" {
		return "", errors.New("--cluster keeps state, and so does --grant state: one of the two")
	}
	secret, err := j.read()
	if err != nil {
		return "", err
	}
	s.State.Cluster = state.Cluster{Name: j.cluster, Peers: j.peers, Listen: j.at, Secret: secret}
	if err := s.State.Check(); err != nil {
		return "", fmt.Errorf("--cluster: %w", err)
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(j.cluster), "larkspur sessions", 32)
	return hex.EncodeToString(key), err
}

// read returns the secret.
func (j *joining) read() (string, error) {
	secret, where := os.Getenv(clusterVariable), clusterVariable
	if j.secret != "" {
		data, err := os.ReadFile(j.secret)
		if err != nil {
			return "", runError{fmt.Errorf("--cluster-secret: %w", err)}
		}
		secret, where = string(data), j.secret
	}
	switch secret = strings.TrimSpace(secret); {
	case secret == "":
		return "", errors.New("--cluster needs a secret that all nodes share: have openssl rand -hex 32 write it " +
			"into a file, and name that with --cluster-secret, or put it into the variable " + clusterVariable)
	case len(secret) < state.LeastSecret:
		return "", fmt.Errorf("%s: the secret has %d bytes, and needs %d: openssl rand -hex 32 makes one",
			where, len(secret), state.LeastSecret)
	}
	return secret, nil
}
