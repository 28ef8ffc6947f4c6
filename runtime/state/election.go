package state

import (
	"sync"
	"time"
	_ "unsafe" // for go:linkname
)

// How long nodes wait until they elect another leader is 4 to 9 seconds in nats-server, which has no
// option for it: that was most of the time from a start to the first answer, and all of the time for
// which nothing could be written when a node had died. The nodes of a cluster are near each other, so a
// third of it does. Nothing that is kept depends on it: who hurries too much elects once more than
// needed. A test sees that these are the server's variables still.
//
//go:linkname minElectionTimeout github.com/nats-io/nats-server/v2/server.minElectionTimeout
//go:linkname maxElectionTimeout github.com/nats-io/nats-server/v2/server.maxElectionTimeout
//go:linkname hbInterval github.com/nats-io/nats-server/v2/server.hbInterval
//go:linkname lostQuorumInterval github.com/nats-io/nats-server/v2/server.lostQuorumInterval
//go:linkname lostQuorumCheck github.com/nats-io/nats-server/v2/server.lostQuorumCheck
//go:linkname routeConnectDelay github.com/nats-io/nats-server/v2/server.routeConnectDelay
var minElectionTimeout, maxElectionTimeout, hbInterval, lostQuorumInterval, lostQuorumCheck,
	routeConnectDelay time.Duration

// hurry shortens those times. They are those of all servers of the process, so it is called before one
// that is a node is made.
var hurry = sync.OnceFunc(func() {
	for _, d := range []*time.Duration{
		&minElectionTimeout, &maxElectionTimeout, &hbInterval, &lostQuorumInterval, &lostQuorumCheck,
		&routeConnectDelay,
	} {
		*d = *d * 3 / 10
	}
})
