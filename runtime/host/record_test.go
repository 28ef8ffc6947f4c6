package host_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A user is what an embedder has in its database.
type user struct {
	ID       int
	Name     string
	HTTPPort uint16
	From     string
	Tags     []string
	Limits   map[string]int
	Boss     *user
	Since    time.Time
	Address  address
	Pay      float64 `starlark:"salary"`
	Password string  `starlark:"-"`
	Updates  chan int
	Anything any
	secret   string
	*timestamps
	sync.Mutex `starlark:"-"`
}

type address struct{ City, Street string }

type timestamps struct{ Created int }

func (t *timestamps) Age(now int) int { return now - t.Created }

func (u *user) String() string                   { return "user " + u.Name }
func (u *user) Rename(name string) (old string)  { old, u.Name = u.Name, name; return old }
func (u *user) Fail() error                      { return errors.New("no such user") }
func (u *user) IsMemberOf(groups ...string) bool { return len(groups) > 0 && u.secret == "" }
func (u *user) Watch(chan int)                   {}
func (u *user) Each(t *starlark.Thread, f starlark.Callable) (starlark.Value, error) {
	return starlark.Call(t, f, starlark.Tuple{starlark.String(u.Name)}, nil)
}

func people() starlark.StringDict {
	ada := &user{ID: 1, Name: "Ada", HTTPPort: 80, From: "London", Tags: []string{"a"}, Limits: map[string]int{"x": 1},
		Since: time.Unix(0, 0).UTC(), Address: address{"London", "x"}, Pay: 9.5, Password: "1234", timestamps: &timestamps{10}}
	bob := &user{ID: 2, Name: "Bob", Boss: ada}
	ada.Anything = []any{bob}
	find := func(name string) (*user, error) {
		switch name {
		case "ada":
			return ada, nil
		case "bob":
			return bob, nil
		case "nobody":
			return nil, nil
		}
		return nil, fmt.Errorf("there is no %s", name)
	}
	return starlark.StringDict{
		"find":   host.Func("find", find),
		"users":  host.Func("users", func() []*user { return []*user{ada, bob, nil} }),
		"place":  host.Func("place", func() address { return ada.Address }),
		"name":   host.Func("name", func(u *user) string { return u.String() }),
		"city":   host.Func("city", func(a address) string { return a.City }),
		"move":   host.Func("move", func(a *address) string { a.City += "!"; return a.City }),
		"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
	}
}

