package watch

import (
	"io/fs"
	"os"
	"path/filepath"
)

// follow watches the directories that matter for the files of t now, and no longer those that do
// not. It reports whether one is new: what changed in it before was not seen.
func (r *runner) follow(t *target, files []string) (unseen bool) {
	if r.watcher == nil {
		return false
	}
	dirs := make(map[string]bool)
	addPath(dirs, t.Dir, maxLinks)
	for _, name := range files {
		addPath(dirs, filepath.Join(t.Dir, filepath.FromSlash(name)), maxLinks)
	}
	for _, dir := range t.others.dirs[:min(len(t.others.dirs), maxDirs)] {
		dirs[dir] = true
	}
	for dir := range dirs {
		// One that is watched already may be a new one of the same name, which is watched anew.
		if err := r.watcher.Add(dir); err != nil {
			delete(dirs, dir) // polling sees to it
			continue
		}
		unseen = unseen || !t.dirs[dir]
	}
	r.leave(t, dirs)
	return unseen
}

// leave has the directories be watched no longer that t has needed, unless it needs them still, or
// another target does.
func (r *runner) leave(t *target, needed map[string]bool) {
	for dir := range t.dirs {
		if !needed[dir] && !r.wanted(dir, t) {
			_ = r.watcher.Remove(dir) // it may be gone
		}
	}
	t.dirs = needed
}

const maxDirs = 2000 // of other files; a system has so many watches and no more

// wanted reports whether a target other than t has dir watched.
func (r *runner) wanted(dir string, t *target) bool {
	for _, other := range r.targets {
		if other != t && other.dirs[dir] {
			return true
		}
	}
	return false
}

const maxLinks = 40 // as the kernel has it

// addPath adds the directories in which a change can change what path names: the one that holds it,
// or as much of it as there is, and the one that holds each symlink on the way.
func addPath(dirs map[string]bool, path string, links int) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	holder := string(filepath.Separator)
	for rest := path[len(holder):]; ; {
		name, tail, more := cut(rest)
		at := filepath.Join(holder, name)
		info, err := os.Lstat(at)
		if err != nil {
			dirs[holder] = true // it may come
			return
		}
		if info.Mode().Type() == fs.ModeSymlink {
			dirs[holder] = true
			to, err := os.Readlink(at)
			if err != nil || links == 0 {
				return
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(holder, to)
			}
			addPath(dirs, filepath.Join(to, tail), links-1)
			return
		}
		if !more {
			if info.IsDir() {
				dirs[at] = true
			} else {
				dirs[holder] = true
			}
			return
		}
		holder, rest = at, tail
	}
}

func cut(path string) (name, tail string, more bool) {
	for i := range len(path) {
		if path[i] == filepath.Separator {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}
