package state_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// gateways adds what knows requests to a desk: @session, and @middleware with limits that are shared.
func gateways(env starlark.StringDict, g *state.Grant) error {
	for _, m := range []*host.Module{session.Module(), middleware.Module()} {
		values, err := m.Values(&host.Load{Grant: g})
		if err != nil {
			return err
		}
		for name, v := range values {
			env[name] = v
		}
	}
	return nil
}

// visiting is an application that does what it is told with its session, and visit, which asks it with a
// cookie, and returns the cookie that the visitor has then, and what was said.
const visiting = `def inner(environ, start_response):
    visitor, do, args = session(environ), environ["do"], environ["args"]
    if do == "set":
        visitor.update({args: 1})
    elif do == "login":
        visitor.regenerate(owner = args)
    elif do == "everywhere":
        visitor.end_all()
    elif do == "much":
        visitor["much"] = "x" * args
    start_response("200 OK", [])
    return [sorted(visitor.keys()), visitor.owner]

app = sessions(inner, store = bucket("visitors"))

def visit(cookie, do = "", args = None):
    got = [cookie]
    def start_response(status, headers):
        for name, value in headers:
            if name == "Set-Cookie":
                got[0] = value.split(";")[0]
    environ = {"HTTP_COOKIE": cookie, "SCRIPT_NAME": "", "wsgi.url_scheme": "http", "do": do, "args": args}
    keys, owner = app(environ, start_response)
    return got[0], keys, owner

def many(cookie, node, n):
    for i in range(n):
        visit(cookie, "set", "%s%d" % (node, i))

limited = rate_limit(10, 3600, key = lambda environ: "ada", shared = True)(
    lambda environ, start_response: start_response("200 OK", []))

def ask(n):
    said = []
    for i in range(n):
        limited({}, lambda status, headers: said.append(status[:3]))
    return len([s for s in said if s == "200"])
`

// visitNodes has a visitor be known at all nodes, set keys at all of them at once, and be logged out from
// one everywhere; and a client be counted by all.
func visitNodes(t *testing.T, nodes []*node) {
	for _, n := range nodes {
		n.eval(visiting)
	}
	cookie := func(n *node, call string) string {
		t.Helper()
		got := n.eval(call + "[0]")
		if !strings.HasPrefix(got, `"session=`) {
			t.Fatalf("%s: %s", call, got)
		}
		return got
	}
	home := cookie(nodes[0], `visit("", "login", "ada")`)
	phone := cookie(nodes[1], `visit("", "login", "ada")`)
	other := cookie(nodes[2], `visit("", "login", "bob")`)
	if home == phone {
		t.Error("two have the same id")
	}
	n, _ := strconv.Atoi(often(5, 200))
	together(nodes, func(i int) string {
		return `many(` + home + `, "` + string(rune('a'+i)) + `", ` + strconv.Itoa(n) + `)`
	})
	nodes[1].want(`len(visit(`+home+`)[1])`, strconv.Itoa(3*n), `visit(`+home+`)[2]`, `"ada"`,
		`len(visit(`+phone+`)[1])`, "0")
	nodes[0].eval(`visit(` + home + `, "much", 400000)`)
	nodes[2].want(`visit(`+home+`)[1][-1]`, `"much"`)
	nodes[1].eval(`visit(` + phone + `, "everywhere")`)
	for i, n := range nodes {
		for who, want := range map[string]string{home: "None", phone: "None", other: `"bob"`} {
			if got := n.eval(`visit(` + who + `)[2]`); got != want {
				t.Errorf("node %d: after the logout from everywhere %s is of %s, want %s", i, who, got, want)
			}
		}
	}
	// Ten requests an hour, at whichever node.
	served := 0
	for _, got := range together(nodes, func(int) string { return "ask(8)" }) {
		n, err := strconv.Atoi(got)
		if err != nil {
			t.Errorf("ask: %s", got)
		}
		served += n
	}
	if served != 10 {
		t.Errorf("%d requests were let through, want 10", served)
	}
}
