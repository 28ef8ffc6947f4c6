package environ

import "time"

// A Heart is a body that has something to say while nothing comes of it, as an event stream has
// comments, so that nothing between takes the connection for dead. Middleware that changes the
// blocks returns another body, which is none: nothing unchanged gets between its blocks.
type Heart interface{ Heartbeat() Heartbeat }

// A Heartbeat is what is sent while a response has begun and its application waits.
type Heartbeat struct {
	Block string
	// Every is after how long a silence; 0 or less for never.
	Every time.Duration
}
