package host

import "context"

// A Keeper is a grant in which applications keep something, that can be looked at by whoever
// develops them: the tables of databases, mails. It is safe for concurrent use.
type Keeper interface {
	// Kept lists what there is, in order.
	Kept(ctx context.Context) ([]Collection, error)
	// Look returns n rows of a collection at most, after the first from of them.
	Look(ctx context.Context, c Collection, from, n int) (*Sheet, error)
}

// A Changer is a Keeper in which what is kept can be changed, too.
type Changer interface {
	Keeper
	// Change does with a collection what one of its actions says, by the name of that, or with one row of
	// it, if that is not "".
	Change(ctx context.Context, c Collection, action, row string) error
}

// An Action is something that can be done with a collection, or with a row of one.
type Action struct {
	Name string // by which it is asked for, as "delete"
	Text string // what it does, on a button, as "Delete"
	// Loses says what is lost by it, in a sentence that asks for a confirmation. It is "" if nothing is.
	Loses string
}

// A Collection is something that has rows: a table.
type Collection struct {
	In    string // what it is in: a database, by its name
	Name  string
	Kind  string // what it is, as "table"
	Count int64  // of its rows; -1 if that is not known
	// Text says more of it: how it was made. It may be empty.
	Text string
	// Part says that it is not listed: a cell of another collection leads to it.
	Part bool
	// Actions are what can be done with all of it, if the Keeper is a [Changer].
	Actions []Action
}

// A Sheet is some rows of a collection.
type Sheet struct {
	Columns []string
	Rows    [][]Cell // each with a Cell for each of the Columns
	More    bool     // there are rows after them
	// Actions are what can be done with each row, and Keys has what stands for each in Change. There are
	// none, or there is one for each row.
	Actions []Action
	Keys    []string
}

// A Cell is a value as text.
type Cell struct {
	Text string
	None bool // there is no value
	// To is the name of a collection in the same In that has more of it, "" if none has.
	To string
	// HTML says that the text is a page, to be looked at as one. It may come from anybody.
	HTML bool
}
