// Package state has the host modules in which applications keep what outlives a request, and is the
// same for all processes and machines of a site: @kv, buckets of values by key ([KV]); @topic, messages
// that some publish and others wait for ([Topic]); @queue, work that is done at least once ([Queue]);
// @cron, functions that are called at times ([Cron]).
//
// # The model
//
// All of it is kept by NATS JetStream. A [Grant] says where: in a directory, by a server of NATS that
// runs inside this process and listens to nobody else, or by servers elsewhere, by their URL. A script
// says what there is at its top level, bucket("notes") say, and has a value whose methods its
// functions call. What the name stands for is made when it is first used.
//
// An engine is the connection of a process: one for each Grant, made when a program that loads one of
// the modules has loaded whole, and shared by all its generations. A house is what a process has of a
// directory. The first process that takes the lock of the directory runs the server, and lets others
// reach it by a socket in the directory; when it ends, one of the others goes on with the server. So a
// deployment may start a process before it ends the last one, and workers and tools see what the
// server sees.
//
// # Nodes
//
// With a [Cluster] in its Grant the server of a process is a node: it connects with those of other
// machines, and all of them keep the same. The leader of a stream, one of three nodes that have it,
// acknowledges a change when two have it, and answers who reads; keys, items, histories and feeds are
// read from any of the three, which may be some milliseconds behind. A node that is apart from most
// others acknowledges nothing; for six seconds at most it may answer who reads with what was.
//
// # What is acknowledged
//
// What a method has returned for is written: a process that is killed loses nothing. A machine that
// loses its power loses what came in the last second, unless [Grant.Sync] says otherwise; servers by
// URL have their own settings. A change whose method has failed may have been made.
//
// # Waiting
//
// A cluster that has no leader at the moment, for a node has ended, is asked again while there is time,
// with an id for each change, by which it is made once. When it has been silent for six seconds, calls
// ask it once and fail.
//
// Whatever asks the server does so inside [host.Call.Wait], for ten seconds at most. While there is no
// connection, it waits two seconds from the moment it was lost, and then fails at once, with an error
// that a client gets as 503.
//
// # Keys and streams
//
// A bucket is the stream KV_NAME, as the clients of NATS agree on it, so that the nats command and
// others see the same keys and values, which are JSON. Streams and buckets whose names begin with
// larkspur are this package's own. One that exists already keeps the settings that no script says,
// its replicas among them. A bucket is a [host.Store], in which other modules keep something that a script
// has passed it to: sessions.
//
// A feed has the last messages of a stream for all who watch it in this process. Each of them takes
// the next when it is ready, and reads those that it has missed from the stream: none is waited for,
// and nothing is kept for one that does not read.
//
// # Work
//
// A generation that is published takes jobs from its queues, and keeps its schedules, until it is
// replaced; what was begun goes on. Each is a request of that generation, with its limits. A job is
// taken from the server by one process, which says now and then that it is at it; if it has said nothing
// for ten seconds, another one does it. It is gone when work has returned. For a schedule the time that
// was due last is kept: who sets the next one calls the function.
package state

import "github.com/larkspur-web/larkspur/runtime/host"

// Modules describes all modules of the package. Each is granted the same [*Grant].
func Modules() []*host.Module { return []*host.Module{Cron(), KV(), Queue(), Topic()} }
