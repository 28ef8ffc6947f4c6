package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// The parts of a sealed text.
const (
	version   = 1
	saltBytes = 24
	timeBytes = 8
	tagBytes  = 16
	overhead  = 1 + saltBytes + timeBytes + tagBytes
)

// coding is that of the text in a cookie (RFC 6265, section 4.1.1). One text stands for one cookie:
// bits that say nothing have to be zero.
var coding = base64.RawURLEncoding.Strict()

// A key seals and opens. It is immutable.
type key struct{ extracted []byte }

func newKey(secret string) (*key, error) {
	b, err := hkdf.Extract(sha256.New, []byte(secret), []byte("larkspur @session"))
	return &key{b}, err
}

// cipher returns what one text is sealed with, under a key and a nonce of its own: RFC 5869. With
// 24 random octets no two texts have the same, however many there are, which the 12 of GCM's own
// nonce would not do (NIST SP 800-38D, section 8.3).
func (k *key) cipher(c cookie, salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	info := "session\x00" + c.name + "\x00" + c.path + "\x00" + string(salt) // neither has a NUL
	b, err := hkdf.Expand(sha256.New, k.extracted, info, 32+12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(b[:32])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCM(block)
	return aead, b[32:], err
}

// seal returns the text of a cookie that says content, made at a time.
func (k *key) seal(c cookie, content string, at time.Time) (string, error) {
	head := make([]byte, 1+saltBytes, overhead+len(content))
	head[0] = version
	_, _ = rand.Read(head[1:]) // it never fails
	aead, nonce, err := k.cipher(c, head[1:])
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, timeBytes+len(content)),
		uint64(at.Unix()))
	plain = append(plain, content...)
	return coding.EncodeToString(aead.Seal(head, nonce, plain, head[:1])), nil
}

// unseal returns what the text of a cookie says and when it was made, and false if the key has not
// sealed it for a cookie of this name and path. The text is anybody's.
func (k *key) unseal(c cookie, text string) (content string, at time.Time, ok bool) {
	// The decoder passes over the ends of lines.
	if len(text) > maxCookie || strings.ContainsAny(text, "\r\n") {
		return "", at, false
	}
	b, err := coding.DecodeString(text)
	if err != nil || len(b) < overhead || b[0] != version {
		return "", at, false
	}
	aead, nonce, err := k.cipher(c, b[1:1+saltBytes])
	if err != nil {
		return "", at, false
	}
	plain, err := aead.Open(nil, nonce, b[1+saltBytes:], b[:1])
	if err != nil || len(plain) < timeBytes {
		return "", at, false
	}
	seconds := int64(binary.BigEndian.Uint64(plain))
	return string(plain[timeBytes:]), time.Unix(seconds, 0), true
}
