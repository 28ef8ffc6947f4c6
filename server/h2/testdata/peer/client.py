"""Python's h2 as a client: python3 client.py URL WINDOW TABLE FRAME

h2 is strict about what a server sends. It prints "ok NAME" or "not ok NAME: why" for each thing
that it tries.
"""
import hashlib
import os
import socket
import ssl
import sys
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import h2.settings

url, window, table, frame = urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])


class Client:
    def __init__(self):
        sock = socket.create_connection((url.hostname, url.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(60)
        if url.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            sock = context.wrap_socket(sock, server_hostname="localhost")
            assert sock.selected_alpn_protocol() == "h2"
        self.sock = sock
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.conn.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.ENABLE_PUSH: 1,
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window,
            h2.settings.SettingCodes.HEADER_TABLE_SIZE: table,
            h2.settings.SettingCodes.MAX_FRAME_SIZE: frame,
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100,
            h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 20,
        })
        self.conn.max_inbound_frame_size = frame
        self.conn.decoder.max_allowed_table_size = table
        self.conn.initiate_connection()
        if window > 65535:
            self.conn.increment_flow_control_window(2**31 - 1 - 65535)
        self.answers = {}
        self.flush()

    def flush(self):
        self.sock.sendall(self.conn.data_to_send())

    def ask(self, path, method="GET", end=True, headers=()):
        stream = self.conn.get_next_available_stream_id()
        self.answers[stream] = {"body": bytearray(), "end": False}
        self.conn.send_headers(stream, [(":method", method), (":scheme", url.scheme), (":authority", url.netloc), (":path", path), *headers], end_stream=end)
        self.flush()
        return stream

    def step(self):
        data = self.sock.recv(1 << 20)
        assert data, "the connection has ended"
        for event in self.conn.receive_data(data):
            if isinstance(event, h2.events.ConnectionTerminated):
                raise AssertionError(f"GOAWAY {event.error_code}")
            if isinstance(event, h2.events.PushedStreamReceived):
                self.answers[event.pushed_stream_id] = {"body": bytearray(), "end": False, "path": dict(event.headers)[b":path"]}
            answer = self.answers.get(getattr(event, "stream_id", None))
            if answer is None:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                answer["headers"] = dict(event.headers)
            elif isinstance(event, h2.events.TrailersReceived):
                answer["trailers"] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                answer["body"].extend(event.data)
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answer["end"] = True
            elif isinstance(event, h2.events.StreamReset):
                answer["reset"] = event.error_code
        self.flush()

    def answer(self, stream):
        answer = self.answers[stream]
        while not answer["end"]:
            assert "reset" not in answer, f"reset {answer['reset']}"
            self.step()
        return answer

    def send(self, stream, body):
        view = memoryview(body)
        while view:
            room = min(self.conn.local_flow_control_window(stream), self.conn.max_outbound_frame_size, len(view))
            if room == 0:
                self.step()
                continue
            self.conn.send_data(stream, bytes(view[:room]))
            self.flush()
            view = view[room:]
        self.conn.end_stream(stream)
        self.flush()


def get(c):
    a = c.answer(c.ask("/"))
    assert a["body"] == b"hello, world\n" and a["headers"][b":status"] == b"200", a


def head(c):
    a = c.answer(c.ask("/", "HEAD"))
    assert a["body"] == b"" and a["headers"][b"content-length"] == b"13", a


def upload(c):
    body = os.urandom(8 << 20)
    stream = c.ask("/upload", "POST", end=False)
    c.send(stream, body)
    a = c.answer(stream)
    assert a["body"].decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}", a["body"]


def download(c):
    a = c.answer(c.ask("/download"))
    assert hashlib.sha256(a["body"]).hexdigest().encode() == a["headers"][b"x-sha256"], len(a["body"])


def trailers(c):
    a = c.answer(c.ask("/trailers"))
    assert a["trailers"] == {b"x-trailer": b"value"}, a


def duplex(c):
    stream = c.ask("/echo", "POST", end=False)
    said = b""
    for i in range(10):
        word = b"word %d " % i
        c.conn.send_data(stream, word)
        c.flush()
        said += word
        while c.answers[stream]["body"] != said:
            c.step()
    c.conn.end_stream(stream)
    c.flush()
    c.answer(stream)


def many(c):
    limit = c.conn.remote_settings.max_concurrent_streams
    waiting, asked = [], 0
    while asked < 1000 or waiting:
        while asked < 1000 and len(waiting) < min(limit, 250):
            waiting.append(c.ask(f"/?{asked}"))
            asked += 1
        for stream in [s for s in waiting if c.answers[s]["end"]]:
            assert c.answers.pop(stream)["body"] == b"hello, world\n"
            waiting.remove(stream)
        if waiting:
            c.step()


def cancel(c):
    stream = c.ask("/wait")
    while "headers" not in c.answers[stream]:
        c.step()
    c.conn.reset_stream(stream, 8)
    c.flush()
    assert c.answer(c.ask("/cancelled"))["body"] == b"yes"


def push(c):
    stream = c.ask("/page")
    assert c.answer(stream)["body"] == b"the page"
    pushed = {a["path"]: c.answer(s)["body"] for s, a in list(c.answers.items()) if "path" in a}
    assert pushed == {b"/promised/a": b"promised /promised/a", b"/promised/b": b"promised /promised/b"}, pushed


def headers(c):
    for i in range(20):
        a = c.answer(c.ask("/headers", headers=[("x-big", "v" * 3000), (f"x-{i % 3}", str(i))]))
        assert len(a["headers"][b"x-big"]) == 3000 and a["headers"][b"x-%d" % (i % 3)] == b"%d" % i, a["headers"]


failed = False
tests = [get, head, trailers, duplex, many, cancel, push, headers]
if window > 1:
    tests += [upload, download]
for test in tests:
    try:
        c = Client()
        c.answer(c.ask("/"))  # so that the server's settings are known
        test(c)
        print("ok", test.__name__, flush=True)
        c.sock.close()
    except Exception as err:
        failed = True
        print(f"not ok {test.__name__}: {type(err).__name__}: {str(err)[:500]}", flush=True)
sys.exit(failed)
