package state

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The parameters that several methods have.
var (
	keyParam   = host.Param{Name: "key", Doc: "1 to 256 bytes", Type: "string"}
	valueParam = host.Param{
		Name: "value", Doc: "what JSON can say: None, a bool, a number, a string, a list or a dict of such", Type: "any",
	}
	ttlParam = host.Param{
		Name: "ttl", Type: durationType, Default: starlark.None,
		Doc: "how long until the key goes, to the second: seconds, or a text as \"10m\"; None is that of " +
			"the bucket. It takes nats-server 2.11, as larkspur has it",
	}
	prefixParam = host.Param{
		Name: "prefix", Doc: "with which the keys begin; what stands before its last dot is found fast",
		Default: starlark.String(""),
	}
)

// stateErrors are those of all methods, after those of their own.
func stateErrors(more ...host.Failure) []host.Failure {
	return append(more,
		host.Failure{When: "what keeps it cannot be reached (unavailable), or does not answer in 10 seconds " +
			"(timeout): the client gets 503 if that is not caught, and a change may have been made"},
		host.Failure{When: "the script is still being loaded (usage)"},
	)
}

// keyErrors are those of the methods that are passed a key.
func keyErrors(more ...host.Failure) []host.Failure {
	return stateErrors(append(more,
		host.Failure{When: "the key is empty, too long, or has an empty part between dots (key); the client, " +
			"which has sent it as a rule, gets 400 if that is not caught"},
	)...)
}

// valueErrors are further ones of the methods that are passed a value to keep.
func valueErrors(more ...host.Failure) []host.Failure {
	return append(more,
		host.Failure{When: "the value has more than 1,000,000 bytes as JSON (size): 413"},
		host.Failure{When: "the value, or a part of it, is none that JSON can say, as bytes (value)"},
		host.Failure{When: "there is no room left (full): 507"},
	)
}

var conflict = host.Failure{When: "the key has another version (conflict): 409"}

