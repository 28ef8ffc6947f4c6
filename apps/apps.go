// Package apps holds applications and middleware written as .star files, embedded in the binary.
//
// The applications are the smallest that are worth reading: hello, environ, form, stream, upload, push. The
// middleware is errors (an answer to each), mount (dispatch by prefix) and lint (the gateway contract, executable). The tour shows
// them all, live, with their source beside them.
package apps

import "embed"

// FS is the tree of all of them, from whose root they load one another. The tour is tour/app.star in it; app.star,
// at the root, is the same for one who serves the tree from its files. The tests beside them, *_test.star, are not in it:
// larkspur test apps runs those.
//
//go:embed app.star environ.star errors.star form.star hello.star html.star lint.star mount.star push.star stream.star upload.star tour
var FS embed.FS
