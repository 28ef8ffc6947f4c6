//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// What Landlock can grant on a file, and what only on a directory. Neither has the right to
// execute, to make devices, sockets or pipes, or to send a device commands.
const (
	readFile  landlock.AccessFSSet = ll.AccessFSReadFile
	readTree                       = readFile | ll.AccessFSReadDir
	writeFile                      = readFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	writeTree                      = readTree | writeFile | ll.AccessFSRemoveDir |
		ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSym
)

// systemFiles are read by Go's runtime and standard library long after the start: zones of time
// (time/zoneinfo_unix.go), types of media (mime/type_unix.go), chance and nothing.
var systemFiles = []string{
	"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo",
	"/etc/localtime", "/etc/mime.types", "/etc/apache2/mime.types", "/etc/apache/mime.types",
	"/etc/httpd/conf/mime.types", "/usr/share/mime/globs2", "/usr/local/share/mime/globs2",
	"/dev/urandom", "/dev/random",
}

// networkFiles are read to resolve a name (net/conf.go) and to verify a certificate
// (crypto/x509/root_linux.go); of the latter some are links, to where the last three say.
var networkFiles = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols",
	"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs",
	"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
}

// restrict confines all threads to what a grants, as far as the kernel's Landlock goes.
func (a Access) restrict(k kernel) error {
	if k.landlock == 0 {
		return nil // the report says so
	}
	rules, err := a.fileRules(k)
	if err != nil {
		return err
	}
	// What later ABIs add beyond these rules is not ours to decide: no higher one is named here
	// before its rules are.
	config := landlock.V11
	if a.Network {
		config.HandledAccessNet &^= ll.AccessNetConnectTCP
		if len(a.Ports) > 0 {
			config.HandledAccessNet |= ll.AccessNetConnectTCP
			rules = append(rules, landlock.ConnectTCP(53))
		}
		for _, port := range a.Ports {
			rules = append(rules, landlock.ConnectTCP(port))
		}
		// Go looks whether there is IPv6 by binding a socket to any port. None can listen.
		rules = append(rules, landlock.BindTCP(0), landlock.BindUDP(0), landlock.ConnectSendUDP(53))
	}
	if !k.signals {
		config.Scoped &^= ll.ScopeSignal
	}
	// An application that nobody has read shall not fill the audit log with what it tries.
	return config.DisableLoggingForOriginatingProcess().BestEffort().Restrict(rules...)
}

func (a Access) fileRules(k kernel) ([]landlock.Rule, error) {
	rules := []landlock.Rule{landlock.PathAccess(writeFile, "/dev/null").IgnoreIfMissing()}
	system := append(systemFiles[:len(systemFiles):len(systemFiles)], os.Getenv("ZONEINFO"))
	if a.Network {
		system = append(append(system, networkFiles...), resolvers()...)
		system = append(system, os.Getenv("SSL_CERT_FILE"))
		system = append(system, filepath.SplitList(os.Getenv("SSL_CERT_DIR"))...)
	}
	for _, path := range system {
		if rule, err := pathRule(path, readFile, readTree); err == nil { // most systems lack some
			rules = append(rules, rule)
		}
	}
	for _, path := range a.Read {
		rule, err := pathRule(path, readFile, readTree)
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		rules = append(rules, rule)
	}
	tree := writeTree
	if k.landlock >= 2 {
		tree |= ll.AccessFSRefer // to rename from one directory of the tree to another
	}
	for _, path := range a.Write {
		rule, err := pathRule(path, writeFile, tree)
		if err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
		rules = append(rules, rule)
	}
	for _, path := range a.Unix {
		rules = append(rules, landlock.PathAccess(ll.AccessFSResolveUnix, path))
	}
	return rules, nil
}

// pathRule grants what path leads to the rights of a file or of a tree.
func pathRule(path string, file, tree landlock.AccessFSSet) (landlock.FSRule, error) {
	info, err := os.Stat(path)
	if err != nil {
		return landlock.FSRule{}, err
	}
	if info.IsDir() {
		return landlock.PathAccess(tree, path), nil
	}
	return landlock.PathAccess(file, path), nil
}

// resolvers is the directory below /run that /etc/resolv.conf links to, if it does: the file in it
// is replaced when the name servers change.
func resolvers() []string {
	file, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if dir := filepath.Dir(file); err == nil && strings.HasPrefix(dir, "/run/") {
		return []string{dir}
	}
	return nil
}