func TestRecord(t *testing.T) {
	for _, test := range []struct{ expr, want string }{
		{`find("ada").id, find("ada").name, find("ada").http_port, find("ada").salary`, `(1, "Ada", 80, 9.5)`},
		{`find("ada").from_, find("ada").since.unix, find("ada").since.year`, `("London", 0, 1970)`},
		{`find("ada").tags, find("ada").limits, find("bob").tags`, `(["a"], {"x": 1}, [])`},
		{`find("bob").boss.name, find("ada").boss, find("nobody")`, `("Ada", None, None)`},
		{`find("ada").anything[0].name`, `"Bob"`},
		{`[u and u.id for u in users()]`, `[1, 2, None]`},
		{`find("ada").address.city, place().street, str(place())`, `("London", "x", "<address>")`},
		{`find("ada").created, find("ada").age(12), find("bob").created`, `(10, 2, None)`},
		{`find("ada").rename("Eve"), find("ada").name`, `("Ada", "Eve")`},
		{`find("ada").is_member_of(), find("ada").is_member_of("x", "y")`, `(False, True)`},
		{`find("ada").each(lambda n: n.upper())`, `"ADA"`},
		{`type(find("ada")), type(place()), str(find("ada"))`, `("user", "address", "user Ada")`},
		{`[n for n in dir(find("ada")) if n in ("id", "pay", "password", "secret", "lock", "unlock", "updates", "watch", "mutex", "age")]`, `["age", "id"]`},
		{`find("ada") == find("ada"), find("ada") == find("bob"), find("ada") != find("bob"), find("ada") == place()`, `(True, False, True, False)`},
		{`place() == find("ada").address`, `True`},
		{`{find("ada"): 1}[find("ada")]`, `1`},
		{`name(find("bob")), city(place()), city(find("ada").address), move(place()), place().city`, `("user Bob", "London", "London", "London!", "London")`},
		{`city({"city": "Paris"}), city(struct(city = "Rome", street = "y")), move({"city": "Paris"})`, `("Paris", "Rome", "Paris!")`},
		{`name({"name": "Zoe", "tags": ["x"], "created": 3, "boss": {"id": 4}})`, `error: name: for parameter 1: for key "created": it is in a *host_test.timestamps that is nil`},
		{`name({"name": "Zoe", "tags": ("x", "y"), "boss": {"id": 4}, "salary": 3})`, `"user Zoe"`},

		{`{place(): 1}`, `error: unhashable: address`},
		{`place() < place()`, `error: address < address not implemented`},
		{`find("ada").updates`, `error: user.updates: chan int has no counterpart in Starlark`},
		{`find("ada").watch`, `error: user.watch: parameter 1: chan int has no counterpart in Starlark`},
		{`find("ada").nme`, `error: user has no .nme field or method (did you mean .name?)`},
		{`find("ada").password`, `error: user has no .password field or method`},
		{`find("ada").lock()`, `error: user has no .lock field or method`},
		{`find("ada").tags.append("b")`, `error: append: cannot append to frozen list`},
		{`find("ada").fail()`, `error: fail: no such user`},
		{`find("bob").age(1)`, `error: age: panic: `},
		{`find("ada").rename(1)`, `error: rename: for parameter 1: got int, want string`},
		{`find("ada").rename()`, `error: rename: got 0 arguments, want 1`},
		{`find("eve")`, `error: find: there is no eve`},
		{`name(place())`, `error: name: for parameter 1: got address, want user`},
		{`city(find("ada"))`, `error: city: for parameter 1: got user, want address`},
		{`city(1)`, `error: city: for parameter 1: got int, want address`},
		{`city({"citi": "Paris"})`, `error: city: for parameter 1: for key "citi": address has no such field (did you mean city?)`},
		{`city({"city": 1})`, `error: city: for parameter 1: for key "city": got int, want string`},
		{`name({"password": "x"})`, `error: name: for parameter 1: for key "password": user has no such field`},
		{`name({"rename": "x"})`, `error: name: for parameter 1: for key "rename": user has no such field`},
		{`name({"updates": 1})`, `error: name: for parameter 1: for key "updates": chan int has no counterpart in Starlark`},
	} {
		got := eval(t, people(), test.expr)
		if strings.HasPrefix(test.want, "error:") && strings.HasPrefix(got, test.want) {
			continue
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}

// What is frozen of a script's globals cannot be changed through a struct either, and a struct that
// is a global is read by many calls at once.
func TestRecordIsReadByManyAtOnce(t *testing.T) {
	values := people()
	ada, err := starlark.Call(new(starlark.Thread), values["find"], starlark.Tuple{starlark.String("ada")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ada.Freeze()
	values["ada"] = ada
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := eval(t, values, `ada.name + ada.tags[0] + ada.address.city`); got != `"AdaaLondon"` {
				t.Errorf("got %s", got)
			}
		})
	}
	all.Wait()
}

func TestNamesOfFields(t *testing.T) {
	v, err := host.Value(struct {
		ID, UserID, UserIDs, HTTPServer, URLPath, Base64, HTML5Page, X509Cert, A, AB, ABc, IDs int
		Class, In, Größe                                                                       int
		Tagged                                                                                 int `starlark:"is"`
	}{})
	if err != nil {
		t.Fatal(err)
	}
	want := "[a a_bc ab base64 class_ größe html5_page http_server id ids in_ is url_path user_id user_ids x509_cert]"
	if got := fmt.Sprint(v.(starlark.HasAttrs).AttrNames()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, err = host.Value(struct {
		ID    int
		Other int `starlark:"id"`
	}{})
	if err == nil || !strings.HasSuffix(err.Error(), "ID and Other are both id for a script: tag a field `starlark:\"name\"`") {
		t.Errorf("got %v", err)
	}
}
