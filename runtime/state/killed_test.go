package state_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// killedDir is the variable by which a process of TestKilled is told where to keep what it does.
const killedDir = "LARKSPUR_TEST_KILLED"

// TestKilled verifies that of what a process had acknowledged nothing is lost when it is killed while it
// writes. LARKSPUR_LONG=1 has it be killed 50 times.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		write(newDesk(t, grant(t, dir)))
		return
	}
	kills := 2
	if os.Getenv("LARKSPUR_LONG") == "1" {
		kills = 50
	}
	dir := t.TempDir()
	var said []int
	for n := range kills {
		c := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		c.Env = append(os.Environ(), killedDir+"="+dir)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for told := 0; lines.Scan(); told++ {
			i, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("the process says %q", lines.Text())
			}
			said = append(said, i)
			if told == 100+7*n {
				_ = c.Process.Kill() // what it has said by then is read
			}
		}
		_ = c.Wait()
	}
	if len(said) < 100*kills {
		t.Fatalf("the processes said %d only", len(said))
	}
	d := newDesk(t, grant(t, dir))
	for _, n := range said {
		d.want(fmt.Sprintf(`b.get("k.%d")`, n), strconv.Itoa(n))
	}
	d.want(fmt.Sprintf(`topic("t").recent(1)[0].value >= %d`, said[len(said)-1]), `True`)
}

// write writes without end, and says each value that it has written.
func write(d *desk) {
	d.env["say"] = host.Func("say", func(n int) { fmt.Println(n) })
	d.run(`
n = counter("starts").add() * 10000
while True:
    topic("t").publish(n)
    b.put("k.%d" % n, n)
    say(n)
    n += 1
`)
}
