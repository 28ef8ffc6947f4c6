package worker

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// newGroup returns a control group for a worker, nil if there is to be none, or none can be made.
func (p *Pool) newGroup(temp string) *sandbox.Group {
	if p.Memory <= 0 {
		return nil
	}
	g, err := sandbox.NewGroup(filepath.Base(temp), p.Memory)
	if err != nil {
		p.ungrouped.Do(func() {
			p.logger.Debug("workers have no control groups: their memory is looked at every second",
				slog.Any("because", err))
		})
	}
	return g
}

// weigh kills a worker that has more memory than it may, where the kernel does not.
func (w *process) weigh(size int64) {
	if limit := w.pool.Memory; limit > 0 && w.group == nil && size > limit {
		w.leave()
		w.kill(death{cause: Memory, text: fmt.Sprintf("it has %d MiB resident, and may have %d", size>>20, limit>>20)})
	}
}

// resident is how many bytes of memory the worker has, 0 where that is not known.
func (w *process) resident() int64 {
	n, _ := sandbox.Resident(w.cmd.Process.Pid)
	return n
}