var bucketType = &host.Type{
	Name: "kv.bucket",
	Doc:  "Values by key. What put, create, update and delete have returned for is not lost by a process that dies.",
	Members: []host.Member{
		{Name: "name", Doc: "The name."},
		{
			Name: "get",
			Doc:  "Returns the value of a key.",
			Params: []host.Param{keyParam, {
				Name: "default", Type: "any", Default: starlark.None, Doc: "what is returned if there is none",
			}},
			Result: "the value, which is the caller's to change, or default",
			Errors: keyErrors(),
			Example: `notes.get("tea")  # {"cups": 2}
notes.get("milk", 0)  # 0`,
			Fn: bucketGet,
		},
		{
			Name:   "entry",
			Doc:    "Returns the value of a key with its version.",
			Params: []host.Param{keyParam},
			Result: "kv.entry, or None if there is none",
			Errors: keyErrors(),
			Example: `notes.entry("tea").value  # {"cups": 2}
notes.entry("milk")  # None`,
			Fn: (*bucket).entry,
		},
		{
			Name: "put",
			Doc:  "Sets the value of a key.",
			Params: []host.Param{keyParam, valueParam, ttlParam, {
				Name: "version", Default: starlark.None, Type: "int or None",
				Doc: "the version that the key must have for the value to be set, 0 if there must be no such key",
			}},
			Result: "the version, an int",
			Errors: keyErrors(valueErrors(conflict)...),
			Example: `first = notes.put("tea", {"cups": 3})
second = notes.put("tea", {"cups": 4}, version = first)
notes.put("tea", {"cups": 5}, version = first)  # error: another one changed it meanwhile
second > first  # True`,
			Fn: bucketPut,
		},
		{
			Name:   "create",
			Doc:    "Sets the value of a key that has none. Of many who do so at once, one succeeds.",
			Params: []host.Param{keyParam, valueParam, ttlParam},
			Result: "the version, an int, or None if there is a value already",
			Errors: keyErrors(valueErrors()...),
			Example: `notes.create("milk", 1) == None  # False
notes.create("milk", 2)  # None
notes.get("milk")  # 1`,
			Fn: (*bucket).create,
		},
		{
			Name: "update",
			Doc: "Sets the value of a key to what fn returns for the present one. If another one changed it " +
				"meanwhile, fn is called again with what is there then: so nothing is lost, and what else fn " +
				"does has to bear that.",
			Params: []host.Param{keyParam, {
				Name: "fn", Doc: "is called with the value, None if there is none; what it may change, and " +
					"returns. If it returns None the key stays as it is",
			}, ttlParam},
			Result: "the value that the key has then",
			Errors: keyErrors(valueErrors(
				host.Failure{When: "fn fails: with that error"},
				host.Failure{When: "others were first 1000 times (conflict)"},
			)...),
			Example: `notes.update("cups", lambda n: (n or 0) + 1)  # 1
notes.update("cups", lambda n: (n or 0) + 1)  # 2
notes.update("cups", lambda n: None)  # 2`,
			Fn: (*bucket).update,
		},
		{
			Name: "delete",
			Doc:  "Deletes a key, with its history. Of one that is not there nothing is said.",
			Params: []host.Param{keyParam, {
				Name: "version", Type: "int or None", Default: starlark.None, Doc: "the version that the key must have",
			}},
			Result: "None",
			Errors: keyErrors(conflict),
			Example: `notes.delete("tea")
notes.get("tea")  # None`,
			Fn: (*bucket).delete,
		},
		{
			Name:   "keys",
			Doc:    "Returns the keys, in order, 10,000 at most.",
			Params: []host.Param{prefixParam},
			Result: "a list of strings",
			Errors: keyErrors(tooMany),
			Example: `notes.keys()  # ["tea"]
notes.put("tea.green", 1) > 0  # True
notes.keys("tea.")  # ["tea.green"]`,
			Fn: (*bucket).keys,
		},
		{
			Name:    "items",
			Doc:     "Returns keys and values, in the order of the keys, 10,000 of them and 64 MiB at most.",
			Params:  []host.Param{prefixParam},
			Result:  "a list of pairs",
			Errors:  keyErrors(tooMany),
			Example: `notes.items()  # [("tea", {"cups": 2})]`,
			Fn:      (*bucket).items,
		},
		{
			Name:   "history",
			Doc:    "Returns the versions of a key that are kept, as many as bucket() says, the oldest first.",
			Params: []host.Param{keyParam},
			Result: "a list of kv.entry",
			Errors: keyErrors(),
			Example: `[e.value for e in notes.history("tea")]  # [{"cups": 2}]
notes.history("coffee")  # []`,
			Fn: (*bucket).past,
		},
		{
			Name: "watch",
			Doc: "Returns an iterable that gives what is there, and then each change, as it is made: a loop " +
				"over it goes on until it breaks or the request ends. Of changes of one key that follow each " +
				"other closely it may give the last only. It is for a handler of server-sent events or of a " +
				"WebSocket; the loop has the steps and the time of a new request for each change. What is " +
				"changed after the call is not missed, however late the loop begins. To wait for something " +
				"else, too, or to do something now and then, loop over what merge of @body returns.",
			Params: []host.Param{prefixParam, {
				Name: "initial", Doc: "whether what is there is given first", Default: starlark.True,
			}},
			Result: "an iterable of kv.entry",
			Errors: keyErrors(tooManyFollow),
			Example: `def first():
    for e in notes.watch():
        return e.key, e.value

first()  # ("tea", {"cups": 2})`,
			Fn: (*bucket).watch,
		},
	},
}

var tooManyFollow = host.Failure{
	When: "there are 10,000 watches and subscriptions in this process already, or 256 in this request (limit): 503",
}

var tooMany = host.Failure{When: "there are more (limit): ask by a longer prefix"}
